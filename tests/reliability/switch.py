"""A proxy in one process of the tests: bytes of each connection go to the server that is current when it opens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class Switch:
    """``port``: of the server to which new connections go; ``None``: they are closed unanswered.

    ``hold``: bytes of a connection that are passed on to the server at most; the rest stays here, as on a line that is
    about to break. Those of later connections are not held after ``release``.
    """

    def __init__(self, port: int | None, hold: int | None = None) -> None:
        self.port = port
        self.opened = 0
        self.address = 0
        self._hold = hold

    def release(self) -> None:
        """Hold nothing of connections that open from now on."""
        self._hold = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Switch"]:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.address = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        port, hold = self.port, self._hold
        try:
            if port is not None:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await _first(_copy(reader, up_writer, hold), _copy(up_reader, writer, None))
                finally:
                    up_writer.transport.abort()
        except OSError:
            pass
        finally:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: int | None) -> None:
    """Until ``reader`` ends. More than ``room`` bytes are read and kept back."""
    with contextlib.suppress(OSError):
        while data := await reader.read(64 * 1024):
            passed = data if room is None else data[:room]
            if room is not None:
                room -= len(passed)
            writer.write(passed)
            await writer.drain()


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
