"""How many requests a lane takes at once, learned from how long batches took. No clock, no thread: times come in."""

import statistics
from collections import deque

from server.scoring.jobs import Batching

REMEMBERED = 9
"""Batches of each size whose times are kept. A size is judged by their median, so that one preempted batch decides
nothing."""

TRIALS = 3
"""Batches of a new size needed to judge it."""

GAIN = 0.9
"""A larger batch must cost at most this share per request to justify the longer wait for its answers."""

AGAIN_AFTER = 64
"""Batches after which a rejected size is tried again, because the load on the machine changes."""

ARRIVALS = 64


class Pacer:
    """Batch sizes are powers of two, from ``batching.side_by_side`` to ``batching.max_batch``.

    A larger size is tried if as many requests wait, and kept if it makes each request cheaper. On a GPU the size grows
    with the load; on a CPU, where a batch of two takes twice as long as one, it stays at what runs side by side. It
    never exceeds what takes ``batching.longest_s``. Call ``took`` after each batch, ``arrived`` for each request.
    """

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._top = batching.max_batch.bit_length() - 1
        self._costs = [deque[float](maxlen=REMEMBERED) for _ in range(self._top + 1)]
        self._tried_at = [0] * (self._top + 1)
        self._floor = min(batching.side_by_side.bit_length() - 1, self._top)
        self._level = self._floor
        self._batches = 0
        self._arrivals: deque[float] = deque(maxlen=ARRIVALS)

    @property
    def size(self) -> int:
        """The size learned so far."""
        return int(1 << self._level)

    def arrived(self, at_s: float) -> None:
        """A live request arrived at this time, by any clock that never goes back."""
        self._arrivals.append(at_s)

    def took(self, size: int, seconds: float) -> None:
        """A batch of ``size`` took ``seconds``."""
        level = min(size.bit_length() - 1, self._top)
        self._batches += 1
        self._tried_at[level] = self._batches
        self._costs[level].append(seconds / size)
        self._judge()

    def take(self, waiting: int) -> int:
        """How many of ``waiting`` live requests (> 0) to take now."""
        larger = self._level + 1
        if larger <= self._top and waiting >= 1 << larger and self._worth_trying(larger):
            if len(self._costs[larger]) >= TRIALS:
                self._costs[larger].clear()  # its old times say nothing about the present load
            return 1 << larger
        return min(waiting, self.size)

    def take_files(self, waiting: int) -> int:
        """The same for file requests, whose whole batch a live request may have to wait for."""
        most = min(waiting, self.size)
        while most > 1 and self._seconds(most) > self._batching.file_longest_s:
            most //= 2
        return most

    def wait_s(self, waiting: int) -> float:
        """How long to wait for live requests to fill the batch. 0 if batches do not pay off, if it is full, and if the
        missing requests are not expected within ``batching.batch_wait_s``."""
        missing = self.size - waiting
        if missing <= 0 or len(self._arrivals) < 2 or self._batching.batch_wait_s <= 0:
            return 0.0
        every_s = (self._arrivals[-1] - self._arrivals[0]) / (len(self._arrivals) - 1)
        expected_s = missing * every_s
        return expected_s if expected_s <= self._batching.batch_wait_s else 0.0

    def _worth_trying(self, level: int) -> bool:
        if not self._costs[level - 1] or self._seconds(1 << level) > self._batching.longest_s:
            return False
        return len(self._costs[level]) < TRIALS or self._batches - self._tried_at[level] >= AGAIN_AFTER

    def _judge(self) -> None:
        """Grow if the next size proved cheaper; shrink if the one below costs no more or this one takes too long."""
        if self._level < self._top and self._pays(self._level + 1):
            self._level += 1
        elif self._level > self._floor and not self._pays(self._level, still=True):
            self._level -= 1

    def _pays(self, level: int, *, still: bool = False) -> bool:
        """``still``: for a size in use, which needs a smaller gain, so that two sizes do not alternate."""
        larger, smaller = self._costs[level], self._costs[level - 1]
        if len(larger) < TRIALS:
            return still
        if not smaller:
            return True
        short = statistics.median(larger) * (1 << level) <= self._batching.longest_s
        return short and statistics.median(larger) < statistics.median(smaller) * (1.0 if still else GAIN)

    def _seconds(self, size: int) -> float:
        """The expected time of a batch by the nearest known size: an upper bound, as larger ones cost no more each."""
        level = min(size.bit_length() - 1, self._top)
        known = next((self._costs[at] for at in range(level, -1, -1) if self._costs[at]), None)
        return statistics.median(known) * size if known else 0.0
