"""The requests that wait in a lane, and the order in which they go. No clock, thread or lock: the lane has those."""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic

from server.scoring.jobs import A, Batching, Job, Q
from server.scoring.pacer import Pacer
from server.scoring.ports import Priority


@dataclass(frozen=True, slots=True)
class Batch(Generic[Q, A]):
    """``jobs`` go to the scorer together; ``late`` ones passed their deadline and must be told so."""

    jobs: list[Job[Q, A]] = field(default_factory=list)
    late: list[Job[Q, A]] = field(default_factory=list)


class ScoringQueue(Generic[Q, A]):
    """Two bounded queues, live before files. ``put`` refuses requests over ``batching.capacity`` of their priority."""

    def __init__(self, batching: Batching) -> None:
        self.pacer = Pacer(batching)
        self._batching = batching
        self._queues: tuple[deque[Job[Q, A]], deque[Job[Q, A]]] = (deque(), deque())
        self._full_at: float | None = None

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues)

    def put(self, job: Job[Q, A]) -> bool:
        """False if there is no room."""
        queue = self._queues[job.priority]
        if len(queue) >= self._batching.capacity:
            return False
        queue.append(job)
        if job.priority is Priority.LIVE:
            self.pacer.arrived(job.queued_at)
        return True

    def remove(self, job: Job[Q, A]) -> bool:
        """False if it does not wait here (any more)."""
        try:
            self._queues[job.priority].remove(job)
        except ValueError:
            return False
        return True

    def clear(self) -> list[Job[Q, A]]:
        """Remove and return everything that waits."""
        left = [job for queue in self._queues for job in queue]
        for queue in self._queues:
            queue.clear()
        self._full_at = None
        return left

    def due_s(self, now: float) -> float | None:
        """Seconds until a batch should be taken, 0 for now; ``None`` if nothing waits.

        Once live requests wait for others to join them, the end of that wait is fixed: later arrivals do not move it.
        """
        live, files = self._queues
        if not live:
            self._full_at = None
            return 0.0 if files else None
        if len(live) >= self.pacer.size:
            return 0.0
        if self._full_at is None:
            self._full_at = now + self.pacer.wait_s(len(live))
        return max(0.0, self._full_at - now)

    def take(self, now: float) -> Batch[Q, A]:
        """The next batch: live requests if any wait, else files; empty if all of those were late."""
        live, files = self._queues
        self._full_at = None
        if live:
            return self._take(live, self.pacer.take(len(live)), now, newest=self._batching.newest_first)
        return self._take(files, self.pacer.take_files(len(files)) if files else 0, now, newest=False)

    def _take(self, queue: deque[Job[Q, A]], most: int, now: float, *, newest: bool) -> Batch[Q, A]:
        batch: Batch[Q, A] = Batch()
        while queue and len(batch.jobs) < most:
            job = queue.pop() if newest else queue.popleft()
            (batch.late if now > job.deadline else batch.jobs).append(job)
        return batch
