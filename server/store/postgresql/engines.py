"""Pools of connections to a PostgreSQL server."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.errors import SettingsError, StoreError
from server.store.locking import key_of
from server.store.migrating import migrate, newest, revision_of
from server.store.postgresql.cleaning import Cleaning
from server.store.postgresql.connecting import (
    BOUNDS,
    DRIVER_FAILURES,
    EACH_STATEMENT,
    FAILURES,
    POOLED,
    SNAPSHOT,
    Trouble,
    connect,
    connect_or_fail,
    trouble_of,
)
from server.store.postgresql.url import DatabaseUrl
from server.store.tables import metadata

OLDEST = 13
"""The oldest version of PostgreSQL that its makers still mended when this was written."""

WRITERS, READERS = 3, 4
"""Connections of one process at most; one more tells others that it lives."""

QUEUE_S = 10.0
"""How long a statement waits for the others of this process."""

MIGRATING_MS = 120_000
"""How long a start waits for another one that brings the tables up to date."""

OF_PATIENTS = (
    "assessment_results", "assessments", "ended_sessions", "running_rows", "running_sessions", "announced_sessions",
    "batch_files", "batches", "webhook_deliveries", "idempotency_keys",
)  # fmt: skip


class PostgresEngines:
    """``Engines`` of a server."""

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url
        self.failures: tuple[type[Exception], ...] = DRIVER_FAILURES
        self.writing = _engine(url, WRITERS, **EACH_STATEMENT)
        self.reading = _engine(url, READERS, **SNAPSHOT)
        self._cleaning = Cleaning(self._vacuum_deleted)

    async def bring_up_to_date(self) -> None:
        """See Engines. One start at a time; what is there already is only looked at. Raises SettingsError too."""
        try:
            async with self.reading.begin() as connection:
                if await connection.run_sync(revision_of) == newest():
                    return
            async with self.writing.begin() as connection:
                for setting, value in (("lock_timeout", MIGRATING_MS), ("statement_timeout", 0)):
                    await connection.execute(text(f"SET LOCAL {setting} = {value}"))
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of("migrations")})
                await connection.run_sync(migrate)
        except (DBAPIError, StoreError) as error:
            raise refused(self._url, trouble_of(self._url, cause_of(error))) from None

    async def vacuum(self) -> None:
        """See Engines. ``VACUUM FULL``: each table is written into a new file, and the old one removed."""
        await self._alone("VACUUM (FULL, ANALYZE) {}", [table.name for table in metadata.sorted_tables])

    async def forget(self) -> bool:
        """See Engines. ``VACUUM``, soon, in the background: the space of deleted rows may be used again. It is not
        overwritten: the table's file has it until then, and the write-ahead log until its files are used again."""
        self._cleaning.ask()
        return False

    async def close(self) -> None:
        """See Engines."""
        await self._cleaning.close()
        await self.writing.dispose()
        await self.reading.dispose()

    async def _vacuum_deleted(self) -> None:
        await self._alone("VACUUM (SKIP_LOCKED) {}", OF_PATIENTS)

    async def _alone(self, statement: str, tables: "tuple[str, ...] | list[str]") -> None:
        """Outside of a transaction, as VACUUM must be, and for as long as it takes."""
        connection = await connect_or_fail(self._url, statement_timeout="0", lock_timeout="60000")
        try:
            for table in tables:
                await connection.execute(statement.format(table), timeout=3600)
        except FAILURES as error:
            raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error
        finally:
            connection.terminate()


def _engine(url: DatabaseUrl, size: int, **settings: str) -> AsyncEngine:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(connect_or_fail, url, **settings),
        hide_parameters=True,
        pool_pre_ping=True,  # the server may have begun anew
        pool_size=size,
        max_overflow=0,
        pool_timeout=QUEUE_S,
    )
    event.listen(engine.sync_engine, "before_cursor_execute", _without_zero_bytes, retval=True)
    return engine


def _without_zero_bytes(
    _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, executemany: bool
) -> tuple[str, Any]:
    """PostgreSQL has no texts with one, and would refuse all that is written together with a name that has."""

    def plain(values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(value.replace("\x00", "") if isinstance(value, str) else value for value in values)

    return statement, [plain(each) for each in parameters] if executemany else plain(parameters)


async def open_engines(url: DatabaseUrl) -> PostgresEngines:
    """Nothing is changed yet. Raises SettingsError if the server cannot be reached or will not do."""
    try:
        connection = await connect(url)
    except FAILURES as error:
        raise refused(url, trouble_of(url, error)) from None
    try:
        unfit = await unfitness(connection, url)
    except FAILURES as error:
        raise refused(url, trouble_of(url, error)) from None
    finally:
        connection.terminate()
    if unfit is not None:
        raise refused(url, unfit)
    return PostgresEngines(url)


async def unfitness(connection: "asyncpg.Connection[asyncpg.Record]", url: DatabaseUrl) -> Trouble | None:
    """What no right and no table would mend. Raises errors of the driver."""
    version = connection.get_server_version()
    if version.major < OLDEST:
        return Trouble(
            f"PostgreSQL {version.major} is too old, it takes {OLDEST} or newer",
            f"PostgreSQL {version.major} 版本过低，需要 {OLDEST} 或更高版本",
            "pg_upgradecluster",
        )
    if await connection.fetchval("SELECT current_setting('application_name')") != BOUNDS["application_name"]:
        return POOLED
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        return Trouble(
            f"its encoding is {encoding}, not UTF8",
            f"数据库编码是 {encoding}，不是 UTF8",
            f"createdb --encoding UTF8 --template template0 {url.name}",
        )
    return None


def refused(url: DatabaseUrl, trouble: Trouble) -> SettingsError:
    """In both languages, with what to do."""
    return SettingsError(
        f"--database-url: {url} cannot be used: {trouble.en}. Try: {trouble.command}\n"
        f"  数据库 {url} 无法使用：{trouble.zh}。请尝试：{trouble.command}",
        zh=f"数据库 {url} 无法使用：{trouble.zh}。",
        param="--database-url",
    )


def cause_of(error: BaseException) -> BaseException:
    """What the driver said, below what SQLAlchemy and this store made of it."""
    while not isinstance(error, FAILURES) and (below := error.__cause__) is not None:
        error = below
    return error
