"""One SQLite file in the data folder, in WAL mode, brought up to date before it is used."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from random import uniform
from time import monotonic
from typing import Any

import aiosqlite
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.errors import SettingsError, StoreError

FILE = "tingqing.db"
BUSY_MS = 5000
"""How long a writer waits for another process, such as ``tingqing keys create`` beside a server."""

FORGET_MS = 200
"""How long emptying the write-ahead log waits for readers, and writers for it."""

AGAIN_S = (0.02, 0.1)
"""How long an opening waits before it tries again, drawn at random so that two do not meet for ever."""

QUEUE_S = 10.0
"""How long a writer waits for the others of this process."""


class Database:
    """Made by ``open_database``. Each block is a transaction, rolled back if it raises."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine) -> None:
        self._writing = writing
        self._reading = reading

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Waits for other writers, of which there is one at a time. Raises StoreError if the database fails."""
        async with _transaction(self._writing) as connection:
            yield connection

    async def vacuum(self) -> None:
        """Write the file anew, without free pages. Others wait meanwhile. Raises StoreError."""
        try:
            async with self._writing.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                assert isinstance(raw, aiosqlite.Connection)
                await raw.execute("VACUUM")
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error

    async def forget(self) -> bool:
        """Move what is in the write-ahead log into the file, and empty it: what was deleted is in neither any more.

        Deleted content is overwritten in the file itself (``secure_delete``). False while somebody reads an older
        state: then the log still has it, until it is called again. Raises StoreError.
        """
        try:
            async with self._reading.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                assert isinstance(raw, aiosqlite.Connection)
                # The lock of writers is held while it waits for readers.
                await raw.execute(f"PRAGMA busy_timeout={FORGET_MS}")
                try:
                    async with raw.execute("PRAGMA wal_checkpoint(TRUNCATE)") as found:
                        row = await found.fetchone()
                finally:
                    await raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error
        return row is not None and row[0] == 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Never waits for a writer, however many there are. Raises StoreError if the database fails."""
        async with _transaction(self._reading) as connection:
            yield connection


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    try:
        async with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        # The text of the error has the statement and its values.
        raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error


@asynccontextmanager
async def open_database(folder: Path) -> AsyncIterator[Database]:
    """The database of ``folder``, which is created if need be, readable by its owner alone.

    Raises SettingsError if the folder cannot be used or holds the database of a newer version.
    """
    with _refusals(folder):
        path = _file(folder)
    # Pools of their own: writers that wait for a lock must not hold the connections that readers need.
    writing = _engine(path, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0, pool_timeout=QUEUE_S)
    reading = _engine(path, "BEGIN")
    try:
        with _refusals(folder):
            await _bring_up_to_date(writing)
        yield Database(writing, reading)
    finally:
        await writing.dispose()
        await reading.dispose()


async def _bring_up_to_date(engine: AsyncEngine) -> None:
    """Again while others open it: SQLite changes to WAL mode and back without heeding its busy timeout."""
    until = monotonic() + BUSY_MS / 1000
    while True:
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(_migrate)
        except OperationalError as error:
            if not _is_busy(error) or monotonic() > until:
                raise
        await asyncio.sleep(uniform(*AGAIN_S))


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )  # the low byte is the kind, the high one the detail


def _engine(path: Path, begin: str, **pool: Any) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", hide_parameters=True, **pool)
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", partial(_begin, begin))
    return engine


def _file(folder: Path) -> Path:
    """The files that SQLite puts beside it get its mode, also where a copy was put back as everybody can read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    path.touch(mode=0o600)
    for each in (path, *folder.glob(f"{FILE}-*")):
        if each.stat().st_mode & 0o077:
            each.chmod(0o600)
    return path


def _configure(connection: Any, _record: object) -> None:
    """The driver would begin transactions late, so that two processes could both find a table missing."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(begin: str, connection: Connection) -> None:
    connection.exec_driver_sql(begin)


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "server.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except SQLAlchemyError:
        why = "the database in it cannot be opened"
    except CommandError:
        why = "its database was made by a newer Tingqing; install that version or restore a backup"
    else:
        return
    raise SettingsError(f"--data-dir: {folder} cannot be used: {why}.", param="--data-dir")
