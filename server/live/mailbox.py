"""Between the receive loop and the score loop: at most one window waits while one is scored."""

import asyncio
from dataclasses import dataclass

from server.values.windows import Window


@dataclass(frozen=True, slots=True)
class Mail:
    """``arrived``: clock time of the message that completed the window. ``checkpoint``: the core as it was then.

    ``lossless``: nothing may be left out for lateness (``fast``, and replay after a resume).
    """

    window: Window
    arrived: float
    checkpoint: bytes | None
    lossless: bool


class Mailbox:
    """One slot. Full: ``put_newest`` replaces what waits and says so, ``put`` waits. One reader, one writer."""

    def __init__(self) -> None:
        self._slot: Mail | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put_newest(self, mail: Mail) -> bool:
        """True if an older window had to give way."""
        replaced = self._slot is not None
        self._slot = mail
        self._changed.set()
        return replaced

    async def put(self, mail: Mail) -> None:
        while self._slot is not None:
            await self._wait()
        self.put_newest(mail)

    async def take(self) -> Mail | None:
        """The next window; ``None`` once closed and empty."""
        while self._slot is None:
            if self._closed:
                return None
            await self._wait()
        mail, self._slot = self._slot, None
        self._changed.set()
        return mail

    def close(self) -> None:
        """No more will come. What waits can still be taken."""
        self._closed = True
        self._changed.set()

    @property
    def holds_lossless(self) -> bool:
        """True while a window waits that must not be replaced."""
        return self._slot is not None and self._slot.lossless

    def __len__(self) -> int:
        return int(self._slot is not None)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
