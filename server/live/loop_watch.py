"""How busy the event loop is: its thread's CPU time, and how late its timers fire."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from server.live.clock import Clock, Timer

TICK_S = 0.1
ENOUGH_S = 0.005
"""CPU time from which work tells how much it was stretched."""

BUSY = 0.4
"""Share of its time from which the loop's thread is busy."""

CALM = 0.3
"""Below it, it no longer is."""

PROBE_S = 0.05
"""How long a probe takes at most."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spent:
    """Since the last look, per second: cores of the loop's own thread, and of the whole process.

    ``stretch``: how much longer work on the loop took than its CPU time, because it waited for a CPU or for the
    interpreter's lock; ``None`` if there was too little to tell.
    """

    loop: float
    process: float
    stretch: float | None


class LoopWatch:
    """A timer that is due every 100 ms. ``start`` on the loop's thread; ``stop`` once.

    ``late_s``: seconds, in all, by which it came late. Meanwhile nothing else was served either: the loop had other
    work, waited for a CPU, or the process was stopped. ``busy``: whether work should be done in larger pieces, which
    cost less, as of the last ``look``.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        loop_time: Callable[[], float] = time.thread_time,
        process_time: Callable[[], float] = time.process_time,
    ) -> None:
        """``loop_time``: CPU seconds of the calling thread; ``process_time``: of all threads."""
        self._clock = clock
        self._loop_time, self._process_time = loop_time, process_time
        self._timer: Timer | None = None
        self._due = 0.0
        self._looked = (0.0, 0.0, 0.0)
        self._ticked: Callable[[], None] = lambda: None
        self.late_s = 0.0
        self.busy = False
        self._wall_s = self._worked_s = 0.0

    def start(self, ticked: Callable[[], None] = lambda: None) -> None:
        """``ticked`` is called after each tick."""
        self._ticked = ticked
        self._looked = self._times()
        self._again()

    def stop(self) -> None:
        """No effect if it was never started."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def late(self, now: float) -> float:
        """``late_s``, with a tick that is due and did not come yet."""
        return self.late_s + (max(0.0, now - self._due) if self._timer is not None else 0.0)

    def timed(self, steps: Iterable[T]) -> Iterator[T]:
        """``steps``, each of which works on the loop without awaiting."""
        work = iter(steps)
        while True:
            wall, cpu = time.perf_counter(), self._loop_time()
            try:
                step = next(work)
            except StopIteration:
                return
            self._worked_s += self._loop_time() - cpu
            self._wall_s += time.perf_counter() - wall
            yield step

    def probe(self) -> None:
        """Do a little work of no use, so that the next ``look`` tells a stretch although nothing ran. It takes 5 ms of
        CPU time, and ``PROBE_S`` at most."""
        until = time.perf_counter() + PROBE_S
        for _ in self.timed(sum(range(1000)) for _ in itertools.repeat(None)):
            if self._worked_s >= ENOUGH_S or time.perf_counter() >= until:
                return

    def look(self) -> Spent:
        """What was spent since the last call; call it on the loop's thread."""
        before, self._looked = self._looked, self._times()
        seconds = max(1e-6, self._looked[0] - before[0])
        loop, process = (max(0.0, self._looked[i] - before[i]) / seconds for i in (1, 2))
        self.busy = loop >= (CALM if self.busy else BUSY)
        stretch = max(1.0, self._wall_s / self._worked_s) if self._worked_s >= ENOUGH_S else None
        self._wall_s = self._worked_s = 0.0
        return Spent(loop, process, stretch)

    def _times(self) -> tuple[float, float, float]:
        return self._clock.now(), self._loop_time(), self._process_time()

    def _again(self) -> None:
        self._due = self._clock.now() + TICK_S
        self._timer = self._clock.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self.late_s += max(0.0, self._clock.now() - self._due)
        self._again()  # first: a fault in what follows must not end the looking
        self._ticked()
