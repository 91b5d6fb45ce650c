"""A copy of the database while it is used, and its way back. By SQLite's online backup: a plain copy of the file would
miss what is still in its write-ahead log. Patients' sessions and results are left out: they last minutes or weeks, a
backup lasts years. What was counted of results is in it."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from server.errors import SettingsError
from server.ownership import give_to_owner
from server.store.carrying import carry_over, tables_of, write_restored
from server.store.sqlite import FILE

BUSY_S = 10.0
VERSION = "SELECT version_num FROM alembic_version"
OF_PATIENTS = (
    "running_sessions",
    "running_rows",
    "ended_sessions",
    "announced_sessions",
    "assessments",
    "assessment_results",
    "webhook_deliveries",
    "batches",
    "batch_files",
    "idempotency_keys",
)
BESIDE = ("-wal", "-shm", "-journal")
IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_ERROR}


@dataclass(frozen=True, slots=True)
class Restored:
    """``version`` of the schema. ``carried``: what was revoked in the database that was there is revoked in this one.
    ``damaged``: where that database is now, if it could not be read."""

    version: str
    carried: bool
    damaged: Path | None = None


def back_up(folder: Path, target: Path, *, replace: bool = False) -> str:
    """Copy the database of ``folder`` to ``target``, checked and readable by its owner alone; returns its version.

    Servers may read and write meanwhile; the copy is of one moment. Nothing half-written ever stands at ``target``.
    Raises SettingsError.
    """
    source = folder / FILE
    if not source.is_file():
        raise SettingsError(f"There is no database in {folder}.", param="--data-dir")
    _apart(target, source)
    if target.exists() and not replace:
        raise SettingsError(f"{target} exists already. Pass --force to replace it.")
    with _refusals(target), _in_place_of(target) as new, _opened(new) as here:
        return _copied(source, here)


def restore(source: Path, folder: Path, *, replace: bool = False) -> Restored:
    """Put a backup back as the database of ``folder``. No server may use the folder.

    What the database that was there had revoked stays revoked. Raises SettingsError for a file that is no intact
    backup, for a database that is there already, unless ``replace``, and for one that a server still uses.
    """
    if not source.is_file():
        raise SettingsError(f"{source} does not exist.")
    target = folder / FILE
    _apart(source, target)
    if target.exists() and not replace:
        raise SettingsError(f"{folder} has a database already. Pass --force to replace it.", param="--data-dir")
    with _refusals(folder):
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            give_to_owner(folder, folder.parent)
    with _refusals(target), _in_place_of(target) as new, _opened(new) as here:
        with _refusals(source):
            version = _copied(source, here)
        carried = _fold_in(target) and _carried(target, here)
        write_restored(here)
        damaged = _aside(target) if target.exists() and not carried else None
        return Restored(version, carried, damaged)


@contextmanager
def _in_place_of(target: Path) -> Iterator[Path]:
    """An empty file, which is at ``target`` once the block has ended without an error."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")  # mode 0600
    os.close(handle)
    new = Path(name)
    try:
        yield new
        with new.open("rb") as written:
            os.fsync(written.fileno())
        give_to_owner(new, target)
        new.replace(target)
    finally:
        for suffix in ("", *BESIDE):
            Path(name + suffix).unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(path.resolve().as_uri(), uri=True, timeout=BUSY_S, isolation_level=None)
    ) as connection:
        yield connection


def _copied(source: Path, here: sqlite3.Connection) -> str:
    """Read-only, so that looking at a backup changes nothing beside it."""
    there = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
    with closing(there):
        there.backup(here, progress=_patience(source))
    here.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    for table in tables_of(here).intersection(OF_PATIENTS):
        here.execute(f"DELETE FROM {table}")
    version = _checked(here)
    here.execute("VACUUM")  # what was deleted is still in the file's free pages
    return version


def _patience(source: Path) -> Callable[[int, int, int], None]:
    """For ``backup``, which tries a locked database again without end. Its callback raises SettingsError."""
    until = monotonic() + BUSY_S

    def progress(status: int, _remaining: int, _total: int) -> None:
        if status & 0xFF in IN_USE and monotonic() >= until:
            raise SettingsError(
                f"{source}: another process has had the database locked for {BUSY_S:g} s. Stop it, or try again later. "
                f"另一个进程锁定数据库已超过 {BUSY_S:g} 秒。请停止该进程，或稍后重试。",
                param="--data-dir",
            )

    return progress


def _checked(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(str(found))
    (version,) = connection.execute(VERSION).fetchone()
    return str(version)


def _apart(file: Path, database: Path) -> None:
    """A copy over the database itself loses what is written from then on."""
    for own in (database, *(database.with_name(database.name + suffix) for suffix in BESIDE)):
        if file.resolve() == own.resolve() or (file.exists() and own.exists() and file.samefile(own)):
            raise SettingsError(f"{file} is the database itself, not a backup of it. Name another file.")


def _fold_in(target: Path) -> bool:
    """End the write-ahead log of the database that is replaced: left beside the new one, it would be taken for its own.

    False if there is none, or if it is damaged. A connection that is open elsewhere keeps the log from being removed.
    """
    if not target.exists():
        return False
    with closing(sqlite3.connect(target, timeout=0.0)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            if _code(error) in IN_USE:
                raise SettingsError(
                    f"{target} is in use. Stop the server first: systemctl stop tingqing.", param="--data-dir"
                ) from None
            if _code(error) not in DAMAGED:
                raise
            return False
    return True


def _carried(old: Path, new: sqlite3.Connection) -> bool:
    try:
        carry_over(old, new)
    except sqlite3.DatabaseError as error:
        if _code(error) not in DAMAGED:
            raise
        return False
    return True


def _code(error: sqlite3.Error) -> int:
    """Without what SQLite's extended codes add."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _aside(target: Path) -> Path:
    """Keep a damaged database and what is beside it: somebody may get something out of it."""
    names = (target.with_name(f"{target.name}.damaged{n or ''}") for n in range(1000))
    free = next(name for name in names if not name.exists())
    for suffix in ("", *BESIDE):
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            beside.replace(free.with_name(free.name + suffix))
    return free


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except sqlite3.Error as error:
        why = "no intact database of Tingqing" if _code(error) in DAMAGED else str(error)
        if _code(error) in IN_USE:
            why = "the database is busy; try again"
    else:
        return
    raise SettingsError(f"{path}: {why}.") from None
