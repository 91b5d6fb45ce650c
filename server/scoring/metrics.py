"""Counters and recent times of one scoring lane, for readiness, metrics and benchmarks."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

RECENT = 512
"""Number of answers whose times are kept."""

TIMES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of ``Times``: from a batch on a GPU to a queue behind a long file."""


@dataclass(slots=True)
class Times:
    """A histogram since the start: ``counts`` of times up to each of ``TIMES_S``, and of the longer ones; their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(TIMES_S) + 1))
    sum_s: float = 0.0

    def add(self, time_s: float) -> None:
        """Count one time."""
        self.counts[bisect_left(TIMES_S, time_s)] += 1
        self.sum_s += time_s


@dataclass(frozen=True, slots=True)
class LaneMetrics:
    """Counts since the start; times in milliseconds over the last 512 answers, ``None`` before the first.

    ``scored`` answers given · ``failed`` requests whose work raised · ``expired`` deadlines passed · ``abandoned``
    withdrawn before they ran · ``refused`` rejected because the lane was full. ``batch_size``: the learned maximum of
    the next batch; ``batch_mean``: of the last 512 batches. ``queue``: of each answer, ``inference``: of each batch,
    since the start. ``cpu_s``: of the lane's own thread; models may compute on others. ``running``: whether there is
    a thread that answers; ``restarts``: how often another one had to take its place.
    """

    name: str
    queued: int
    scored: int
    failed: int
    expired: int
    abandoned: int
    refused: int
    queue_p50_ms: float | None
    queue_p95_ms: float | None
    inference_p50_ms: float | None
    inference_p95_ms: float | None
    batch_size: int
    batch_mean: float | None
    queue: Times = field(default_factory=Times)
    inference: Times = field(default_factory=Times)
    cpu_s: float = 0.0
    running: bool = True
    restarts: int = 0


@dataclass(slots=True)
class LaneTally:
    """Written by the lane's thread and its loop. Each count has one writer at a time, so no lock is needed."""

    answered: int = 0
    failed: int = 0
    expired: int = 0
    abandoned: int = 0
    refused: int = 0
    queue_s: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    inference_s: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    batches: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))
    queue: Times = field(default_factory=Times)
    inference: Times = field(default_factory=Times)
    cpu_s: float = 0.0
    restarts: int = 0

    def scored(self, queue_s: Sequence[float], inference_s: float, cpu_s: float = 0.0) -> None:
        """Count one batch: the queue time of each job, and the time and CPU time of the whole batch."""
        self.cpu_s += cpu_s
        self.answered += len(queue_s)
        self.queue_s.extend(queue_s)
        self.inference_s.append(inference_s)
        self.batches.append(len(queue_s))
        for waited in queue_s:
            self.queue.add(waited)
        self.inference.add(inference_s)

    def metrics(self, name: str, queued: int, batch_size: int, *, running: bool = True) -> LaneMetrics:
        """Counters and percentiles; callable from any thread while the lane runs."""
        queue, inference = sorted(self.queue_s.copy()), sorted(self.inference_s.copy())
        batches = self.batches.copy()
        return LaneMetrics(
            name=name,
            queued=queued,
            scored=self.answered,
            failed=self.failed,
            expired=self.expired,
            abandoned=self.abandoned,
            refused=self.refused,
            queue_p50_ms=percentile_ms(queue, 0.50),
            queue_p95_ms=percentile_ms(queue, 0.95),
            inference_p50_ms=percentile_ms(inference, 0.50),
            inference_p95_ms=percentile_ms(inference, 0.95),
            batch_size=batch_size,
            batch_mean=sum(batches) / len(batches) if batches else None,
            queue=self.queue,
            inference=self.inference,
            cpu_s=self.cpu_s,
            running=running,
            restarts=self.restarts,
        )


def percentile_ms(ordered_s: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending seconds, in milliseconds."""
    if not ordered_s:
        return None
    return 1000.0 * ordered_s[min(len(ordered_s) - 1, int(share * len(ordered_s)))]
