"""One socket of a peer that says anything, and what must be true of every answer."""

import contextlib
import json
import logging
import re
import socket as sockets
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from server.wire.schema import schema_document
from tests.api.client import PROTOCOL

DEADLINE_S = 60.0
"""For one answer, however busy the machine. What takes longer hangs."""

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
CLOSE_CODES = {int(code) for code in re.findall(r"^\| (\d{4}) \|", PAGE, re.MULTILINE)}
ERROR_CODES = set(re.findall(r"^\| `(\w+)` \| \w+ \|", PAGE, re.MULTILINE))


def _validators() -> dict[str, Draft202012Validator]:
    """Of the published schema, one for each type of message: ``oneOf`` would try them all."""
    document = schema_document("server")
    found = {}
    for name in (one["$ref"].rpartition("/")[2] for one in document["oneOf"]):
        kind = document["$defs"][name]["properties"]["type"]["const"]
        found[kind] = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": document["$defs"]})
    return found


VALIDATORS = _validators()


def known(text: str | bytes) -> dict[str, Any]:
    """The message, which the protocol has in this form."""
    assert isinstance(text, str), "the server sends no binary message"
    message: dict[str, Any] = json.loads(text)
    VALIDATORS[message["type"]].validate(message)
    if message["type"] == "error":
        assert message["error"]["code"] in ERROR_CODES
    return message


class Log(logging.Handler):
    """What the server, which runs in this process, calls an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


class Line:
    """A socket to ``url`` with a key or a token. ``closed``: the code, once it is known."""

    def __init__(self, url: str, *, key: str | None = None, token: str | None = None) -> None:
        self.started: dict[str, Any] | None = None
        self.closed: int | None = None
        offered = [PROTOCOL] if token is None else [PROTOCOL, Subprotocol(f"bearer.{token}")]
        self._stack = contextlib.ExitStack()
        opening = connect(
            url,
            subprotocols=offered,
            additional_headers={} if key is None else {"Authorization": f"Bearer {key}"},
            compression=None,
            proxy=None,
            open_timeout=DEADLINE_S,
            close_timeout=DEADLINE_S,
            ping_interval=None,
            max_size=None,
            max_queue=None,
        )
        self._socket: ClientConnection = self._stack.enter_context(opening)

    def say(self, *messages: str | bytes) -> None:
        """Send, see that the server still answers, and read what it said so far."""
        with self._until_closed():
            for message in messages:
                self._socket.send(message)
            assert self._socket.ping(ack_on_close=True).wait(DEADLINE_S), "no answer to a ping"
            with contextlib.suppress(TimeoutError):
                while True:
                    self._take(self._socket.recv(timeout=0))

    def say_in_pieces(self, text: str, cut: int) -> None:
        """One text message, in two frames."""
        with self._until_closed():
            self._socket.send([text[:cut], text[cut:]])
        self.say()

    def begin(self, first: str | bytes) -> None:
        """The first message is answered, whatever it is."""
        with self._until_closed():
            self._socket.send(first)
            while self.started is None:
                self._take(self._socket.recv(timeout=DEADLINE_S))

    def finish(self, ended: Callable[[], bool]) -> None:
        """A session that is asked to end does, and the socket closes. ``ended``: whether it takes for ever."""
        with self._until_closed():
            self._socket.send('{"type":"session.end"}')
            while not ended():
                self._take(self._socket.recv(timeout=DEADLINE_S))

    def close(self) -> None:
        self._stack.close()

    def reset(self) -> None:
        """The line is gone, without a word."""
        self._socket.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self._socket.socket.shutdown(sockets.SHUT_RDWR)
        self.close()

    @contextlib.contextmanager
    def _until_closed(self) -> Iterator[None]:
        try:
            yield
        except ConnectionClosed as error:
            self.closed = error.rcvd.code if error.rcvd is not None else 1006
            assert self.closed in CLOSE_CODES, f"closed with {self.closed}"

    def _take(self, text: str | bytes) -> None:
        message = known(text)
        if message["type"] == "session.started":
            self.started = message
