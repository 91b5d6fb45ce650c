"""Identifies the caller of a request or socket, and refuses those who may not do what they ask."""

from typing import Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.api.services import services_of


async def principal_of(connection: HTTPConnection, right: Right) -> Principal:
    """Raises UnauthorizedError, ForbiddenError, TooManyRequestsError, StoreError, before a body is read."""
    authorization = connection.headers.get("authorization")
    principal = await services_of(connection).gate.caller(authorization, address_of(connection))
    principal.need(right)
    return principal


def address_of(connection: HTTPConnection) -> str:
    """The peer's address; empty where the connection has none."""
    return connection.client.host if connection.client is not None else ""


async def note(connection: HTTPConnection, who: Principal, act: Act, about: str = "") -> None:
    """Write into the audit what ``who`` does, before it is done. Raises StoreError."""
    await services_of(connection).gate.note(who, act, about, address_of(connection))


def needs(right: Right) -> Any:
    """A dependency of a route: its caller, who has ``right``."""

    async def caller(request: Request) -> Principal:
        return await principal_of(request, right)

    return Depends(caller)
