"""The statements on running and ended sessions. Each works in the caller's transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.notify.events import Event
from server.store.checkpoint_parts import Part, Parts, site_in
from server.store.tables import ended_sessions, running_rows, running_sessions

TOMBSTONES = 10_000
"""Ended sessions whose id is remembered, so that they are reported as expired instead of unknown."""


@dataclass(frozen=True, slots=True)
class EndedRow:
    """Without ``farewell`` only the end is remembered. ``events``: what other systems are told with it."""

    id: str
    site: str
    ended_at: datetime
    resume_digest: str | None
    farewell: bytes | None
    events: tuple[Event, ...] = ()


async def owners(connection: AsyncConnection, ids: Collection[str] | None = None) -> dict[str, str | None]:
    """Which process has each of these sessions, or of all; ``None``: nobody. Those that do not run are left out."""
    query = select(running_sessions.c.id, running_sessions.c.owner)
    if ids is not None:
        query = query.where(running_sessions.c.id.in_(ids))
    return {row.id: row.owner for row in await connection.execute(query)}


async def locked_owners(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str | None]:
    """The same for a transaction that writes them: nobody else changes them until it ends."""
    query = select(running_sessions.c.id, running_sessions.c.owner).where(running_sessions.c.id.in_(ids))
    locked = query.order_by(running_sessions.c.id).with_for_update()
    return {row.id: row.owner for row in await connection.execute(locked)}


async def write(connection: AsyncConnection, owner: str, there: Collection[str], parts: Mapping[str, Parts]) -> None:
    """``there``: those of them that the table has already."""
    known = [{"key": id_, "new_head": each.head, "new_core": each.core} for id_, each in parts.items() if id_ in there]
    if known:
        change = update(running_sessions).where(running_sessions.c.id == bindparam("key"))
        await connection.execute(change.values(head=bindparam("new_head"), core=bindparam("new_core")), known)
    begun = [
        {"id": id_, "owner": owner, "head": each.head, "core": each.core}
        for id_, each in parts.items()
        if id_ not in there
    ]
    if begun:
        await connection.execute(insert(running_sessions), begun)
    await _write_rows(connection, parts)


async def _write_rows(connection: AsyncConnection, parts: Mapping[str, Parts]) -> None:
    new = [(id_, rows) for id_, each in parts.items() for rows in each.new]
    replaced = [(id_, rows.part) for id_, rows in new if rows.first == 0]
    for part in ("log", "history"):
        ids = [id_ for id_, of in replaced if of == part]
        if ids:
            where = running_rows.c.session_id.in_(ids), running_rows.c.part == part
            await connection.execute(delete(running_rows).where(*where))
    if new:
        rows = [{"session_id": id_, "part": one.part, "first": one.first, "rows": one.rows} for id_, one in new]
        await connection.execute(insert(running_rows), rows)


async def read(
    connection: AsyncConnection, session_id: str, site: str | None = None
) -> tuple[Row[Any, Any], Mapping[Part, list[bytes]]] | None:
    """Its head and core, and its rows in order. ``site``: who asks; another's is as none."""
    query = select(running_sessions.c.head, running_sessions.c.core).where(running_sessions.c.id == session_id)
    head = (await connection.execute(query)).one_or_none()
    owner = site if site is None else await asyncio.to_thread(site_in, b"" if head is None else head.head)
    if head is None or owner not in (None, site):
        return None
    rows: defaultdict[Part, list[bytes]] = defaultdict(list)
    ordered = select(running_rows.c.part, running_rows.c.rows).where(running_rows.c.session_id == session_id)
    for row in await connection.execute(ordered.order_by(running_rows.c.part, running_rows.c.first)):
        rows[row.part].append(row.rows)
    return head, rows


async def read_head(connection: AsyncConnection, session_id: str) -> bytes | None:
    """Its head alone."""
    query = select(running_sessions.c.head).where(running_sessions.c.id == session_id)
    head: bytes | None = (await connection.execute(query)).scalar_one_or_none()
    return head


