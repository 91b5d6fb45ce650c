"""Limits how many uploads are accepted and how many of them are assessed at the same time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from server.errors import CapacityError, DrainingError

RETRY_AFTER_S = 5.0
LOOK_EVERY_S = 0.1
"""How soon an upload notices that another process gave a place back."""


class SharedPlaces(Protocol):
    """Places that several processes have together."""

    def take(self) -> int | None:
        """The number of a free one; ``None``: all are taken."""
        ...

    def free(self, place: int) -> None:
        """Give it back."""
        ...


class UploadSlots:
    """``running`` uploads are assessed at the same time, ``waiting`` more may wait; further ones are refused.

    Enter ``admit`` before the body is read, and ``run`` around the assessment. After ``shut`` nobody is admitted.
    """

    def __init__(
        self,
        running: int,
        waiting: int,
        *,
        places: SharedPlaces | None = None,
        turns: SharedPlaces | None = None,
        elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:
        """``places``, ``turns``: where other processes take of ``running + waiting``, and of ``running``, too;
        ``elsewhere``: how many they have."""
        self._most = running + waiting
        self._turn = asyncio.Semaphore(running)
        self._places = places
        self._turns = turns
        self._elsewhere = elsewhere
        self._shut = False
        self._over = False
        self._admitted: set[asyncio.Task[Any]] = set()
        self.here = 0
        """Uploads that are received or assessed in this process."""

    @property
    def free(self) -> int:
        """How many more uploads would be admitted now."""
        return 0 if self._shut else max(0, self._most - self.here - self._elsewhere())

    @property
    def running(self) -> bool:
        """Whether any upload is being received or assessed here."""
        return self.here > 0

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
        task = asyncio.current_task()
        assert task is not None
        with self._place():
            self.here += 1
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
                self.here -= 1

    @contextmanager
    def _place(self) -> Iterator[None]:
        place = self._places.take() if self._places is not None and self.here < self._most else None
        if self.here >= self._most or (self._places is not None and place is None):
            raise CapacityError("Too many files are being assessed. Try again later.", retry_after_s=RETRY_AFTER_S)
        try:
            yield
        finally:
            if self._places is not None and place is not None:
                self._places.free(place)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Wait for one of the ``running`` places."""
        async with self._turn:
            if self._turns is None:
                yield
                return
            turn = await self._turn_of(self._turns)
            try:
                yield
            finally:
                self._turns.free(turn)

    async def _turn_of(self, turns: SharedPlaces) -> int:
        """No process is told that another one gave a place back."""
        while True:
            if (turn := turns.take()) is not None:
                return turn
            await asyncio.sleep(LOOK_EVERY_S)


def _draining() -> DrainingError:
    return DrainingError("This server is shutting down. Try another one.", retry_after_s=RETRY_AFTER_S)
