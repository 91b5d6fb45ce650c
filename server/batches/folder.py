"""Where the files of batches are until they are judged: a folder for each batch, in the data folder."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.batches.transcripts import transcript_beside

NAME = "batches"
COMING = ".coming-"
"""Begins the name of a folder whose upload is not complete; its lock tells whether it still comes."""

LOCK = ".lock"
SPARE_BYTES = 200_000_000
"""Of the disk are left free: others write there too."""

YOUNG = timedelta(hours=1)
"""A folder becomes a batch's a moment before the database knows the batch."""


class BatchFolders:
    """Readable by their owner alone. Blocks; call it on a thread."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / NAME
        self._batches: set[str] = set()

    def make(self) -> None:
        """The root. Raises OSError."""
        self.root.mkdir(mode=0o700, exist_ok=True)

    def coming(self) -> "Coming":
        """A folder for an upload. Raises OSError."""
        self.make()
        return Coming(self.root)

    def of(self, batch_id: str) -> Path:
        """The folder of a batch."""
        return self.root / batch_id

    def remove(self, batch_id: str) -> None:
        """With all files in it."""
        shutil.rmtree(self.of(batch_id), ignore_errors=True)

    def forget(self, batch_id: str, path: str) -> None:
        """A recording, and its transcript. Raises OSError."""
        for name in (path, transcript_beside(path)):
            if name is not None:
                (self.of(batch_id) / name).unlink(missing_ok=True)

    def sweep(self, known: Mapping[str, AbstractSet[str]]) -> None:
        """Remove what belongs to no batch in ``known``, files of batches that do not wait any more (their process died
        between the database and the disk), folders that are empty then, and uploads whose process died. What another
        process may have kept just now is left for an hour, if no sweep of these has ever known its batch."""
        if not self.root.is_dir():
            return
        for folder in self.root.iterdir():
            if not folder.is_dir():
                continue
            if folder.name in known:
                _settled_removed(folder, known[folder.name])
            elif folder.name in self._batches or _old(folder):
                shutil.rmtree(folder, ignore_errors=True)
            else:
                _remove_left(folder)
        self._batches = set(known)


def room(folder: Path) -> None:
    """Raises OSError if nothing more may be written there."""
    if shutil.disk_usage(folder).free < SPARE_BYTES:
        raise OSError(errno.ENOSPC, "the disk is nearly full")


class Coming:
    """A folder whose files come in. ``keep`` makes it a batch's, ``drop`` removes it. Locked meanwhile, so that no
    other process takes it for one that was left behind."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / f"{COMING}{secrets.token_hex(8)}"
        self._lock = _made(self.path)
        self._open = True

    def keep(self, batch_id: str) -> None:
        """The files are those of this batch from now on. Raises OSError."""
        (self.path / LOCK).unlink()
        self.path.rename(self._root / batch_id)
        self._close()

    def drop(self) -> None:
        """Remove the files, unless they were kept."""
        if self._open:
            shutil.rmtree(self.path, ignore_errors=True)
            self._close()

    def _close(self) -> None:
        self._open = False
        os.close(self._lock)


def _old(folder: Path) -> bool:
    try:
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except FileNotFoundError:
        return False
    return not (folder / LOCK).exists() and datetime.now(UTC) - changed > YOUNG


def _made(path: Path) -> int:
    """The lock of a new folder. A sweep may remove the folder before it is locked; then it is made again."""
    while True:
        path.mkdir(mode=0o700, exist_ok=True)
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(lock), (path / LOCK).stat()):
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _settled_removed(folder: Path, waiting: AbstractSet[str]) -> None:
    needed = waiting | {transcript_beside(name) for name in waiting}
    for path in folder.iterdir():
        if path.name not in needed:
            path.unlink(missing_ok=True)
    if not waiting:
        with suppress(OSError):
            folder.rmdir()


def _remove_left(folder: Path) -> None:
    """If the process that received it died. Its lock is held until it has gone."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR)
    except OSError:  # it is being made or kept just now, or was kept
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)
