"""The outbox of webhooks in the database."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.gate import utc_now
from server.notify.events import Event, EventType
from server.notify.outbox import Delivery, ListedDelivery, State, Tried
from server.store import outbox_rows
from server.store.database import Database
from server.store.processes import Process
from server.store.tables import webhook_deliveries as deliveries
from server.store.tables import webhook_endpoints as endpoints


class StoredOutbox:
    """An ``OutboxStore``. Who tries a delivery stands in its row; whether that process is alive is told by its lock."""

    def __init__(self, database: Database, lock: Process | None) -> None:
        """``lock``: of this process; ``None`` for one that delivers nothing."""
        self._database = database
        self._lock = lock

    async def tell(self, events: Iterable[Event]) -> None:
        """See OutboxStore."""
        async with self._database.writing() as connection:
            await outbox_rows.tell(connection, events, utc_now())

    async def due(self, now: datetime) -> list[str]:
        """See OutboxStore."""
        async with self._database.reading() as connection:
            return await outbox_rows.due(connection, now, await self._dead(connection))

    async def _dead(self, connection: AsyncConnection) -> set[str]:
        assert self._lock is not None, "a process that delivers has a lock"
        return await self._lock.dead(connection, await outbox_rows.owners(connection))

    async def take(self, room: Mapping[str, int], now: datetime) -> list[Delivery]:
        """See OutboxStore."""
        assert self._lock is not None, "a process that delivers has a lock"
        taken: list[Delivery] = []
        async with self._database.writing() as connection:
            dead = await self._dead(connection)
            query = select(endpoints).where(endpoints.c.id.in_(room))
            known = {row.id: outbox_rows.endpoint_of(row) for row in await connection.execute(query)}
            for endpoint_id, endpoint in known.items():
                rows = await outbox_rows.take(connection, endpoint_id, room[endpoint_id], now, dead, self._lock.id)
                taken += [Delivery(row.number, _event(row), endpoint, row.attempts, row.began_at) for row in rows]
        return taken

    async def delivered(self, number: int, tried: Tried) -> None:
        """See OutboxStore. What was told is not kept: the endpoint has it."""
        await self._settle(number, tried, state=State.DELIVERED.value, settled_at=tried.at, due_at=None, body="")

    async def failed(self, number: int, tried: Tried, again_at: datetime | None) -> None:
        """See OutboxStore."""
        if again_at is None:
            await self._settle(number, tried, state=State.DEAD.value, settled_at=tried.at, due_at=None)
        else:
            await self._settle(number, tried, due_at=again_at)

    async def _settle(self, number: int, tried: Tried, **values: Any) -> None:
        change = update(deliveries).where(deliveries.c.number == number)
        values |= {"owner": None, "attempts": deliveries.c.attempts + 1, "status": tried.status, "why": tried.why}
        async with self._database.writing() as connection:
            await connection.execute(change.values(**values))

    async def replay(
        self, now: datetime, *, endpoint_id: str | None = None, number: int | None = None, site: str | None = None
    ) -> int:
        """See OutboxStore."""
        change = update(deliveries).where(deliveries.c.state == State.DEAD.value)
        if endpoint_id is not None:
            change = change.where(deliveries.c.endpoint_id == endpoint_id)
        if number is not None:
            change = change.where(deliveries.c.number == number)
        if site is not None:
            change = change.where(deliveries.c.site == site)
        again = change.values(state=State.WAITING.value, began_at=now, due_at=now, settled_at=None, attempts=0)
        async with self._database.writing() as connection:
            return (await connection.execute(again)).rowcount

    async def listed(
        self, count: int, *, state: State | None = None, endpoint_id: str | None = None
    ) -> list[ListedDelivery]:
        """See OutboxStore."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(outbox_rows.listing(count, state, endpoint_id))).all()
        return [_listed(row) for row in rows]

    async def dead(
        self, site: str, count: int, *, before: int | None = None, endpoint_id: str | None = None
    ) -> list[ListedDelivery]:
        """See OutboxStore."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(outbox_rows.dead(site, count, before, endpoint_id))).all()
        return [_listed(row) for row in rows]

    async def tallies(self, site: str) -> Mapping[str, Mapping[State, int]]:
        """See OutboxStore."""
        async with self._database.reading() as connection:
            return await outbox_rows.tallies(connection, site)

    async def counts(self) -> Mapping[State, int]:
        """See OutboxStore."""
        async with self._database.reading() as connection:
            return await outbox_rows.counts(connection)

    async def forget(self, before: datetime) -> int:
        """See OutboxStore."""
        async with self._database.writing() as connection:
            return await outbox_rows.forget(connection, before)


def _event(row: Row[Any]) -> Event:
    return Event(row.event_id, EventType(row.type), row.site, row.about, row.body)


def _listed(row: Row[Any]) -> ListedDelivery:
    return ListedDelivery(
        number=row.number,
        event_id=row.event_id,
        type=row.type,
        site=row.site,
        about=row.about,
        endpoint_id=row.endpoint_id,
        state=State(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.due_at,
        status=row.status,
        why=row.why,
        settled_at=row.settled_at,
    )
