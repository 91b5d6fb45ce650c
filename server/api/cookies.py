"""The cookie of who signed in at one of our pages."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.api.addresses import base_of

NAME = "tingqing"


def cookie_of(connection: HTTPConnection) -> str | None:
    """The cookie that came along, if any."""
    return connection.cookies.get(_name(connection))


def set_cookie(connection: HTTPConnection, response: Response, value: str, lasts_s: int) -> None:
    """No script can read it, no page of another site sends it, and over TLS nothing else carries it."""
    response.set_cookie(
        _name(connection),
        value,
        max_age=lasts_s,
        path=_path(connection),
        secure=_secure(connection),
        httponly=True,
        samesite="strict",
    )


def drop_cookie(connection: HTTPConnection, response: Response) -> None:
    """The browser forgets it."""
    response.delete_cookie(
        _name(connection), path=_path(connection), secure=_secure(connection), httponly=True, samesite="strict"
    )


def _secure(connection: HTTPConnection) -> bool:
    return base_of(connection).startswith(("https://", "wss://"))


def _path(connection: HTTPConnection) -> str:
    return connection.scope.get("root_path") or "/"


def _name(connection: HTTPConnection) -> str:
    """Browsers take these prefixes from secure pages alone, so that no other server of the domain can plant one
    (RFC 6265bis, 4.1.3)."""
    if not _secure(connection):
        return NAME
    return f"__Host-{NAME}" if _path(connection) == "/" else f"__Secure-{NAME}"
