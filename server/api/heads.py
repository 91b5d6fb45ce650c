"""Limits how long the head of an HTTP request may take: uvicorn waits for ever. h11 limits its size (64 KiB)."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from server.access.crowd import Crowd, Peer, Standing
from server.api.requests import SECURITY_HEADERS
from server.api.socket_protocol import SocketProtocol

LINE_MARGIN = 32
"""Bytes of a line of the head besides the name and value of a header, or the target."""

HEAD_S = 20.0
"""Seconds for the whole head, and for the rest of a body whose request was answered early."""

REFUSED_HEAD_S = 2.0
"""Seconds for the head on a connection beyond the limit of its address: only to be told so."""


def refusal_of_handshake(target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Status and sentence for the handshake of a WebSocket that the WebSocket library would leave without an answer,
    on a connection that nobody closes."""
    given = list(headers)
    lines = [len(target), *(len(name) + len(value) for name, value in given)]
    if len(given) > MAX_NUM_HEADERS or max(lines) > MAX_LINE_LENGTH - LINE_MARGIN:
        longest = MAX_LINE_LENGTH - LINE_MARGIN
        return (
            431,
            f"A handshake has at most {MAX_NUM_HEADERS} headers of {longest} bytes each, cookies included.",
        )
    sizes = [value for name, value in given if name.lower() == b"content-length"]
    if any(size != b"0" for size in sizes) or any(name.lower() == b"transfer-encoding" for name, _ in given):
        return 400, "A handshake has no body."
    return None


class PromptHeadProtocol(H11Protocol):
    """One connection. A client that sends a head too slowly is cut off: slow heads would hold connections for ever.

    The handshake of a WebSocket is such a head. Bodies are limited where they are read: ``server.api.uploads``.
    """

    head_s = HEAD_S

    def __init__(self, *args: Any, crowd: Crowd | None = None, **kwargs: Any) -> None:
        """``crowd``: where the connection is counted; ``None``: nowhere."""
        super().__init__(*args, **kwargs)
        self._crowd = crowd
        self._counted: Peer | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the signature of uvicorn
        """Start the deadline of the first head. Of an address that has too many connections, drop it."""
        super().connection_made(transport)
        standing = Standing.WELCOME
        if self._crowd is not None and self.client is not None:
            standing = self._crowd.connect(self.client)
            self._counted = self.client
        if standing is Standing.DROPPED:
            transport.abort()
            return
        self._expect_head(REFUSED_HEAD_S if standing is Standing.REFUSED else self.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._cancel()
        super().connection_lost(exc)
        self._leave()

    def _leave(self) -> None:
        if self._crowd is not None and self._counted is not None:
            self._crowd.disconnect(self._counted)
            self._counted = None

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The head is complete; a WebSocket has its own deadlines from here."""
        self._cancel()
        if (refusal := refusal_of_handshake(event.target, event.headers)) is not None:
            self._refuse(*refusal)
            return
        super().handle_websocket_upgrade(event)
        socket = self.transport.get_protocol()
        assert isinstance(socket, SocketProtocol)
        socket.on_lost = self._leave

    def send_400_response(self, msg: str) -> None:
        """A head that cannot be read never reaches what gives other answers their headers."""
        self._refuse(400, msg)

    def _refuse(self, status: int, why: str) -> None:
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close"), *SECURITY_HEADERS.items()]
        response = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
        for part in (response, h11.Data(data=why.encode()), h11.EndOfMessage()):
            self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Start the deadline of the next head of a kept-alive connection."""
        super().on_response_complete()
        self._expect_head()

    def _expect_head(self, within_s: float | None = None) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(self.head_s if within_s is None else within_s, self._late)

    def _late(self) -> None:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        answering = cycle is not None and not cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.close()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
