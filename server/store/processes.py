"""Which processes on this data folder are alive: each holds a lock that the kernel takes back when it dies."""

import fcntl
import os
import secrets
from pathlib import Path

FOLDER = "processes"


class ProcessLock:
    """``flock`` on a file named after the process. No clock takes part: a process that is killed is dead at once, one
    that stands still is not, and a jump of the date changes nothing.

    Opened with the database; ``close`` comes last.
    """

    def __init__(self, data_dir: Path, process_id: str | None = None) -> None:
        """``process_id``: as its parent named it; ``new_id`` makes one. Raises OSError if the folder cannot be used."""
        self.id = process_id or new_id()
        self._folder = data_dir / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path = self._folder / f"{self.id}.lock"
        self._file = _locked(self._path)

    def dead(self, process_id: str) -> bool:
        """Whether that process can no longer have anything. One whose lock is just being looked at, or cannot be (too
        many open files), counts as alive."""
        if process_id == self.id:
            return False
        try:
            other = os.open(self._folder / f"{process_id}.lock", os.O_RDWR)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(other)
        return True

    def sweep(self) -> None:
        """Remove the files of dead processes."""
        for path in self._folder.glob("*.lock"):
            if path != self._path and self.dead(path.stem):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """This process has nothing any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def new_id() -> str:
    """Of a process."""
    return secrets.token_hex(8)


def _locked(path: Path) -> int:
    """A sweep may remove the file between its creation and the lock; then it is made again."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:
            pass
        os.close(file)
