"""What all workers of a machine see of each other: a file that each of them maps into its memory.

Each worker writes its own part alone, and reads those of the others, so nothing is locked. What two workers decide in
the same microseconds may exceed a limit by one each.
"""

import mmap
import struct
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from server.access.tally import OwnTally

ROWS, COLUMNS = 2, 8192
"""A count-min sketch (Cormode and Muthukrishnan 2005): of a name's counters, one per row, the lowest counts. Two names
share both of theirs by a chance of 1 in 67 million, and are counted together while they do."""

KEY_BYTES = 16
FACTS = struct.Struct("<6i")
CELLS = ROWS * COLUMNS
CELL = struct.calcsize("<I")
STOPPING_AT = 0
KEY_AT = 8
WORKERS_AT = KEY_AT + KEY_BYTES
PART = 64 + CELLS * CELL


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker tells the others. ``room``: newcomers that it would let in. ``announced``: sessions without a
    socket. ``uploads``: recordings that it receives or assesses."""

    up: bool = False
    draining: bool = False
    room: int = 0
    live: int = 0
    announced: int = 0
    uploads: int = 0


class Board:
    """The file, mapped. ``create`` once, then ``open`` in each worker."""

    def __init__(self, path: Path, workers: int) -> None:
        """Raises OSError."""
        self.workers = workers
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), WORKERS_AT + workers * PART)
        self._key = self._map[KEY_AT:WORKERS_AT]
        self._counts = [
            memoryview(self._map)[at : at + CELLS * CELL].cast("I") for at in map(self._cells, range(workers))
        ]

    @classmethod
    def create(cls, path: Path, workers: int, key: bytes) -> "Board":
        """A new one. ``key``: ``KEY_BYTES`` that nobody can guess, or addresses could be chosen that count as one."""
        with path.open("xb") as file:
            path.chmod(0o600)
            file.truncate(WORKERS_AT + workers * PART)
            file.seek(KEY_AT)
            file.write(key)
        return cls(path, workers)

    @property
    def stopping(self) -> bool:
        """Whether all of them stop, not one alone."""
        return self._map[STOPPING_AT] != 0

    def stop(self) -> None:
        """All of them stop from now on."""
        self._map[STOPPING_AT] = 1

    def facts(self, worker: int) -> Facts:
        """As that worker told them last; all zero of one that is not there."""
        up, draining, *counts = FACTS.unpack_from(self._map, WORKERS_AT + worker * PART)
        return Facts(bool(up), bool(draining), *counts)

    def tell(self, worker: int, facts: Facts) -> None:
        """Replace the facts of ``worker``, which is the caller."""
        told = (facts.up, facts.draining, facts.room, facts.live, facts.announced, facts.uploads)
        FACTS.pack_into(self._map, WORKERS_AT + worker * PART, *told)

    def clear(self, worker: int) -> None:
        """That worker has died: nothing that it had counts any more."""
        at = WORKERS_AT + worker * PART
        self._map[at : at + PART] = bytes(PART)

    def counts(self, worker: int) -> memoryview:
        """The counters of ``worker``."""
        return self._counts[worker]

    def places(self, name: str) -> tuple[int, ...]:
        """Which counters ``name`` has, one in each row."""
        digest = blake2b(name.encode(errors="replace"), digest_size=4 * ROWS, key=self._key).digest()
        return tuple(row * COLUMNS + number % COLUMNS for row, number in enumerate(struct.unpack(f"<{ROWS}I", digest)))

    @staticmethod
    def _cells(worker: int) -> int:
        return WORKERS_AT + worker * PART + 64


class SharedTally:
    """A ``server.access.tally.Tally`` of all workers. What this one has open it knows exactly. ``kind`` keeps the names
    of several tallies apart."""

    def __init__(self, board: Board, worker: int, kind: str) -> None:
        self._board = board
        self._mine = board.counts(worker)
        self._others = [board.counts(other) for other in range(board.workers) if other != worker]
        self._own = OwnTally()
        self._kind = kind

    def of(self, name: str) -> int:
        """See Tally."""
        return self._own.of(name) + self.elsewhere(name)

    def elsewhere(self, name: str) -> int:
        """How many ``name`` has open in other workers."""
        places = self._board.places(f"{self._kind} {name}")
        return min(sum(counts[place] for counts in self._others) for place in places)

    def add(self, name: str) -> None:
        """See Tally."""
        self._own.add(name)
        self._move(name, 1)

    def remove(self, name: str) -> None:
        """See Tally."""
        self._own.remove(name)
        self._move(name, -1)

    @property
    def here(self) -> int:
        """See Tally."""
        return self._own.here

    def _move(self, name: str, by: int) -> None:
        for place in self._board.places(f"{self._kind} {name}"):
            self._mine[place] = max(0, self._mine[place] + by)
