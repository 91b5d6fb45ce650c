"""A look at a PostgreSQL database from outside, which changes nothing."""

from dataclasses import dataclass

import asyncpg

from server.store.migrating import newest
from server.store.postgresql.connecting import FAILURES, Trouble, connect, trouble_of
from server.store.postgresql.engines import unfitness
from server.store.postgresql.url import DatabaseUrl
from server.store.tables import metadata

MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
MAY_CHANGE = (
    "SELECT coalesce(bool_and(pg_has_role(tableowner, 'USAGE')), true) FROM pg_tables "
    "WHERE schemaname = current_schema() AND tablename = ANY($1)"
)
"""Tables that another user made can be read perhaps, and not brought up to date."""


@dataclass(frozen=True, slots=True)
class Seen:
    """``trouble``: why it cannot be used. ``version`` of the server, ``revision`` of the tables; ``None``: there are
    none. ``behind``: the next start brings them up to date."""

    version: str = ""
    revision: str | None = None
    behind: bool = False
    trouble: Trouble | None = None


async def look(url: DatabaseUrl) -> Seen:
    """Takes 5 s at most to connect to each host. Never raises for what is wrong there."""
    try:
        connection = await connect(url)
    except FAILURES as error:
        return Seen(trouble=trouble_of(url, error))
    try:
        return await _look(connection, url)
    except FAILURES as error:
        return Seen(trouble=trouble_of(url, error))
    finally:
        connection.terminate()


async def _look(connection: "asyncpg.Connection[asyncpg.Record]", url: DatabaseUrl) -> Seen:
    unfit = await unfitness(connection, url)
    if unfit is not None:
        return Seen(trouble=unfit)
    version = connection.get_server_version()
    told = f"{version.major}.{version.minor}"
    names = [table.name for table in metadata.sorted_tables]
    if not await connection.fetchval(MAY_CREATE) or not await connection.fetchval(MAY_CHANGE, names):
        return Seen(trouble=trouble_of(url, asyncpg.InsufficientPrivilegeError("")))
    revision = None
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is not None:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    if revision is not None and revision > newest():
        return Seen(
            trouble=Trouble(
                f"its tables ({revision}) were made by a newer Tingqing",
                f"数据表（{revision}）由更新版本的听清创建",
                "pip install --upgrade tingqing",
            )
        )
    return Seen(told, revision, revision is not None and revision < newest())
