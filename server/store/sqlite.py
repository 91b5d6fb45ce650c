"""One SQLite file in a data folder, in WAL mode."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import uniform
from time import monotonic
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.ownership import give_to_owner
from server.store.migrating import migrate

FILE = "tingqing.db"
BUSY_MS = 5000
"""How long a writer waits for another process, such as ``tingqing keys create`` beside a server."""

FORGET_MS = 200
"""How long emptying the write-ahead log waits for readers, and writers for it."""

AGAIN_S = (0.02, 0.1)
"""How long an opening waits before it tries again, drawn at random so that two do not meet for ever."""

QUEUE_S = 10.0
"""How long a writer waits for the others of this process."""

FAILURES = (SQLAlchemyError, sqlite3.Error)


class SqliteEngines:
    """``Engines`` of a file."""

    def __init__(self, path: Path) -> None:
        self.failures: tuple[type[Exception], ...] = (sqlite3.Error,)
        # Pools of their own: writers that wait for a lock must not hold the connections that readers need.
        self.writing = _engine(path, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0, pool_timeout=QUEUE_S)
        self.reading = _engine(path, "BEGIN")

    async def bring_up_to_date(self) -> None:
        """See Engines. Again while others open it: SQLite changes to WAL mode and back without heeding its busy
        timeout."""
        until = monotonic() + BUSY_MS / 1000
        while True:
            try:
                async with self.writing.begin() as connection:
                    return await connection.run_sync(migrate)
            except OperationalError as error:
                if not _is_busy(error) or monotonic() > until:
                    raise
            await asyncio.sleep(uniform(*AGAIN_S))

    async def vacuum(self) -> None:
        """See Engines."""
        async with _driver(self.writing) as raw:
            await raw.execute("VACUUM")

    async def close(self) -> None:
        """See Engines."""
        await self.writing.dispose()
        await self.reading.dispose()

    async def forget(self) -> bool:
        """See Engines. Moves what is in the write-ahead log into the file, and empties it; deleted content is
        overwritten in the file itself (``secure_delete``). False while somebody reads an older state: then the log
        still has it, until it is called again."""
        async with _driver(self.reading) as raw:
            # The lock of writers is held while it waits for readers.
            await raw.execute(f"PRAGMA busy_timeout={FORGET_MS}")
            try:
                async with raw.execute("PRAGMA wal_checkpoint(TRUNCATE)") as found:
                    row = await found.fetchone()
            finally:
                await raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        return row is not None and row[0] == 0


@asynccontextmanager
async def _driver(engine: AsyncEngine) -> AsyncIterator[aiosqlite.Connection]:
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, aiosqlite.Connection)
        yield raw


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


def file_of(folder: Path) -> Path:
    """The file, made if need be, readable by its owner alone: that of the folder, also where root makes it. The files
    that SQLite puts beside it get its mode, also where a copy was put back as everybody can read it. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    if not path.exists():
        path.touch(mode=0o600)
        give_to_owner(path, folder)
    for each in (path, *folder.glob(f"{FILE}-*")):
        with suppress(FileNotFoundError):  # another process is done with its journal
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
