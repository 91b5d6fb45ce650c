"""Everything that one database holds, into another: as it is at one moment, and all of it or nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.audit import Act
from server.access.gate import utc_now
from server.errors import SettingsError
from server.store.database import Database, Where
from server.store.migrating import migrate
from server.store.processes import anyone_lives
from server.store.tables import audit, batch_files, metadata, running_sessions, webhook_deliveries

ROWS = 500
"""Read and written at once."""

NUMBERED = ((audit, "id"), (webhook_deliveries, "number"), (batch_files, "number"))
"""Columns whose next number PostgreSQL keeps beside the table."""

FREE = {running_sessions.name: ("owner", "wanted_by")}
"""Of processes that do not know the target: whoever comes first may have these sessions."""


async def in_use(where: Where) -> bool:
    """Whether a server, or a process that judges, has this database open. Raises StoreError, OSError."""
    if isinstance(where, Path):
        return anyone_lives(where)
    from server.store.postgresql.presence import anyone_present  # noqa: PLC0415 - needs the driver

    return await anyone_present(where)


async def copy_all(
    source: Database,
    target: Database,
    *,
    replace: bool = False,
    place: str | None = None,
    told: Callable[[str, int, int], None] = lambda table, done, of: None,
) -> Mapping[str, int]:
    """Rows by table. ``replace``: what the target holds is deleted; otherwise it must hold nothing. ``place``: where
    files of batches lie, for a target that several machines share (``place_of``). ``told``: how far a table is.

    In one transaction of the target: after an error, or a kill, it is as it was. Raises StoreError, and SettingsError
    for a target that is not empty.
    """
    async with source.reading() as there, target.writing() as here:
        for connection in (there, here):
            await _patient(connection)
        full = await _first_full(here)
        if full is not None and replace:
            await _made_anew(here)
        elif full is not None:
            raise SettingsError(
                f"--to: the target is not empty: {full} has rows. Pass --replace to delete what it holds. "
                f"目标数据库不是空的：{full} 已有数据；加 --replace 会先删除这些数据。",
                param="--to",
            )
        copied = {}
        for table in metadata.sorted_tables:
            copied[table.name] = await _copy(there, here, table, place if target.url is not None else None, told)
        await _number_on(here)
        entry = {"at": utc_now(), "who": "operator", "site": "", "act": str(Act.DATABASE_COPIED), "about": ""}
        await here.execute(insert(audit).values(entry | {"address": ""}))
    return copied


async def _patient(connection: AsyncConnection) -> None:
    """One end waits for the other, and a large table takes long."""
    if connection.dialect.name == "postgresql":
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            await connection.execute(text(f"SET LOCAL {setting} = 0"))


async def _first_full(connection: AsyncConnection) -> str | None:
    for table in metadata.sorted_tables:
        if (await connection.execute(select(text("1")).select_from(table).limit(1))).first() is not None:
            return table.name
    return None


async def _made_anew(connection: AsyncConnection) -> None:
    """Its tables are dropped and made again: from the audit nothing can be deleted."""
    for name in (*(table.name for table in reversed(metadata.sorted_tables)), "alembic_version"):
        await connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    if connection.dialect.name == "postgresql":
        await connection.execute(text("DROP FUNCTION IF EXISTS audit_is_append_only()"))
    await connection.run_sync(migrate)


async def _copy(
    there: AsyncConnection,
    here: AsyncConnection,
    table: Table,
    place: str | None,
    told: Callable[[str, int, int], None],
) -> int:
    whole = (await there.execute(select(func.count()).select_from(table))).scalar_one()
    done = 0
    told(table.name, done, whole)
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS)
    async with there.stream(query) as rows:
        async for some in rows.partitions():
            await here.execute(insert(table), [_moved(table, row, place) for row in some])
            done += len(some)
            told(table.name, done, whole)
    return done


def _moved(table: Table, row: Row[Any], place: str | None) -> dict[str, Any]:
    values: dict[str, Any] = dict(row._mapping) | dict.fromkeys(FREE.get(table.name, ()))
    return values | {"place": place} if table is batch_files else values


async def _number_on(connection: AsyncConnection) -> None:
    if connection.dialect.name != "postgresql":
        return
    for table, column in NUMBERED:
        following = f"SELECT coalesce(max({column}), 0) + 1 FROM {table.name}"
        await connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), ({following}), false)")
        )
