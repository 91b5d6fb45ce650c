"""Time, injected: everything in ``live`` that waits for a moment does it through a Clock, so tests can turn it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Seconds since some moment, never going back, and callbacks at a later one, on the loop's thread."""

    def now(self) -> float: ...

    def wall_time(self) -> datetime:
        """The date and time, UTC, for what leaves the process."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer: ...


class LoopClock:
    """The running loop's own time."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_time(self) -> datetime:
        return datetime.now(UTC)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)


@asynccontextmanager
async def deadline(clock: Clock, within_s: float) -> AsyncIterator[None]:
    """Raises TimeoutError if the block takes longer by ``clock``."""
    async with asyncio.timeout(None) as limit:
        timer = clock.call_later(max(0.0, within_s), lambda: limit.reschedule(asyncio.get_running_loop().time()))
        try:
            yield
        finally:
            timer.cancel()


async def pause(clock: Clock, delay_s: float) -> None:
    """Sleep by ``clock``."""
    over = asyncio.Event()
    timer = clock.call_later(delay_s, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()
