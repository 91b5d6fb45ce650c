"""Who may use this server: Host and Origin are checked before anything else. ``server.access.origins`` has the rules.

The same-origin policy does not cover WebSockets, and ``POST`` needs no preflight where it is plain.
"""

import logging

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.access.origins import Outside
from server.api.prefix import path_within
from server.api.problems import problem_of
from server.api.requests import PROBES
from server.api.services import Services
from server.api.sockets import refuse
from server.api.wrong_host import page_of
from server.errors import ForbiddenError, TingqingError

logger = logging.getLogger(__name__)

TOLD_AT_MOST = 100
"""Names that are logged, each once: whoever invents names must not fill the log."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class OutsideCheck:
    """ASGI middleware. To refuse a WebSocket it accepts, sends the error and closes with 4403: browsers cannot read a
    refused upgrade.
    """

    def __init__(self, app: ASGIApp, *, outside: Outside) -> None:
        self._app = app
        self._outside = outside
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point; refused requests are answered here and never reach the application."""
        if (
            scope["type"] == "http" and path_within(scope) not in PROBES
        ):  # probes use the IP address, and reveal nothing about patients
            try:
                await self._check(scope, with_origin=scope["method"] not in SAFE_METHODS)
            except TingqingError as error:
                answer = page_of(error, scope) if error.param == "host" else None
                await (answer or problem_of(error))(scope, receive, send)
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
        keyed = await services.gate.keyed()
        try:
            self._outside.check_host(host, keyed=keyed)
        except ForbiddenError as error:
            self._tell(host[:TOLD_AT_MOST], error)
            raise
        if with_origin:
            secure = scope["scheme"] in ("https", "wss")
            self._outside.check_origin(headers.getlist("origin"), host, secure=secure)

    def _tell(self, host: str, error: ForbiddenError) -> None:
        if host not in self._told and len(self._told) < TOLD_AT_MOST:
            self._told.add(host)
            logger.warning("refused a request for the host %r. %s", host, error.message)
