"""Time, injected: everything in ``live`` that waits does so through a Clock, so tests can control it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol


class Timer(Protocol):
    """A call still to come."""

    def cancel(self) -> None:
        """Cancel the call; no effect if it already happened."""
        ...


class Clock(Protocol):
    """Seconds since some moment, never going back, and callbacks at a later one, on the loop's thread."""

    def now(self) -> float:
        """Seconds that only rise; only differences are meaningful."""
        ...

    def wall_time(self) -> datetime:
        """The date and time, UTC, for data that leaves the process."""
        ...

    @property
    def machine(self) -> str:
        """Clocks of processes with the same one, not empty, show the same ``now`` at the same moment."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """On the loop's thread, once, after ``delay_s``; the caller keeps the timer to cancel it."""
        ...


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """Of this machine's last start; empty where the system does not tell (only Linux does)."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class LoopClock:
    """The running loop's own time: on Linux CLOCK_MONOTONIC, which all processes since the machine's start share."""

    def now(self) -> float:
        """The loop's own time, in seconds."""
        return asyncio.get_running_loop().time()

    def wall_time(self) -> datetime:
        """UTC, for people and logs; nothing waits by it."""
        return datetime.now(UTC)

    @property
    def machine(self) -> str:
        """The machine's start."""
        return boot_id()

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """On the running loop."""
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
