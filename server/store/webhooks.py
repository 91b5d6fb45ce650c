"""Endpoints of webhooks in the database, and everything of webhooks opened together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from server.notify.endpoints import MAX_ENDPOINTS, Endpoint, EndpointStore
from server.notify.events import Event
from server.notify.outbox import OutboxStore
from server.store.database import Database
from server.store.locking import alone
from server.store.outbox import StoredOutbox
from server.store.outbox_rows import endpoint_of
from server.store.processes import Process
from server.store.session_writer import Change, SessionWriter
from server.store.tables import webhook_deliveries, webhook_endpoints

table = webhook_endpoints.c


@dataclass(frozen=True, slots=True)
class WebhookStores:
    """Where webhooks go, and what is still to be told."""

    endpoints: EndpointStore
    outbox: OutboxStore
    writer: SessionWriter | None = None

    @classmethod
    def of(cls, database: Database, lock: Process | None, writer: SessionWriter | None = None) -> "WebhookStores":
        """``lock``: of a process that delivers; ``writer``: of one that judges."""
        return cls(StoredEndpoints(database), StoredOutbox(database, lock), writer)

    def put(self, about: str, events: Iterable[Event]) -> None:
        """See Webhooks."""
        assert self.writer is not None, "a process that judges has a writer"
        self.writer.change(about, Change(over=True, events=tuple(events)))


class StoredEndpoints:
    """An ``EndpointStore``. Secrets are kept as they are: each delivery is signed with them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, endpoint: Endpoint) -> bool:
        """See EndpointStore."""
        there = select(func.count()).select_from(webhook_endpoints).where(table.site == endpoint.site)
        row = {
            "id": endpoint.id,
            "site": endpoint.site,
            "url": endpoint.url,
            "events": " ".join(sorted(endpoint.events)),
            "secret": endpoint.secret,
            "created_at": endpoint.created_at,
            "paused": endpoint.paused,
        }
        async with self._database.writing() as connection:
            await alone(connection, "endpoints", endpoint.site)
            if (await connection.execute(there)).scalar_one() >= MAX_ENDPOINTS:
                return False
            await connection.execute(insert(webhook_endpoints).values(row))
        return True

    async def listed(self, site: str | None = None) -> list[Endpoint]:
        """See EndpointStore."""
        query = select(webhook_endpoints).order_by(table.created_at, table.id)
        async with self._database.reading() as connection:
            rows = await connection.execute(query if site is None else query.where(table.site == site))
            return [endpoint_of(row) for row in rows]

    async def get(self, endpoint_id: str) -> Endpoint | None:
        """See EndpointStore."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(webhook_endpoints).where(table.id == endpoint_id))
            row = found.one_or_none()
        return None if row is None else endpoint_of(row)

    async def rotate(self, endpoint_id: str, secret: str, until: datetime) -> bool:
        """See EndpointStore."""
        change = update(webhook_endpoints).where(table.id == endpoint_id)
        values = {"former_secret": table.secret, "former_until": until, "secret": secret}
        async with self._database.writing() as connection:
            return (await connection.execute(change.values(values))).rowcount > 0

    async def pause(self, endpoint_id: str, paused: bool) -> bool:
        """See EndpointStore."""
        change = update(webhook_endpoints).where(table.id == endpoint_id).values(paused=paused)
        async with self._database.writing() as connection:
            return (await connection.execute(change)).rowcount > 0

    async def remove(self, endpoint_id: str) -> bool:
        """See EndpointStore."""
        waiting = delete(webhook_deliveries).where(webhook_deliveries.c.endpoint_id == endpoint_id)
        async with self._database.writing() as connection:
            await connection.execute(waiting)
            return (await connection.execute(delete(webhook_endpoints).where(table.id == endpoint_id))).rowcount > 0
