"""What follows a deletion and nobody waits for: one task of the process, however many deletions there are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from server.errors import StoreError

log = logging.getLogger(__name__)

PAUSE_S = 10.0
"""Between two rounds. Deletions that come meanwhile share the next."""

CLOSE_S = 20.0
"""How long an end waits for the last round; then the server's own autovacuum does the rest."""


class Cleaning:
    """``work`` is run once after ``ask``, however often that is called until it begins. ``close`` ends it."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._asked = False
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Never waits, never raises. In the loop of the process."""
        self._asked = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="clean tables")

    async def close(self) -> None:
        """What was asked for is done at once, within ``CLOSE_S``."""
        self._closing.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=CLOSE_S)
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._asked:
            self._asked = False
            try:
                await self._work()
            except StoreError:
                log.warning(
                    "the space of deleted rows is not free yet: VACUUM failed; the server's autovacuum frees it"
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._closing.wait()
