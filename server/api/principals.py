"""Identifies the caller of a request or socket, and refuses those who may not do what they ask."""

from collections.abc import Collection
from typing import Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from server.access.audit import Act
from server.access.gate import Gate
from server.access.principal import Principal, Right
from server.access.throttle import MESSAGES
from server.access.tokens import Scope
from server.api.cookies import cookie_of
from server.api.services import services_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def principal_of(connection: HTTPConnection, right: Right) -> Principal:
    """By the key in the head, or by the cookie of who signed in at a page of ours.

    Raises UnauthorizedError, ForbiddenError, TooManyRequestsError, StoreError, before a body is read.
    """
    authorization, cookie, gate = connection.headers.get("authorization"), cookie_of(connection), gate_of(connection)
    if authorization is None and cookie and await gate.keyed():
        # A browser sends the Origin with every handshake and every request that changes something.
        if connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS:
            own_page(connection)
        principal = await gate.signed_in(cookie, listing=right is Right.LIST)
    else:
        principal = await gate.caller(authorization, address_of(connection))
    principal.need(right)
    return principal


def gate_of(connection: HTTPConnection) -> Gate:
    """Tells who a caller is."""
    return services_of(connection).gate


def own_page(connection: HTTPConnection) -> None:
    """Raises ForbiddenError unless a page of this server asks."""
    headers, secure = connection.headers, connection.scope["scheme"] in ("https", "wss")
    services_of(connection).outside.check_own(headers.getlist("origin"), headers.get("host", ""), secure=secure)


def address_of(connection: HTTPConnection) -> str:
    """The peer's address; empty where the connection has none."""
    return connection.client.host if connection.client is not None else ""


async def note(connection: HTTPConnection, who: Principal, act: Act, about: str = "") -> None:
    """Write into the audit what ``who`` does, before it is done. Raises StoreError."""
    await services_of(connection).gate.note(who, act, about, address_of(connection))


async def holder_of(
    request: Request, right: Right, scopes: Collection[Scope], session_id: str, *, messages: bool = False
) -> Principal:
    """Who asks about one session: with a key that has ``right``, or with a token of ``scopes`` for this session in the
    same header. ``messages``: a request of a kind that comes many times with one token; counted apart. Raises as
    ``principal_of`` and ``Gate.guest``."""
    text = bearer_of(request)
    if text.count(".") == 2:  # no key has a dot, every token two
        counted_as = MESSAGES if messages else None
        return (await gate_of(request).guest(text, scopes, session_id, counted_as=counted_as))[0]
    return await principal_of(request, right)


def bearer_of(request: Request) -> str:
    """The key or token in the head; empty where there is none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def needs(right: Right) -> Any:
    """A dependency of a route: its caller, who has ``right``."""

    async def caller(request: Request) -> Principal:
        return await principal_of(request, right)

    return Depends(caller)
