"""Messages on a Unix socket between two workers: one byte of kind, four of length, then so many bytes."""

import asyncio
import json
import struct
from enum import IntEnum
from pathlib import Path
from typing import Any

HEAD = struct.Struct("<BI")
MAX_BYTES = 256 * 1024 * 1024
"""Beyond any result of a session."""

HIGH_BYTES = 64 * 1024
SEND_S = 10.0


class LineBrokenError(Exception):
    """The other worker is gone, or takes nothing."""


class Kind(IntEnum):
    """``HEAD``: JSON, what is asked; and its answer. ``TEXT``, ``BINARY``: a message of a socket. ``CLOSE``: the code
    and reason with which to close it. ``SENT``: the peer's socket took the last text or close. ``TAKEN``: so many
    messages of the peer were taken. ``GONE``: the code with which the peer left."""

    HEAD = 1
    TEXT = 2
    BINARY = 3
    CLOSE = 4
    SENT = 5
    TAKEN = 6
    GONE = 7


class Line:
    """One connection. Any task may send; one receives. Everything raises LineBrokenError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=HIGH_BYTES)

    async def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Waits while the other side does not read, ``SEND_S`` at most."""
        try:
            async with asyncio.timeout(SEND_S):
                self._writer.write(HEAD.pack(kind, len(payload)) + payload)
                await self._writer.drain()
        except (OSError, RuntimeError, TimeoutError):
            raise LineBrokenError from None

    async def send_json(self, kind: Kind, value: Any) -> None:
        """The same, of a JSON value."""
        await self.send(kind, json.dumps(value).encode())

    async def receive(self) -> tuple[Kind, bytes]:
        """The next message; the caller has the deadline."""
        try:
            kind, size = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            if size > MAX_BYTES:
                raise LineBrokenError
            return Kind(kind), await self._reader.readexactly(size)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            raise LineBrokenError from None

    async def receive_json(self) -> Any:
        """The next message, a JSON value."""
        _, payload = await self.receive()
        try:
            return json.loads(payload)
        except ValueError:
            raise LineBrokenError from None

    def close(self) -> None:
        """What was sent is still delivered; nothing is awaited."""
        self._writer.close()


async def connect(path: Path) -> Line:
    """Raises LineBrokenError if nobody listens there."""
    try:
        return Line(*await asyncio.open_unix_connection(path))
    except OSError:
        raise LineBrokenError from None
