"""A copy of the database while it is used, and its way back. By SQLite's online backup: a plain copy of the file would
miss what is still in its write-ahead log."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.errors import SettingsError
from server.store.database import FILE

BUSY_S = 10.0
VERSION = "SELECT version_num FROM alembic_version"


def back_up(folder: Path, target: Path, *, replace: bool = False) -> str:
    """Copy the database of ``folder`` to ``target``, checked and readable by its owner alone; returns its version.

    Servers may read and write meanwhile; the copy is of one moment. Nothing half-written ever stands at ``target``.
    Raises SettingsError.
    """
    source = folder / FILE
    if not source.is_file():
        raise SettingsError(f"There is no database in {folder}.", param="--data-dir")
    if target.exists() and not replace:
        raise SettingsError(f"{target} exists already. Pass --force to replace it.")
    with _refusals(target):
        return _copied(source, target)


def restore(source: Path, folder: Path, *, replace: bool = False) -> str:
    """Put a backup back as the database of ``folder``; returns its version. No server may use the folder.

    Raises SettingsError for a file that is no intact backup, for a database that is there already, unless ``replace``,
    and for one that a server still uses.
    """
    if not source.is_file():
        raise SettingsError(f"{source} does not exist.")
    target = folder / FILE
    if target.exists() and not replace:
        raise SettingsError(f"{folder} has a database already. Pass --force to replace it.", param="--data-dir")
    with _refusals(source):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            _fold_in(target)
        return _copied(source, target)


def _copied(source: Path, target: Path) -> str:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")  # mode 0600
    os.close(handle)
    new = Path(name)
    try:
        # Read-only, so that looking at a backup changes nothing beside it.
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as there,
            closing(sqlite3.connect(new)) as here,
        ):
            there.backup(here)
            here.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            version = _checked(here)
        with new.open("rb") as written:
            os.fsync(written.fileno())
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    return version


def _checked(connection: sqlite3.Connection) -> str:
    (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(str(found))
    (version,) = connection.execute(VERSION).fetchone()
    return str(version)


def _fold_in(target: Path) -> None:
    """End the write-ahead log of the database that is replaced: left beside the new one, it would be taken for its own.

    A connection that is open elsewhere keeps the log from being removed.
    """
    with closing(sqlite3.connect(target, timeout=0.0)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            raise SettingsError(
                f"{target} is in use. Stop the server first: systemctl stop tingqing.", param="--data-dir"
            ) from None


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except sqlite3.Error as error:
        why = "no intact database of Tingqing" if isinstance(error, sqlite3.DatabaseError) else str(error)
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            why = "the database is busy; try again"
    else:
        return
    raise SettingsError(f"{path}: {why}.") from None
