"""Deliveries that were given up, in the database of a data folder, before a server serves it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from server.notify.delivering import utc_now
from server.notify.endpoints import Endpoint, new_endpoint
from server.notify.events import Event, EventType, event
from server.notify.outbox import Tried
from server.store.database import open_database
from server.store.webhooks import WebhookStores
from tests.processes import living

PLANTED = "never to be shown"
"""In the body of each event."""


def told(kind: EventType, number: int, site: str) -> Event:
    about = f"{number:032x}"
    return event(kind, site, about, utc_now(), {"id": about, "reference": PLANTED})


async def given_up(
    data: Path,
    url: str,
    numbers: Sequence[int],
    site: str = "ward-3",
    *,
    kind: EventType = EventType.ASSESSMENT_REJECTED,
    tried: tuple[int | None, str] = (500, "refused"),
) -> Endpoint:
    """Adds an endpoint of ``site`` for events of one ``kind``, of which those with these ``numbers`` could not be
    delivered, one after another."""
    one = new_endpoint(site, url, [kind], utc_now())
    async with open_database(data) as database, living(database, data) as here:
        stores = WebhookStores.of(database, here)
        assert await stores.endpoints.add(one)
        for number in numbers:
            await stores.outbox.tell([told(kind, number, site)])
            (each,) = await stores.outbox.take({one.id: 1}, utc_now() + timedelta(hours=1))
            await stores.outbox.failed(each.number, Tried(utc_now(), *tried), None)
    return one
