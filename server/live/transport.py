"""The socket as the live shell needs it. ``server.api`` wraps Starlette's; tests bring their own."""

from typing import Protocol


class Disconnected(Exception):  # noqa: N818 - it is news, no fault
    """The peer is gone. ``code``: of its close frame; 1005 without one, 1006 if the connection broke."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def size_of(message: str | bytes) -> int:
    """Bytes on the wire, without framing."""
    return len(message) if isinstance(message, bytes) else len(message.encode(errors="replace"))


class Transport(Protocol):
    """One accepted WebSocket. ``receive`` is called by one task, ``send_text`` and ``close`` by one other."""

    async def receive(self) -> str | bytes:
        """The next message: text or binary. Raises Disconnected."""
        ...

    async def send_text(self, text: str) -> None:
        """Waits while the peer does not read. Raises Disconnected."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close; no error if the connection is already gone."""
        ...
