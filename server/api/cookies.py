"""The cookie of who signed in at one of our pages."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

NAME = "tingqing"


def cookie_of(connection: HTTPConnection) -> str | None:
    """The cookie that came along, if any: by whichever name, but by a secure page's own alone where one certainly asks.

    A page's GET of its own server says no ``Origin``, and a proxy may not say that it speaks TLS.
    """
    names = _names(connection)[:1] if _secure(connection) else _names(connection)
    return next((connection.cookies[name] for name in names if name in connection.cookies), None)


def set_cookie(connection: HTTPConnection, response: Response, value: str, lasts_s: int) -> None:
    """No script can read it, no page of another site sends it, and what signed in over TLS sends it over nothing else.

    Call it for a page of our own only: it is for the scheme of the page's ``Origin``, which is what the browser sees,
    whatever a proxy makes of it.
    """
    secure = _secure(connection)
    response.set_cookie(
        _names(connection)[0] if secure else NAME,
        value,
        max_age=lasts_s,
        path=_path(connection),
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookies(connection: HTTPConnection, response: Response) -> None:
    """The browser forgets it, by whichever name it came."""
    came = [name for name in _names(connection) if name in connection.cookies]
    for name in came or _names(connection):
        response.delete_cookie(name, path=_path(connection), secure=name != NAME, httponly=True, samesite="strict")


def _secure(connection: HTTPConnection) -> bool:
    origin = connection.headers.get("origin")
    return urlsplit(origin).scheme == "https" if origin else connection.scope["scheme"] in ("https", "wss")


def _path(connection: HTTPConnection) -> str:
    return connection.scope.get("root_path") or "/"


def _names(connection: HTTPConnection) -> tuple[str, str]:
    """Browsers take these prefixes from secure pages alone, so that no other server of the domain can plant one
    (RFC 6265bis, 4.1.3)."""
    return (f"__Host-{NAME}" if _path(connection) == "/" else f"__Secure-{NAME}", NAME)
