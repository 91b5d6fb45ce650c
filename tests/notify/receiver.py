"""A real receiver of webhooks: an HTTP server in a thread, which answers as it is told and keeps what came."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

WITHIN_S = 60.0


@dataclass
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    text: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.text)
        return body

    @property
    def type(self) -> str:
        return str(self.body["type"])

    def signed_with(self, secret: str) -> bool:
        """Raises WebhookVerificationError if not."""
        Webhook(secret).verify(self.text, self.headers)
        return True


@dataclass
class Receiver:
    """``answers``: of the next requests, one after the other; then 204. ``hold``: cleared, no request is answered."""

    port: int
    came: list[Came] = field(default_factory=list)
    answers: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def wait(self, done: Callable[[list[Came]], bool], within_s: float = WITHIN_S) -> list[Came]:
        """All that came, once ``done`` says so of it."""
        with self.news:
            assert self.news.wait_for(lambda: done(self.came), within_s), [(one.type, one.id) for one in self.came]
            return list(self.came)

    def taken(self, request: Came) -> tuple[int, dict[str, str]]:
        with self.news:
            self.came.append(request)
            answer = self.answers.pop(0) if self.answers else 204
            self.news.notify_all()
        return answer if isinstance(answer, tuple) else (answer, {})


@contextmanager
def receiving() -> Iterator[Receiver]:
    """On a free port of this machine, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            status, headers = receiver.taken(Came(self.path, {k.lower(): v for k, v in self.headers.items()}, text))
            receiver.hold.wait(WITHIN_S)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                return  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    receiver.hold.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
