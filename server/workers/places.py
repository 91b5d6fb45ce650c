"""Places of which a machine has so many, whoever of its processes takes them."""

import fcntl
import os
from pathlib import Path


class Places:
    """``count`` bytes of a file, each locked by who has it (POSIX record locks): the kernel frees those of a process
    that dies. One per file and process."""

    def __init__(self, path: Path, count: int) -> None:
        """Raises OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._count = count
        self._held: set[int] = set()

    def take(self) -> int | None:
        """The number of a place, to be given to ``free``; ``None``: all are taken."""
        for place in range(self._count):
            if place in self._held:
                continue
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:  # EACCES or EAGAIN: another process has it
                continue
            self._held.add(place)
            return place
        return None

    def free(self, place: int) -> None:
        """It can be taken again."""
        self._held.discard(place)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def close(self) -> None:
        """All of this process's places are free."""
        os.close(self._file)
