"""Limits how many uploads are accepted and how many of them are assessed at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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
        self._over = False
        self._admitted: set[asyncio.Task[Any]] = set()

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

    async def drain(self, within_s: float) -> None:
        """``shut``. What is not done in ``within_s`` seconds, or when this is cancelled, ends with DrainingError."""
        self.shut()
        try:
            if self._admitted:
                await asyncio.wait(self._admitted, timeout=within_s)
        finally:
            self._over = True
            for task in self._admitted:
                task.cancel()

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Raises CapacityError or DrainingError."""
        if self._shut:
            raise _draining()
        if self._room == 0:
            raise CapacityError("Too many files are being assessed. Try again later.", retry_after_s=RETRY_AFTER_S)
        task = asyncio.current_task()
        assert task is not None
        self._room -= 1
        self._admitted.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._over:
                raise
            task.uncancel()
            raise _draining() from None
        finally:
            self._admitted.discard(task)
            self._room += 1

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Wait for one of the ``running`` places."""
        async with self._turn:
            yield


def _draining() -> DrainingError:
    return DrainingError("This server is shutting down. Try another one.", retry_after_s=RETRY_AFTER_S)
