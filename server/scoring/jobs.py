"""What a scoring lane works on: requests, the rules for batching them, and their answers."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from server.scoring.ports import Priority
from server.scoring.spending import Spending

Q = TypeVar("Q")
A = TypeVar("A")


class Trouble(StrEnum):
    """Why a lane's thread answers nobody."""

    DEAD = "dead"
    HANGS = "hangs"


@dataclass(frozen=True, slots=True)
class Batching:
    """How a lane forms batches; ``Pacer`` learns which size pays off.

    ``side_by_side`` requests take no longer than one: if as many wait, the lane takes at least as many. A batch has at
    most ``max_batch`` requests, a power of two, and takes at most ``longest_s``. A batch of files takes at most
    ``file_longest_s``, because a live window that arrives meanwhile waits for it. ``batch_wait_s``: the longest time
    that live requests wait for others to join them, where batches pay off. ``capacity``: waiting requests of each
    priority. ``newest_first``: take the newest live request first, for work that is worth little when late: an
    overloaded lane then answers most requests in time instead of all too late.
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
    """What the work returned, how long it waited, and how long its batch took, in seconds."""

    value: A
    queue_s: float
    inference_s: float


@dataclass(slots=True, eq=False)
class Job(Generic[Q, A]):
    """One request in a lane. ``future`` belongs to the loop that asked; the lane's thread never touches it."""

    request: Q
    priority: Priority
    deadline: float
    queued_at: float
    future: asyncio.Future[Answer[A]] = field(repr=False)
    running: bool = False
    spending: Spending | None = field(default_factory=Spending.current.get, repr=False)
    """Whose work it is, where somebody counts."""
