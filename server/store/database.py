"""The database that a server keeps things in, brought up to date before it is used: SQLite or PostgreSQL."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

from alembic.util.exc import CommandError
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from server.errors import SettingsError, StoreError
from server.store.postgresql.url import DatabaseUrl
from server.store.sqlite import SqliteEngines, file_of

log = logging.getLogger(__name__)

Where = Path | DatabaseUrl
"""A data folder with SQLite, or a database of a PostgreSQL server."""

NEWER = "its database was made by a newer Tingqing; install that version or restore a backup"


class Engines(Protocol):
    """Connections of one kind of database. Methods raise SQLAlchemyError, or errors of the driver."""

    writing: AsyncEngine
    reading: AsyncEngine
    failures: tuple[type[Exception], ...]
    """Of the driver, beside those that come as SQLAlchemy's."""

    async def bring_up_to_date(self) -> None:
        """Make the tables of this version, however many processes do so. Raises CommandError if a newer one made
        them."""
        ...

    async def vacuum(self) -> None:
        """Write it anew, without free space. Others wait meanwhile."""
        ...

    async def forget(self) -> bool:
        """What was deleted is to be readable nowhere, as far as the kind of database permits. Whether it is done: if
        not, it will be, soon or after the next deletion."""
        ...

    async def close(self) -> None:
        """Ends what it has under way, and all connections."""
        ...


class Database:
    """Made by ``open_database``. Each block is a transaction, rolled back if it raises. ``url``: of PostgreSQL.
    ``connections``: how many were ever made for writing. A further one may be to another server, which lacks the last
    moments of the one before."""

    def __init__(self, engines: Engines, url: DatabaseUrl | None = None) -> None:
        self._engines = engines
        self.url = url
        self.connections = 0
        event.listen(engines.writing.sync_engine, "connect", self._connected)

    def _connected(self, _connection: object, _record: object) -> None:
        self.connections += 1

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """With SQLite it waits for other writers, of which there is one at a time; with PostgreSQL see
        ``server.store.locking``. Raises StoreError if the database fails."""
        async with self._failures(), self._engines.writing.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One state, whatever is written meanwhile; never waits for a writer, however many there are. Raises
        StoreError if the database fails."""
        async with self._failures(), self._engines.reading.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        failures: tuple[type[Exception], ...] = (
            SQLAlchemyError, ConnectionError, TimeoutError, *self._engines.failures,
        )  # fmt: skip
        try:
            yield
        except failures as error:
            # The text of the error has the statement and its values.
            raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error

    async def vacuum(self) -> None:
        """See Engines. Raises StoreError."""
        async with self._failures():
            await self._engines.vacuum()

    async def forget(self) -> bool:
        """See Engines. What was deleted is deleted: it never fails for what comes after."""
        try:
            async with self._failures():
                return await self._engines.forget()
        except StoreError:
            log.warning("what was deleted is still in the database's files; the next deletion tries again")
            return False


@asynccontextmanager
async def open_database(where: Where) -> AsyncIterator[Database]:
    """The database of a folder, which is created if need be, readable by its owner alone; or one of PostgreSQL.

    Raises SettingsError if it cannot be used or is of a newer version.
    """
    if isinstance(where, Path):
        with _refusals(where):
            engines: Engines = SqliteEngines(file_of(where))
    else:
        engines = await _on_postgresql(where)
    try:
        with _refusals(where):
            await engines.bring_up_to_date()
        yield Database(engines, None if isinstance(where, Path) else where)
    finally:
        await engines.close()


async def _on_postgresql(url: DatabaseUrl) -> Engines:
    try:
        from server.store.postgresql.engines import open_engines  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"--database-url needs the driver {error.name}: pip install 'tingqing[postgresql]'. "
            f"--database-url 需要驱动 {error.name}：请运行 pip install 'tingqing[postgresql]'。",
            param="--database-url",
        ) from None
    return await open_engines(url)


@contextmanager
def _refusals(where: Where) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except SQLAlchemyError:
        why = "the database in it cannot be opened"
    except CommandError:
        why = NEWER
    else:
        return
    flag = "--data-dir" if isinstance(where, Path) else "--database-url"
    raise SettingsError(f"{flag}: {where} cannot be used: {why}.", param=flag)
