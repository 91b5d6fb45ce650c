"""One WebSocket of uvicorn's, with a budget for frames that bring nothing.

A message waits until the one before it was taken, and so slows its sender alone. Pings, pongs and pieces of a message
wait for nothing: without a budget one socket would keep the event loop busy, and empty pieces would fill the memory.
"""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from server.access.buckets import Bucket
from server.errors import TooManyFaultsError

FRAMES = 1_000
FRAMES_PER_S = 100.0
"""Of frames that count: so many at once, then so many per second."""

PIECE_BYTES = 1_024
"""A smaller piece of a message counts."""

CHUNK_BYTES = 16
"""A smaller binary message counts: 1 ms of 8 kHz, 16-bit audio."""

TOO_MANY = "Too many frames that bring nothing: pings, tiny pieces or tiny messages."


class SocketProtocol(WebSocketsSansIOProtocol):
    """Counts for its address until its connection is closed: then ``on_lost`` is called.

    A peer beyond its budget is closed with 4400 at once; what else it sent is discarded.
    """

    on_lost: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As uvicorn's."""
        super().__init__(*args, **kwargs)
        self._budget = Bucket(FRAMES, FRAMES_PER_S, self.loop.time())
        self._spent = False

    def connection_lost(self, exc: Exception | None) -> None:
        """As in uvicorn; then ``on_lost`` is called."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def handle_ping(self) -> None:
        """The library answers a ping itself."""
        if self._afford():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Asked for or not."""
        if self._afford():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """A further piece of a message."""
        if len(event.data) >= PIECE_BYTES or self._afford():
            super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        """Control, or its first piece: nobody has much to say."""
        if self._afford():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Audio, or its first piece."""
        least = CHUNK_BYTES if event.fin else PIECE_BYTES
        if len(event.data) >= least or self._afford():
            super().handle_bytes(event)

    def _afford(self) -> bool:
        """Whether one more frame is within the budget; the first beyond it closes the socket."""
        if self._spent:
            return False
        now = self.loop.time()
        self._spent = self._budget.wait_s(now) > 0
        self._budget.take(now)
        if self._spent:
            self.conn.fail(TooManyFaultsError.close_code, TOO_MANY)
            if self.conn.close_sent is None:  # not open yet: nothing can be said
                self.transport.close()
            else:
                self.handle_parser_exception()
        return not self._spent
