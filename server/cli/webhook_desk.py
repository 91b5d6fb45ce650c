"""The database as ``tingqing webhooks`` uses it: endpoints, deliveries, and the audit of what is changed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from server.access.audit import Act, AuditEntry
from server.access.gate import utc_now
from server.cli.keys import OPERATOR
from server.cli.webhook_rows import unknown
from server.notify.endpoints import Endpoint
from server.settings import Settings
from server.store.audit import StoredAudit
from server.store.database import Where, open_database
from server.store.webhooks import WebhookStores

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """While the database is open."""

    stores: WebhookStores
    audit: StoredAudit
    settings: Settings

    async def endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises Failure if there is none."""
        found = await self.stores.endpoints.get(endpoint_id)
        if found is None:
            raise unknown(endpoint_id)
        return found

    async def note(self, act: Act, site: str, about: str) -> None:
        """Before it is done."""
        await self.audit.add(AuditEntry(utc_now(), OPERATOR, site, act, about, ""))

    async def note_of(self, act: Act, endpoint_id: str) -> None:
        """The same of an endpoint. Raises Failure if there is none."""
        await self.note(act, (await self.endpoint(endpoint_id)).site, endpoint_id)


async def at_desk(settings: Settings, where: Where, use: Callable[[Desk], Awaitable[T]]) -> T:
    """Raises SettingsError, and as ``use``."""
    async with open_database(where) as database:
        return await use(Desk(WebhookStores.of(database, None), StoredAudit(database), settings))
