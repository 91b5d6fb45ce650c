"""Gives every request and socket an id and a log line, and every response security headers."""

import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.problems import bug
from server.logs import request_id

logger = logging.getLogger("server.access")

PROBES = frozenset({"/healthz", "/readyz"})
"""Requested every few seconds: at INFO they would drown the other log lines."""

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Requests:
    """The outermost ASGI middleware. A caller's own id is kept if it is short and plain.

    The log names the route, never the actual path: a path may hold a session's id, and anyone who knows that id can
    observe. A bug is logged here, under the request's id, and answered with a problem or close code 1011.
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str] = ()) -> None:
        """``origins``: of other pages that may show ours in a frame."""
        self._app = app
        self._headers = {
            **SECURITY_HEADERS,
            "Content-Security-Policy": " ".join([CONTENT_SECURITY_POLICY, *sorted(origins)]),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point; sets the request's id for everything that is logged meanwhile."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        token = request_id.set(given if GIVEN.fullmatch(given) else secrets.token_hex(8))
        method = scope.get("method", "WS")
        if method == "HEAD":  # answered like GET; the HTTP server leaves out the body
            scope = {**scope, "method": "GET"}
        began = time.monotonic()
        marked = _Marked(send, self._headers)
        try:
            await self._app(scope, receive, marked.send)
        except Exception:
            logger.exception("unexpected error")
            await marked.answer_bug(scope, receive)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            took_ms = (time.monotonic() - began) * 1000
            level = logging.DEBUG if route in PROBES else logging.INFO
            logger.log(level, "%s %s %s %.0f ms", method, route, marked.status, took_ms)
            request_id.reset(token)


class _Marked:
    """``send`` that adds the common headers and remembers the status."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status: int | None = None
        self._open = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[HEADER] = request_id.get()
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        elif message["type"] == "websocket.accept":
            self._open = True
        elif message["type"] == "websocket.close":
            self.status = message.get("code", 1000)
        await self._send(message)

    async def answer_bug(self, scope: Scope, receive: Receive) -> None:
        """Answer, unless something was already answered; a peer that has gone is not a second error."""
        if self.status is not None:
            return
        try:
            if scope["type"] == "http":
                await bug()(scope, receive, self.send)
            elif self._open:
                await self.send({"type": "websocket.close", "code": 1011, "reason": "internal"})
        except (OSError, RuntimeError):
            return
