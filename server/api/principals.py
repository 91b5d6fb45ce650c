"""Who a request or socket speaks for."""

from starlette.requests import HTTPConnection

from server.access.principal import LOCAL_SITE, Principal, Role


def principal_of(connection: HTTPConnection) -> Principal:
    """Without keys the server takes only what comes from this machine, and asks nobody who they are."""
    return Principal("anyone on this machine", Role.ANYONE, LOCAL_SITE)
