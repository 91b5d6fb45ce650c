"""``/v1/webhooks``: where webhooks of a site go, what could not be delivered, and that it is sent again."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query, Request, Response

from server.access.audit import Act
from server.access.gate import utc_now
from server.access.principal import Principal, Right
from server.api.principals import address_of, needs, note
from server.api.problems import documented
from server.api.services import Services, Wired
from server.errors import DeliveryUnknownError
from server.notify.delivering import Webhooks
from server.notify.endpoints import Endpoint
from server.notify.outbox import ListedDelivery, State
from server.wire.webhooks import DeadDeliveries, DeadDelivery, Replayed, WebhookEndpoint, WebhookEndpoints

router = APIRouter(tags=["webhooks"])

Operator = Annotated[Principal, needs(Right.WEBHOOKS)]
Number = Annotated[int, Path(ge=1, lt=2**63, description="As in the list.")]
OfEndpoint = Annotated[str | None, Query(max_length=32, description="Of this endpoint alone.")]

NO_STORE = {"Cache-Control": "no-store"}
COMMON = {
    401: "No key and no sign-in, or one that is not valid.",
    403: "A server without keys shows no webhooks; or refused because of Host, Origin or the key's role.",
    429: "The key was used too often; see Retry-After.",
    503: "No database; Retry-After says when to try again.",
}
PROBLEMS = documented(COMMON)
DEAD_PROBLEMS = documented(COMMON | {422: "limit or cursor is out of range."})
REPLAY_PROBLEMS = documented(
    COMMON | {404: "This site has no such delivery that was given up, or no such endpoint.", 422: "No number."}
)


@router.get(
    "/v1/webhooks",
    summary="Where webhooks of the key's site go",
    responses=PROBLEMS,
)
async def endpoints(request: Request, response: Response, services: Wired, caller: Operator) -> WebhookEndpoints:
    """Hosts, and how many deliveries wait or were given up; no secret. Endpoints are added and resumed at the command
    line."""
    stores = _stores(services)
    await services.gate.looks_at_webhooks(caller, address_of(request))
    response.headers.update(NO_STORE)
    tallies = await stores.outbox.tallies(caller.site)
    found = await stores.endpoints.listed(caller.site)
    return WebhookEndpoints(endpoints=[_row(one, tallies.get(one.id, {})) for one in found])


@router.get(
    "/v1/webhooks/dead",
    summary="Deliveries that were given up",
    responses=DEAD_PROBLEMS,
)
async def dead(
    request: Request,
    response: Response,
    services: Wired,
    caller: Operator,
    endpoint: OfEndpoint = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=1, lt=2**63, description="next of the page before.")] = None,
) -> DeadDeliveries:
    """The latest first: those of the last seven days. What an event tells is not shown."""
    stores = _stores(services)
    await services.gate.looks_at_webhooks(caller, address_of(request))
    response.headers.update(NO_STORE)
    hosts = {one.id: _host(one) for one in await stores.endpoints.listed(caller.site)}
    found = await stores.outbox.dead(caller.site, limit + 1, before=cursor, endpoint_id=endpoint)
    page = found[:limit]
    following = page[-1].number if len(found) > limit else None
    return DeadDeliveries(dead=[_delivery(one, hosts.get(one.endpoint_id, "")) for one in page], next=following)


@router.post(
    "/v1/webhooks/dead/replay",
    summary="Send again all that was given up",
    responses=REPLAY_PROBLEMS,
)
async def replay_all(request: Request, services: Wired, caller: Operator, endpoint: OfEndpoint = None) -> Replayed:
    """Of one endpoint, or of the whole site: tried for a day, each with the `webhook-id` that it had."""
    stores = _stores(services)
    await note(request, caller, Act.WEBHOOKS_REPLAYED)
    if endpoint is not None:
        known = await stores.endpoints.get(endpoint)
        if known is None or known.site != caller.site:
            raise _unknown()
    return Replayed(replayed=await stores.outbox.replay(utc_now(), endpoint_id=endpoint, site=caller.site))


@router.post(
    "/v1/webhooks/dead/{number}/replay",
    summary="Send again one that was given up",
    responses=REPLAY_PROBLEMS,
)
async def replay(request: Request, services: Wired, caller: Operator, number: Number) -> Replayed:
    """Tried for a day, with the `webhook-id` that it had."""
    stores = _stores(services)
    await note(request, caller, Act.WEBHOOKS_REPLAYED)
    replayed = await stores.outbox.replay(utc_now(), number=number, site=caller.site)
    if not replayed:
        raise _unknown()
    return Replayed(replayed=replayed)


def _stores(services: Services) -> Webhooks:
    assert services.webhooks is not None, "who has this right holds a key, and keys lie in the same database"
    return services.webhooks


def _unknown() -> DeliveryUnknownError:
    """The same for what never was, what is delivered or waits, and what another site has."""
    return DeliveryUnknownError("Nothing of this was given up here. 没有这条已放弃的通知。")


def _row(one: Endpoint, tally: Mapping[State, int]) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=one.id,
        host=_host(one),
        events=sorted(one.events),
        state="paused" if one.paused else "told",
        created_at=one.created_at,
        waiting=tally.get(State.WAITING, 0),
        dead=tally.get(State.DEAD, 0),
    )


def _host(one: Endpoint) -> str:
    """Without its path, which may hold a secret as that of a robot does."""
    return urlsplit(one.url).hostname or ""


def _delivery(one: ListedDelivery, host: str) -> DeadDelivery:
    return DeadDelivery(
        number=one.number,
        webhook_id=one.event_id,
        type=one.type,
        about=one.about,
        endpoint=one.endpoint_id,
        host=host,
        attempts=one.attempts,
        created_at=one.created_at,
        given_up_at=one.settled_at,
        status=one.status,
        why=one.why,
    )
