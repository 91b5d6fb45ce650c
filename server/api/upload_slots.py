"""Limits how many uploads are accepted and how many of them are assessed at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.errors import CapacityError, DrainingError

RETRY_AFTER_S = 5.0


class UploadSlots:
    """``running`` uploads are assessed at the same time, ``waiting`` more may wait; further ones are refused.

    Enter ``admit`` before the body is read, and ``run`` around the assessment. After ``shut`` nobody is admitted.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._room = self._most = running + waiting
        self._turn = asyncio.Semaphore(running)
        self._shut = False

    @property
    def free(self) -> int:
        """How many more uploads would be admitted now."""
        return 0 if self._shut else self._room

    @property
    def running(self) -> bool:
        """Whether any upload is being received or assessed."""
        return self._room < self._most

    def shut(self) -> None:
        """From now on every upload is refused with DrainingError."""
        self._shut = True

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Raises CapacityError or DrainingError."""
        if self._shut:
            raise DrainingError("This server is shutting down. Try another one.", retry_after_s=RETRY_AFTER_S)
        if self._room == 0:
            raise CapacityError("Too many files are being assessed. Try again later.", retry_after_s=RETRY_AFTER_S)
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Wait for one of the ``running`` places."""
        async with self._turn:
            yield
