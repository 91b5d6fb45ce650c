"""Refuses the requests and sockets of an address that has too much open. ``server.access.crowd`` has the rules."""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.access.crowd import Crowd
from server.api.problems import problem_of
from server.api.sockets import refuse
from server.errors import CapacityError


class CrowdCheck:
    """ASGI middleware, inside of what tells the client of a proxy. A refused connection is closed after its answer."""

    def __init__(self, app: ASGIApp, *, crowd: Crowd) -> None:
        self._app = app
        self._crowd = crowd

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        client = scope.get("client")
        if scope["type"] not in ("http", "websocket") or client is None:
            await self._app(scope, receive, send)
            return
        admitted = False
        try:
            with self._crowd.inside((client[0], client[1])):
                admitted = True
                await self._app(scope, receive, send)
        except CapacityError as error:
            if admitted:
                raise
            if scope["type"] == "websocket":
                await refuse(WebSocket(scope, receive, send), error)
                return
            answer = problem_of(error)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
