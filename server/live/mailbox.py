"""Between the receive loop and the score loop: at most one window waits while one is judged."""

import asyncio
from dataclasses import dataclass

from server.values.windows import Window


@dataclass(frozen=True, slots=True)
class Mail:
    """``arrived``: clock time of the message that completed the window. ``core``: the core's snapshot as it was then.

    ``lossless``: nothing may be left out for lateness (``fast``, and replay after a resume).
    """

    window: Window
    arrived: float
    core: bytes | None
    lossless: bool


class Mailbox:
    """One slot. Full: ``put_newest`` replaces what waits and says so, ``put`` waits. One reader, one writer.

    What the reader took counts as unjudged until it comes back for more.
    """

    def __init__(self) -> None:
        self._slot: Mail | None = None
        self._taken: Mail | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put_newest(self, mail: Mail) -> bool:
        """True if an older window had to give way."""
        replaced = self._slot is not None
        self._slot = mail
        self._changed.set()
        return replaced

    async def put(self, mail: Mail) -> None:
        """Wait until the slot is free, then fill it: for what may not be dropped."""
        while self._slot is not None:
            await self._wait()
        self.put_newest(mail)

    async def take(self) -> Mail | None:
        """The next window; ``None`` once closed and empty. The one taken before is judged."""
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
        """No more will come. What waits can still be taken."""
        self._closed = True
        self._changed.set()

    @property
    def holds_lossless(self) -> bool:
        """True while a window waits that must not be replaced."""
        return self._slot is not None and self._slot.lossless

    @property
    def unjudged(self) -> int:
        """Windows that wait or are being judged, 2 at most."""
        return (self._slot is not None) + (self._taken is not None)

    async def all_judged(self) -> None:
        """Until it is closed and nothing is unjudged."""
        while not self._closed or self.unjudged:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
