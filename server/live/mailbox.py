"""Between the receive loop and the score loop: at most one window waits while one is judged."""

import asyncio
from dataclasses import dataclass
from typing import SupportsBytes

from server.values.windows import Window


@dataclass(frozen=True, slots=True)
class Mail:
    """``due``: clock time from which its lag counts. ``core``: the core's snapshot when it was complete.

    ``lossless``: this window must not be replaced (``fast``, and replay after a resume).
    """

    window: Window
    due: float
    core: SupportsBytes | None
    lossless: bool


class Mailbox:
    """One slot. If it is full, ``put_newest`` replaces the window in it and says so; ``put`` waits. One reader, one
    writer.

    A window taken by the reader counts as unjudged until the reader comes back for more.
    """

    def __init__(self) -> None:
        self._slot: Mail | None = None
        self._taken: Mail | None = None
        self._at_the_door = False
        self._closed = False
        self._changed = asyncio.Event()

    def put_newest(self, mail: Mail) -> bool:
        """True if an older window was replaced."""
        replaced = self._slot is not None
        self._slot = mail
        self._changed.set()
        return replaced

    async def put(self, mail: Mail) -> None:
        """Wait until the slot is free, then fill it: for windows that must not be dropped."""
        self._at_the_door = True  # and stays so for a writer that is cancelled: its window is lost
        while self._slot is not None:
            await self._wait()
        self._at_the_door = False
        self.put_newest(mail)

    async def take(self) -> Mail | None:
        """The next window; ``None`` once closed and empty. The one taken before counts as judged from now on."""
        self._taken = None
        self._changed.set()
        while self._slot is None:
            if self._closed:
                return None
            await self._wait()
        self._taken, self._slot = self._slot, None
        self._changed.set()
        return self._taken

    def close(self) -> None:
        """No more windows will come. A waiting window can still be taken."""
        self._closed = True
        self._changed.set()

    @property
    def holds_lossless(self) -> bool:
        """True while a window waits that must not be replaced."""
        return self._slot is not None and self._slot.lossless

    @property
    def unjudged(self) -> int:
        """Windows that wait or are being judged, 3 at most: one judged, one in the slot, one whose writer waits."""
        return (self._slot is not None) + (self._taken is not None) + self._at_the_door

    @property
    def oldest_due(self) -> float | None:
        """``due`` of the oldest window that is unjudged and may be replaced: of one judged in real time."""
        return min((mail.due for mail in (self._taken, self._slot) if mail and not mail.lossless), default=None)

    async def all_judged(self) -> None:
        """Wait until it is closed and everything is judged."""
        while not self._closed or self.unjudged:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
