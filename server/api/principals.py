"""Identifies the caller of a request or socket."""

from starlette.requests import HTTPConnection

from server.access.principal import LOCAL_SITE, Principal, Role


def principal_of(connection: HTTPConnection) -> Principal:
    """Without keys the server accepts only this machine and does not identify its callers."""
    return Principal("anyone on this machine", Role.ANYONE, LOCAL_SITE)
