"""A robot of WeCom: takes messages as the real one does, refuses what it is told to, and keeps what was said.

Fake, because the real one writes into somebody's group and counts twenty messages a minute.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
"""The one in WeCom's own documentation."""


@dataclass
class Robot:
    """``errcodes``: of the next answers, one after the other; then 0. ``said``: what the group reads. ``asked``: how
    many requests came."""

    port: int
    errcodes: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/webhook/send?key={KEY}"

    def errcode_of(self, path: str, message: object) -> int:
        """As the documentation of the robot has it: 93000 for a wrong key, 40058 for a message that is none."""
        self.asked += 1
        address = urlsplit(path)
        if address.path != "/cgi-bin/webhook/send" or parse_qs(address.query).get("key") != [KEY]:
            return 93000
        if self.errcodes:
            return self.errcodes.pop(0)
        match message:
            case {"msgtype": "text", "text": {"content": str(text)}} if len(text.encode()) <= 2048:
                self.said.append(text)
                return 0
            case _:
                return 40058


@contextmanager
def talking() -> Iterator[Robot]:
    """On a free port of this machine, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            errcode = robot.errcode_of(self.path, message)
            answer = json.dumps({"errcode": errcode, "errmsg": "ok" if errcode == 0 else "refused"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    robot = Robot(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield robot
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
