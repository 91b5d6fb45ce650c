"""Gives every request and socket an id and a log line, and every response security headers."""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.trace import NoOpTracer, Span, SpanKind, Tracer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.prefix import path_within
from server.api.problems import bug
from server.logs import LOGGED_ID, request_id, session_id, why
from server.metrics import OWN_CLOSES

logger = logging.getLogger("server.access")
NO_TRACER = NoOpTracer()

PROBES = frozenset({"/healthz", "/readyz"})
SCRAPED = PROBES | {"/metrics"}
"""Requested every few seconds: at INFO they would drown the other log lines."""

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

BROKEN = 1006
STOPPING = 1012
WHY_GONE = {
    BROKEN: "the connection broke",
    STOPPING: "the server stops",
    **dict.fromkeys((1002, 1007, 1009), "against the WebSocket protocol"),
}
MAX_SHOWN = 80
_UNUSUAL = re.compile(r"[^A-Za-z0-9._~/+=-]")
_SECRET = re.compile(r"(?=[A-Za-z_~.+=-]*[0-9])[A-Za-z0-9._~+=-]{16,}")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer that does not have its own: a browser keeps nothing unless its route says so."""

HSTS = "Strict-Transport-Security"


class Requests:
    """The outermost ASGI middleware. A caller's own id is kept if it is short and plain.

    The log names the route where there is one, else the path without what could be an id or a token: without keys,
    anyone who knows a session's id can observe. Never the query, nor words of the peer. A bug is logged here, under the
    request's id, and answered with a problem or close code 1011.
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str] = (), hsts_s: int = 0) -> None:
        """``origins``: of other pages that may show ours in a frame. ``hsts_s``: for so long browsers that came over
        HTTPS use nothing else; 0: not told."""
        self._app = app
        self._hsts = {HSTS: f"max-age={hsts_s}"} if hsts_s else {}
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
        tokens = [
            request_id.set(given if GIVEN.fullmatch(given) else secrets.token_hex(8)),
            session_id.set(""),
            why.set(""),
        ]
        if scope.get("method") == "HEAD":  # answered like GET; the HTTP server leaves out the body
            scope = {**scope, "method": "GET"}
        began = time.monotonic()
        marked = _Marked(receive, send, lambda: self._of(scope))
        with _tracer(scope).start_as_current_span("request", kind=SpanKind.SERVER, record_exception=False) as span:
            try:
                await self._app(scope, marked.receive, marked.send)
            except Exception:
                logger.exception("unexpected error")
                await marked.answer_bug(scope)
            finally:
                _trace(span, scope, marked)
                _log(scope, marked, time.monotonic() - began)
                for token, variable in zip(tokens, (request_id, session_id, why), strict=True):
                    variable.reset(token)

    def _of(self, scope: Scope) -> Mapping[str, str]:
        """The scheme is that of a proxy's client, once the proxy's headers have been read."""
        return self._headers | self._hsts if scope["scheme"] == "https" else self._headers


def _tracer(scope: Scope) -> Tracer:
    services = getattr(scope["app"].state, "services", None)
    return NO_TRACER if services is None else services.engine.tracer


def _trace(span: Span, scope: Scope, marked: "_Marked") -> None:
    """By OpenTelemetry's semantic conventions of HTTP, without what may hold an id: path, query, addresses."""
    if not span.is_recording():
        return
    route = getattr(scope.get("route"), "path", "other")
    method = "WS" if scope["type"] == "websocket" else str(scope["method"])[:16]
    span.update_name(f"{method} {route}")
    code = "websocket.close_code" if scope["type"] == "websocket" else "http.response.status_code"
    span.set_attributes({"http.route": route, "tingqing.request_id": request_id.get()})
    span.set_attributes({name: value for name, value in ((code, marked.status), *_more(marked)) if value})


def _more(marked: "_Marked") -> Iterator[tuple[str, str]]:
    yield "tingqing.session_id", session_id.get()
    yield "error.type", why.get() or marked.why


def _log(scope: Scope, marked: "_Marked", took_s: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    line = {
        "method": "WS" if scope["type"] == "websocket" else str(scope["method"])[:16],
        "path": route or shown_path(path_within(scope)),
        "status": marked.status,
        "took_ms": round(took_s * 1000),
        "peer": (scope.get("client") or ("-",))[0],
        "why": marked.why or why.get(),
    }
    _count(scope, line, route, took_s, ours=marked.ours)
    level = logging.DEBUG if route in SCRAPED else logging.INFO
    text = "%(method)s %(path)s %(status)s %(took_ms)d ms, from %(peer)s" + (": %(why)s" if line["why"] else "")
    logger.log(level, text, line, extra={"fields": line})


def _count(scope: Scope, line: Mapping[str, Any], route: str | None, took_s: float, *, ours: bool) -> None:
    services = getattr(scope["app"].state, "services", None)
    if services is None or line["status"] is None:
        return
    if scope["type"] == "http":
        services.engine.metrics.request(line["method"], route, line["status"], took_s, line["why"])
    else:
        refused = line["why"] if ours and line["status"] in OWN_CLOSES else ""
        services.engine.metrics.socket(route, line["status"], refused, ours=ours)


def shown_path(path: str) -> str:
    """A path that no route knows, as the log may have it: short, ASCII, without anything that could be an id, a token
    or a name in another alphabet."""
    plain = _UNUSUAL.sub("?", path[:MAX_SHOWN])
    return _SECRET.sub(lambda found: found[0][:LOGGED_ID] + "…", plain)


class _Marked:
    """``send`` that adds the common headers and remembers the status."""

    def __init__(self, receive: Receive, send: Send, headers: Callable[[], Mapping[str, str]]) -> None:
        self._receive = receive
        self._send = send
        self._headers = headers
        self.status: int | None = None
        self.why = ""
        self.ours = False
        """Whether we closed the socket: a code that the peer chose is counted as no answer of ours."""
        self._open = False

    async def receive(self) -> Message:
        """Of a socket that its peer closed, the status is the peer's code; closing it once more does not change it."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect" and self.status is None:
            # uvicorn says 1005 also of a connection that broke, but only a close frame has a reason.
            code = message.get("code", BROKEN)
            self.status = code if "reason" in message or code == STOPPING else BROKEN
            self.why = WHY_GONE.get(self.status, "the peer left")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[HEADER] = request_id.get()
            for name, value in self._headers().items():
                headers.setdefault(name, value)
        elif message["type"] == "websocket.accept":
            self._open = True
        elif message["type"] == "websocket.close" and self.status is None:
            self.status, self.why, self.ours = message.get("code", 1000), message.get("reason") or "", True
        await self._send(message)

    async def answer_bug(self, scope: Scope) -> None:
        """Answer, unless something was already answered; a peer that has gone is not a second error."""
        if self.status is not None:
            return
        try:
            if scope["type"] == "http":
                await bug()(scope, self.receive, self.send)
            elif self._open:
                await self.send({"type": "websocket.close", "code": 1011, "reason": "internal"})
        except (OSError, RuntimeError):
            return