async def own(connection: AsyncConnection, session_id: str, owner: str) -> None:
    """From now on ``owner`` has it."""
    change = update(running_sessions).where(running_sessions.c.id == session_id)
    await connection.execute(change.values(owner=owner, wanted_by=None))


async def want(connection: AsyncConnection, session_id: str, wanted_by: str) -> None:
    """Ask its owner to let go."""
    change = update(running_sessions).where(running_sessions.c.id == session_id)
    await connection.execute(change.values(wanted_by=wanted_by))


async def held_by(connection: AsyncConnection, owner: str) -> dict[str, str | None]:
    """The sessions of ``owner``, each with the process that asks for it."""
    query = select(running_sessions.c.id, running_sessions.c.wanted_by).where(running_sessions.c.owner == owner)
    return {row.id: row.wanted_by for row in await connection.execute(query)}


async def release(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Nobody has them any more."""
    change = update(running_sessions).where(running_sessions.c.id.in_(ids))
    await connection.execute(change.values(owner=None, wanted_by=None))


async def remove(connection: AsyncConnection, ids: Collection[str]) -> None:
    """They do not run any more."""
    await connection.execute(delete(running_sessions).where(running_sessions.c.id.in_(ids)))
    await connection.execute(delete(running_rows).where(running_rows.c.session_id.in_(ids)))


async def add_ended(connection: AsyncConnection, ended: Iterable[EndedRow]) -> None:
    """Each replaces an earlier one of the same session."""
    rows = [
        {
            "id": one.id,
            "site": one.site,
            "ended_at": one.ended_at,
            "collected": False,
            "resume_digest": one.resume_digest,
            "farewell": one.farewell,
        }
        for one in ended
    ]
    await connection.execute(delete(ended_sessions).where(ended_sessions.c.id.in_([row["id"] for row in rows])))
    await connection.execute(insert(ended_sessions), rows)


async def ended_of(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Those of ``ids`` of which it is known that they ended."""
    query = select(ended_sessions.c.id).where(ended_sessions.c.id.in_(ids))
    return set((await connection.execute(query)).scalars())


async def taken_of(
    connection: AsyncConnection, owner: str, owners: Mapping[str, str | None], had: set[str]
) -> set[str]:
    """Those of ``had``, which ``owner`` wrote, that it has no more: another process has them, had them and let go, or
    ended them. ``owners``: who has which of them now.

    On PostgreSQL one without a row and without an end was lost by the server, as by a standby that took the place of
    another: its ``owner`` has it still, and is to write it anew."""
    missing = had - owners.keys()
    if missing and connection.dialect.name == "postgresql":
        missing = await ended_of(connection, missing)
    return missing | {each for each in had & owners.keys() if owners[each] != owner}


async def with_results(connection: AsyncConnection) -> list[str]:
    """Ended sessions of which more than the id is kept."""
    query = select(ended_sessions.c.id).where(ended_sessions.c.farewell.is_not(None))
    return list((await connection.execute(query)).scalars())


async def forget_ended(connection: AsyncConnection, old: Collection[str], max_bytes: int) -> None:
    """Of ``old``, and of the oldest while all have more than ``max_bytes``, only the id is kept, and that of the latest
    ``TOMBSTONES``."""
    table = ended_sessions.c
    size = func.length(table.farewell)
    kept = select(table.id, size.label("size")).where(table.farewell.is_not(None)).order_by(table.ended_at.desc())
    total, over = 0, []
    for row in (await connection.execute(kept)).all():
        total += row.size
        if total > max_bytes and total > row.size:
            over.append(row.id)
    forgotten = table.id.in_([*old, *over])
    await connection.execute(update(ended_sessions).where(forgotten).values(farewell=None, resume_digest=None))
    latest = select(table.id).order_by(table.ended_at.desc()).limit(TOMBSTONES)
    await connection.execute(delete(ended_sessions).where(table.id.not_in(latest)))
