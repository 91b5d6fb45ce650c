"""Who may use this server: Host and Origin are checked before anything else. ``server.access.origins`` has the rules.

The same-origin policy does not cover WebSockets, and ``POST`` needs no preflight where it is plain.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.access.origins import Outside
from server.api.problems import problem_of
from server.api.requests import PROBES
from server.api.services import Services
from server.api.sockets import refuse
from server.errors import TingqingError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Admission:
    """ASGI middleware. To refuse a WebSocket it accepts, sends the error and closes with 4403: browsers cannot read a
    refused upgrade.
    """

    def __init__(self, app: ASGIApp, *, outside: Outside) -> None:
        self._app = app
        self._outside = outside

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
        self._outside.check_host(host, keyed=await services.gate.keyed())
        if with_origin:
            self._outside.check_origin(headers.getlist("origin"), host)
