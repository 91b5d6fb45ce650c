"""Endpoints and deliveries as ``tingqing webhooks`` prints them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from server.cli.console import Failure

if TYPE_CHECKING:
    from server.notify.endpoints import Endpoint
    from server.notify.outbox import ListedDelivery


def unknown(endpoint_id: str) -> Failure:
    """There is none of this id."""
    return Failure(f"there is no endpoint {endpoint_id}.", hint="tingqing webhooks list")


def endpoint_row(endpoint: "Endpoint") -> dict[str, Any]:
    """All but its secrets."""
    return {
        "id": endpoint.id,
        "site": endpoint.site,
        "url": endpoint.url,
        "events": sorted(endpoint.events),
        "state": state_of(endpoint),
        "created_at": endpoint.created_at.isoformat(),
        "former_secret_until": None if endpoint.former_until is None else endpoint.former_until.isoformat(),
    }


def delivery_row(one: "ListedDelivery") -> dict[str, Any]:
    """Without the body of its event."""
    return {
        "number": one.number,
        "webhook_id": one.event_id,
        "type": one.type,
        "site": one.site,
        "about": one.about,
        "endpoint": one.endpoint_id,
        "state": one.state.value,
        "attempts": one.attempts,
        "created_at": one.created_at.isoformat(),
        "due_at": None if one.due_at is None else one.due_at.isoformat(),
        "status": one.status,
        "why": one.why,
    }


def state_of(endpoint: "Endpoint") -> str:
    """``told`` or ``paused``."""
    return "paused" if endpoint.paused else "told"


def date_of(at: datetime | None) -> str:
    """In UTC; empty for none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
