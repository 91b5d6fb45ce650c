"""Limits how long the head of an HTTP request may take: uvicorn waits for ever. h11 limits its size (64 KiB)."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 20.0
"""Seconds for the whole head, and for the rest of a body whose request was answered early."""


class PromptHeadProtocol(H11Protocol):
    """One connection. A client that sends a head too slowly is cut off: slow heads would hold connections for ever.

    The handshake of a WebSocket is such a head. Bodies are limited where they are read: ``server.api.uploads``.
    """

    head_s = HEAD_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # the signature of uvicorn
        """Start the deadline of the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        self._cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The head is complete; a WebSocket has its own deadlines from here."""
        self._cancel()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Start the deadline of the next head of a kept-alive connection."""
        super().on_response_complete()
        self._expect_head()

    def _expect_head(self) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(self.head_s, self._late)

    def _late(self) -> None:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        answering = cycle is not None and not cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.close()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
