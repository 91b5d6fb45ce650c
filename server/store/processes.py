"""Which processes that share a database are alive. On a data folder each holds a lock that the kernel takes back when
it dies; on PostgreSQL, see ``server.store.postgresql.presence``."""

import fcntl
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

FOLDER = "processes"


class Process(Protocol):
    """This process, and what it can tell of others."""

    @property
    def id(self) -> str:
        """As it stands in rows."""
        ...

    async def dead(self, connection: AsyncConnection, owners: Collection[str]) -> set[str]:
        """Those of ``owners`` that can no longer have anything: never this one. ``connection``: of the transaction in
        which they were read. A process of which that is not sure counts as alive."""
        ...

    def sweep(self) -> None:
        """Clear away what dead processes left of themselves."""
        ...


class ProcessLock:
    """A ``Process``. ``flock`` on a file named after the process. No clock takes part: a process that is killed is dead
    at once, one that stands still is not, and a jump of the date changes nothing.

    Opened with the database; ``close`` comes last.
    """

    def __init__(self, data_dir: Path, process_id: str | None = None) -> None:
        """``process_id``: as its parent named it; ``new_id`` makes one. Raises OSError if the folder cannot be used."""
        self.id = process_id or new_id()
        self._folder = data_dir / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path = self._folder / f"{self.id}.lock"
        self._file = _locked(self._path)

    async def dead(self, connection: AsyncConnection, owners: Collection[str]) -> set[str]:
        """See Process. One whose lock is just being looked at, or cannot be (too many open files), counts as alive."""
        return {owner for owner in owners if self._dead(owner)}

    def _dead(self, process_id: str) -> bool:
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
            if path != self._path and self._dead(path.stem):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """This process has nothing any more."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)


def anyone_lives(data_dir: Path) -> bool:
    """Whether a process has the folder's database open. Raises OSError."""
    for path in (data_dir / FOLDER).glob("*.lock"):
        with path.open("rb+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


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
