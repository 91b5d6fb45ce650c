"""Waiting until nobody is left, which a second signal cuts short."""

import asyncio
from collections.abc import Callable

from server.live.clock import Clock, deadline


class Emptying:
    """``changed`` is called whenever somebody left. After ``hurry`` nobody is waited for any more, only for what is
    being closed already."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news = asyncio.Event()
        self._hurried = False

    def changed(self) -> None:
        """Somebody may have been the last."""
        self._news.set()

    def hurry(self) -> None:
        """``patience`` ends now, and later ones at once."""
        self._hurried = True
        self._news.set()

    async def patience(self, within_s: float, left: Callable[[], bool]) -> None:
        """Wait until nobody is ``left``, ``within_s`` seconds have passed, or it must go quickly."""
        await self._until(within_s, lambda: self._hurried or not left())

    async def closed(self, within_s: float, left: Callable[[], bool]) -> None:
        """Wait until nobody is ``left`` of those who were asked to go, or ``within_s`` seconds have passed."""
        await self._until(within_s, lambda: not left())

    async def _until(self, within_s: float, done: Callable[[], bool]) -> None:
        try:
            async with deadline(self._clock, within_s):
                while not done():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return
