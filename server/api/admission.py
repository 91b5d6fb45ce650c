"""Who may use this server: Host and Origin are checked before anything else.

Without keys the server answers this machine only, so ``Host`` must be a loopback name: a page of another site whose
name was rebound to 127.0.0.1 sends its own name. With keys such a page has nothing to show. ``Origin``, which browsers
add and pages cannot forge, must equal ``Host`` or be absent: the same-origin policy does not cover WebSockets.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.api.problems import problem_of
from server.api.requests import PROBES
from server.api.services import Services
from server.api.sockets import refuse
from server.errors import ForbiddenError, TingqingError
from server.loopback import is_loopback

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Admission:
    """ASGI middleware. To refuse a WebSocket it accepts, sends the error and closes with 4403: browsers cannot read a
    refused upgrade.
    """

    def __init__(self, app: ASGIApp, *, insecure: bool) -> None:
        self._app = app
        self._insecure = insecure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point; refused requests are answered here and never reach the application."""
        if (
            scope["type"] == "http" and scope["path"] not in PROBES
        ):  # probes use the IP address, and reveal nothing about patients
            try:
                await self._check(scope, with_origin=scope["method"] not in SAFE_METHODS)
            except TingqingError as error:
                await problem_of(error)(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            try:
                await self._check(scope, with_origin=True)
            except TingqingError as error:
                await refuse(WebSocket(scope, receive, send), error)
                return
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope, *, with_origin: bool) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        services: Services = scope["app"].state.services
        if not self._insecure and not await services.gate.keyed():
            check_host(host)
        if with_origin:
            check_origin(headers.getlist("origin"), host)


def check_host(host: str) -> None:
    """Raises ForbiddenError if the Host header names anything but this machine."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if name is None or not is_loopback(name):
        raise ForbiddenError(
            "Without keys this server answers this machine only. Use http://127.0.0.1 or http://localhost.",
            param="host",
        )


def check_origin(origins: list[str], host: str) -> None:
    """Raises ForbiddenError if there is an Origin header and it is not this host and port."""
    for origin in origins:
        if not _same_authority(origin, host):
            raise ForbiddenError("Pages from other origins may not use this server.", param="origin")


def _same_authority(origin: str, host: str) -> bool:
    try:
        asked, served = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS[asked.scheme]
        return asked.hostname is not None and (asked.hostname, asked.port or default) == (
            served.hostname,
            served.port or default,
        )
    except (ValueError, KeyError):  # an invalid port, or not a web scheme ("null" has none)
        return False
