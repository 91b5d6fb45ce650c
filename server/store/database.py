"""One SQLite file in the data folder, in WAL mode, brought up to date before it is used."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.errors import SettingsError, StoreError

FILE = "tingqing.db"
BUSY_MS = 5000
"""How long a writer waits for another process, such as ``tingqing keys create`` beside a server."""


class Database:
    """Made by ``open_database``. Each block is a transaction, rolled back if it raises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._writing = engine
        self._reading = engine.execution_options(reads_only=True)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Waits for other writers. Raises StoreError if the database fails."""
        async with _transaction(self._writing) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Never waits for a writer. Raises StoreError if the database fails."""
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
        engine = create_async_engine(f"sqlite+aiosqlite:///{_file(folder)}", hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _configure)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        with _refusals(folder):
            async with engine.begin() as connection:
                await connection.run_sync(_migrate)
        yield Database(engine)
    finally:
        await engine.dispose()


def _file(folder: Path) -> Path:
    """The files that SQLite puts beside it get its mode."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    path.touch(mode=0o600)
    return path


def _configure(connection: Any, _record: object) -> None:
    """The driver would begin transactions late, so that two processes could both find a table missing."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


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
