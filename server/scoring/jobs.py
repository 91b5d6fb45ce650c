"""What a scoring lane works on: requests, how they are put together, and their answers."""

import asyncio
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from server.scoring.ports import Priority

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Batching:
    """How a lane puts work together; how much of it pays is learnt (``Pacer``).

    ``side_by_side`` requests take no longer than one: as many are taken at least, where they wait. ``max_batch`` at
    most, a power of two, and no more than take ``longest_s``; files no more than take ``file_longest_s``, because a
    live window that arrives meanwhile waits for the whole batch. ``batch_wait_s``: how long live requests wait for
    others to join them, at most, and only where batches pay. ``capacity``: requests of each priority that may wait.
    ``newest_first``: of live requests the newest is taken first, for work that is worth little when it comes late: an
    overloaded lane then serves most of it in time instead of all of it too late.
    """

    max_batch: int = 128
    side_by_side: int = 1
    batch_wait_s: float = 0.005
    longest_s: float = 0.25
    file_longest_s: float = 0.1
    capacity: int = 512
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """What the work returned, and how long it waited and took (of its whole batch), in seconds."""

    value: A
    queue_s: float
    inference_s: float


@dataclass(slots=True, eq=False)
class Job(Generic[Q, A]):
    """One request in a lane. ``future`` belongs to the loop that asked; the thread never touches it itself."""

    request: Q
    priority: Priority
    deadline: float
    queued_at: float
    future: asyncio.Future[Answer[A]] = field(repr=False)
    running: bool = False
