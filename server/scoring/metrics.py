"""Counters and recent times of one scoring lane, for readiness, metrics and benchmarks."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

RECENT = 512
"""Number of answers whose times are kept."""


@dataclass(frozen=True, slots=True)
class LaneMetrics:
    """Counts since the start; times in milliseconds over the last 512 answers, ``None`` before the first.

    ``scored`` answers given · ``failed`` requests whose work raised · ``expired`` deadlines passed · ``abandoned``
    withdrawn before they ran · ``refused`` rejected because the lane was full. ``batch_size``: the learned maximum of
    the next batch; ``batch_mean``: of the last 512 batches.
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

    def scored(self, queue_s: Sequence[float], inference_s: float) -> None:
        """Count one batch: the queue time of each job, and the time of the whole batch."""
        self.answered += len(queue_s)
        self.queue_s.extend(queue_s)
        self.inference_s.append(inference_s)
        self.batches.append(len(queue_s))

    def metrics(self, name: str, queued: int, batch_size: int) -> LaneMetrics:
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
        )


def percentile_ms(ordered_s: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending seconds, in milliseconds."""
    if not ordered_s:
        return None
    return 1000.0 * ordered_s[min(len(ordered_s) - 1, int(share * len(ordered_s)))]
