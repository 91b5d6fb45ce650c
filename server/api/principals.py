"""Identifies the caller of a request or socket, and refuses those who may not do what they ask."""

from typing import Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from server.access.principal import Principal, Right
from server.api.services import services_of


async def principal_of(connection: HTTPConnection, right: Right) -> Principal:
    """Raises UnauthorizedError, ForbiddenError, TooManyRequestsError, StoreError, before a body is read."""
    address = connection.client.host if connection.client is not None else ""
    principal = await services_of(connection).gate.caller(connection.headers.get("authorization"), address)
    principal.need(right)
    return principal


def needs(right: Right) -> Any:
    """A dependency of a route: its caller, who has ``right``."""

    async def caller(request: Request) -> Principal:
        return await principal_of(request, right)

    return Depends(caller)
