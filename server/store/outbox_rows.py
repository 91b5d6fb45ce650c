"""The statements on webhooks' outbox. Each works in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, case, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.notify.endpoints import Endpoint
from server.notify.events import Event
from server.notify.outbox import State
from server.store.tables import webhook_deliveries as deliveries
from server.store.tables import webhook_endpoints as endpoints


async def tell(connection: AsyncConnection, events: Iterable[Event], now: datetime) -> None:
    """Put them into the outbox, for every endpoint that asked for them; an event that is there already is not put
    there again."""
    each: dict[str, Event] = {}
    for one in events:  # a rule matched live, and its session ended before that was written
        each.setdefault(one.id, one)
    told = list(each.values())
    if not told:
        return
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    of_sites = endpoints.c.site.in_({one.site for one in told})
    for row in await connection.execute(select(endpoints.c.id, endpoints.c.site, endpoints.c.events).where(of_sites)):
        for name in row.events.split():
            wanted[row.site, name].append(row.id)
    if not wanted:
        return
    ids = [one.id for one in told]
    there = set(
        (await connection.execute(select(deliveries.c.event_id).where(deliveries.c.event_id.in_(ids)))).scalars()
    )
    rows = [
        _new_row(one, endpoint_id, now)
        for one in told
        if one.id not in there
        for endpoint_id in dict.fromkeys(each for name in one.asked_as for each in wanted[one.site, name])
    ]
    if rows:
        await connection.execute(insert(deliveries), rows)


def _new_row(event: Event, endpoint_id: str, now: datetime) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "endpoint_id": endpoint_id,
        "type": event.type.value,
        "site": event.site,
        "about": event.about,
        "body": event.body,
        "state": State.WAITING.value,
        "created_at": now,
        "began_at": now,
        "due_at": now,
        "attempts": 0,
        "why": "",
    }


def _is_due(now: datetime, dead: Collection[str]) -> Any:
    """Nobody tries it, or one of ``dead`` did, and nothing earlier about the same thing waits for the same endpoint."""
    earlier = deliveries.alias("earlier")
    first = ~exists().where(
        earlier.c.endpoint_id == deliveries.c.endpoint_id,
        earlier.c.about == deliveries.c.about,
        earlier.c.state == State.WAITING.value,
        earlier.c.number < deliveries.c.number,
    )
    free = or_(deliveries.c.owner.is_(None), deliveries.c.owner.in_(dead))
    return and_(deliveries.c.state == State.WAITING.value, deliveries.c.due_at <= now, free, first)


async def owners(connection: AsyncConnection) -> set[str]:
    """Processes that try something."""
    query = select(deliveries.c.owner).where(deliveries.c.owner.is_not(None)).distinct()
    return set((await connection.execute(query)).scalars())


async def due(connection: AsyncConnection, now: datetime, dead: Collection[str]) -> list[str]:
    """Endpoints for which something can be tried now."""
    query = select(endpoints.c.id).where(
        ~endpoints.c.paused, exists().where(deliveries.c.endpoint_id == endpoints.c.id, _is_due(now, dead))
    )
    return list((await connection.execute(query)).scalars())


async def take(
    connection: AsyncConnection, endpoint_id: str, most: int, now: datetime, dead: Collection[str], owner: str
) -> list[Row[Any]]:
    """``owner`` tries these from now on."""
    query = select(deliveries.c.number).where(deliveries.c.endpoint_id == endpoint_id, _is_due(now, dead))
    # What another process takes in this moment is passed over; what it took a moment ago is not free any more.
    query = query.order_by(deliveries.c.number).limit(most).with_for_update(skip_locked=True)
    numbers = list((await connection.execute(query)).scalars())
    free = or_(deliveries.c.owner.is_(None), deliveries.c.owner.in_(dead))
    # The day of tries begins with the first: what waited for a paused endpoint, or behind others, has all of it.
    began_at = case((deliveries.c.attempts == 0, literal(now, deliveries.c.began_at.type)), else_=deliveries.c.began_at)
    change = update(deliveries).where(deliveries.c.number.in_(numbers), free)
    await connection.execute(change.values(owner=owner, began_at=began_at))
    mine = select(deliveries).where(deliveries.c.number.in_(numbers), deliveries.c.owner == owner)
    return list((await connection.execute(mine.order_by(deliveries.c.number))).all())


def listing(count: int, state: State | None, endpoint_id: str | None) -> Select[Any]:
    """The latest first."""
    query = select(deliveries).order_by(deliveries.c.number.desc()).limit(count)
    if state is not None:
        query = query.where(deliveries.c.state == state.value)
    return query if endpoint_id is None else query.where(deliveries.c.endpoint_id == endpoint_id)


def dead(site: str, count: int, before: int | None, endpoint_id: str | None) -> Select[Any]:
    """Given up at this site, the latest first."""
    query = listing(count, State.DEAD, endpoint_id).where(deliveries.c.site == site)
    return query if before is None else query.where(deliveries.c.number < before)


async def tallies(connection: AsyncConnection, site: str) -> dict[str, dict[State, int]]:
    """How many of each endpoint of a site are in each state."""
    columns = deliveries.c.endpoint_id, deliveries.c.state
    query = select(*columns, func.count()).where(deliveries.c.site == site).group_by(*columns)
    found: defaultdict[str, dict[State, int]] = defaultdict(dict)
    for endpoint_id, state, count in await connection.execute(query):
        found[endpoint_id][State(state)] = count
    return dict(found)


async def counts(connection: AsyncConnection) -> dict[State, int]:
    """How many there are in each state."""
    query = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return {State(state): count for state, count in await connection.execute(query)}


async def forget(connection: AsyncConnection, before: datetime) -> int:
    """Delete what was settled before then, and what has waited since then, such as for a paused endpoint."""
    waiting = deliveries.c.state == State.WAITING.value
    old = or_(and_(~waiting, deliveries.c.settled_at < before), and_(waiting, deliveries.c.began_at < before))
    return (await connection.execute(delete(deliveries).where(old))).rowcount


async def forget_about(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Nothing about these sessions, recordings or batches is told any more: they were deleted."""
    await connection.execute(delete(deliveries).where(deliveries.c.about.in_(ids)))


def endpoint_of(row: Row[Any]) -> Endpoint:
    """Of a row of the table."""
    return Endpoint(
        id=row.id,
        site=row.site,
        url=row.url,
        events=frozenset(row.events.split()),
        secret=row.secret,
        created_at=row.created_at,
        former_secret=row.former_secret,
        former_until=row.former_until,
        paused=row.paused,
    )
