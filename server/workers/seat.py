"""What a worker knows of where it sits: its number, how many there are, and what they share."""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from server.workers.board import Board, Facts, SharedTally
from server.workers.control import Control
from server.workers.places import Places

BOARD = "board"

UNTOLD_S = 0.5
"""Until then a worker has told of a newcomer: it begins within a few milliseconds, and workers tell five times a
second."""

MOST_SENT = 1000


class Sent:
    """Newcomers that were sent to each worker since it can have told of its room."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[int, deque[float]] = {}

    def add(self, worker: int) -> None:
        """One more, now."""
        self._sent.setdefault(worker, deque(maxlen=MOST_SENT)).append(self._clock())

    def to(self, worker: int) -> int:
        """How many ``worker`` may not have told of."""
        times = self._sent.get(worker, deque())
        while times and times[0] < self._clock() - UNTOLD_S:
            times.popleft()
        return len(times)


@dataclass(frozen=True)
class Seat:
    """Worker ``index`` of ``count``, from 0. ``folder``: of this run, readable by nobody else. ``line``: to the
    supervisor."""

    index: int
    count: int
    folder: Path
    line: socket.socket

    @cached_property
    def board(self) -> Board:
        """Shared by all."""
        return Board(self.folder / BOARD, self.count)

    @cached_property
    def control(self) -> Control:
        """The line to the supervisor."""
        return Control(self.line)

    @property
    def others(self) -> list[int]:
        """The numbers of the other workers."""
        return [other for other in range(self.count) if other != self.index]

    @property
    def alone_in_leaving(self) -> bool:
        """Whether this worker stops and the others go on."""
        return not self.board.stopping

    def socket_of(self, worker: int) -> Path:
        """Where that worker answers the others."""
        return self.folder / f"{worker}.sock"

    def tally(self, kind: str) -> SharedTally:
        """Counts with all others what ``kind`` names."""
        return SharedTally(self.board, self.index, kind)

    def places(self, kind: str, count: int) -> Places:
        """``count`` places that all workers have together."""
        return Places(self.folder / f"{kind}.places", count)

    def share(self, whole: int) -> int:
        """This worker's part of a number that all have together; the parts add up to it."""
        return whole // self.count + (self.index < whole % self.count)

    # -- as ``server.live.elsewhere.Elsewhere``

    def room(self) -> bool:
        """See Elsewhere."""
        return self.roomiest() is not None

    def announced(self) -> int:
        """See Elsewhere."""
        return sum(facts.announced for _, facts in self._told())

    def live(self, site: str) -> int:
        """See Elsewhere."""
        return self._sites.elsewhere(site)

    @contextmanager
    def tells(self, site: str) -> Iterator[None]:
        """See Elsewhere."""
        self._sites.add(site)
        try:
            yield
        finally:
            self._sites.remove(site)

    @cached_property
    def _sites(self) -> SharedTally:
        return self.tally("patients of a site")

    # --

    def roomiest(self) -> int | None:
        """The other worker with most room for a newcomer; ``None`` if none has any."""
        there = [(facts.room - self._sent.to(worker), worker) for worker, facts in self._told() if not facts.draining]
        room, worker = max(there, default=(0, -1))
        return worker if room > 0 else None

    def sends(self, worker: int) -> None:
        """A newcomer is on the way to ``worker``, which will say so itself a moment later: a burst must not go to the
        one place that it told of."""
        self._sent.add(worker)

    @cached_property
    def _sent(self) -> Sent:
        return Sent()

    def uploads(self) -> int:
        """Recordings that others receive or assess."""
        return sum(facts.uploads for _, facts in self._told())

    def _told(self) -> list[tuple[int, Facts]]:
        return [(other, facts) for other in self.others if (facts := self.board.facts(other)).up]
