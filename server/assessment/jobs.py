"""What a scoring lane works on: requests, how they are put together, and their answers."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Priority(IntEnum):
    """Live windows go before those of files and of ``pace=fast`` streams."""

    LIVE = 0
    FILE = 1


@dataclass(frozen=True, slots=True)
class Batching:
    """How a lane puts work together.

    ``max_batch`` live requests at most, for which the thread waits ``batch_wait_s`` after the first. Files go in
    batches of ``max_file_batch`` only, because a live window that arrives meanwhile waits for the whole batch.
    ``capacity``: requests of each priority that may be queued or running. ``newest_first``: of live requests the
    newest is taken first, for work that is worth little when it comes late: an overloaded lane then serves most of it
    in time instead of all of it too late.
    """

    max_batch: int = 16
    max_file_batch: int = 2
    batch_wait_s: float = 0.002
    capacity: int = 128
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
    abandoned: bool = False
    running: bool = False
