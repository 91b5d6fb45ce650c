"""A TCP proxy whose lines break in the ways in which real ones do, at the byte where its owner wants it.

TCP keeps the order of bytes, so a proxy cannot reorder them: it can only cut, delay, stall, split and gather them, or
swallow them while both ends believe that the line stands. Messages in a wrong order are a matter of who sends them.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

BLOCK = 64 * 1024
QUEUED = 64
"""Blocks on the way in one direction; then the proxy reads no more, as a full router does."""

GATHER_S = 0.05
BYTE_EVERY_S = 1.0
NARROW = 4096
"""Bytes that the kernel takes from a server for a proxy that does not read, so that it is soon noticed."""


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a connection. Bytes are counted from its beginning.

    ``cut_at``: after so many, the connection is reset in both directions; what was read beyond them is lost.
    ``silent_at``: after so many, nothing passes in either direction any more, and nobody is told (half-open).
    ``deaf_at``: after so many, nothing is read from who sends. ``stall_at``, ``stall_s``: then nothing passes for so
    long, and nothing is lost. ``slow_from``: from then on one byte passes every ``BYTE_EVERY_S``. ``delay_s``: of each
    byte. ``piece``: bytes that are passed on at once, at most. ``gather``: bytes that are collected before they are
    passed on, for ``GATHER_S`` at most.
    """

    cut_at: int | None = None
    silent_at: int | None = None
    deaf_at: int | None = None
    stall_at: int | None = None
    stall_s: float = 0.0
    slow_from: int | None = None
    delay_s: float = 0.0
    piece: int = BLOCK
    gather: int = 0


CLEAN = Way()


@dataclass(frozen=True, slots=True)
class Line:
    """``up``: from the client to the server."""

    up: Way = CLEAN
    down: Way = CLEAN


def satellite(delay_s: float) -> Line:
    """``delay_s`` from one end to the other and back."""
    return Line(Way(delay_s=delay_s / 2), Way(delay_s=delay_s / 2))


class LineCutError(Exception):
    """The line breaks here."""


class Mark(Enum):
    """What follows the bytes of one direction."""

    CUT = "cut"
    SILENT = "silent"
    SLOW = "slow"
    END = "end"


Queue = asyncio.Queue[tuple[float, bytes | Mark]]
"""Each with the moment at which it is due at the other end."""


@dataclass(eq=False)
class _Connection:
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    silent: asyncio.Event = field(default_factory=asyncio.Event)


class FaultProxy:
    """``port``: of the server to which new connections go; ``None``: they are reset unanswered. ``plan`` is asked for
    each connection; both may be changed at any time.

    ``address``: the port on which it listens. ``opened``, ``broken``: connections, and those that were cut or fell
    silent.
    """

    def __init__(self, port: int | None, plan: Callable[[], Line] = Line) -> None:
        self.port = port
        self.plan = plan
        self.address = 0
        self.opened = 0
        self.broken = 0
        self._connections: set[_Connection] = set()

    @property
    def standing(self) -> int:
        """Connections that stand, silent ones too."""
        return len(self._connections)

    def cut(self) -> None:
        """Reset every connection that stands."""
        for connection in self._connections:
            connection.broken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            while self._connections:  # noqa: ASYNC110 - their tasks belong to the server, which tells of no end
                await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        line, port = self.plan(), self.port
        if port is None:
            _reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(sock=await _connected(port, line))
        except OSError:
            _reset(writer)
            return
        connection = _Connection()
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as group:
                breaking = group.create_task(_break(connection))
                ways = (
                    _carry(reader, up_writer, line.up, connection),
                    _carry(up_reader, writer, line.down, connection),
                )
                carrying = [group.create_task(way) for way in ways]
                await asyncio.wait(carrying)
                breaking.cancel()
        except* LineCutError:
            self.broken += 1
        except* OSError:
            pass  # one end is gone: so is the other
        finally:
            self._connections.discard(connection)
            self.broken += connection.silent.is_set()
            _reset(writer)
            _reset(up_writer)


async def _connected(port: int, line: Line) -> socket.socket:
    up = socket.socket()
    try:
        up.setblocking(False)
        if line.down.deaf_at is not None:
            up.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
        await asyncio.get_running_loop().sock_connect(up, ("127.0.0.1", port))
    except BaseException:
        up.close()
        raise
    return up


async def _break(connection: _Connection) -> None:
    await connection.broken.wait()
    raise LineCutError


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way, connection: _Connection) -> None:
    """Until ``reader`` ends. Raises LineCutError, OSError."""
    on_the_way: Queue = asyncio.Queue(QUEUED)
    async with asyncio.TaskGroup() as group:
        group.create_task(_take(reader, way, on_the_way))
        group.create_task(_give(writer, way, connection, on_the_way))


async def _take(reader: asyncio.StreamReader, way: Way, on_the_way: Queue) -> None:
    passed = 0
    marks = (way.cut_at, way.silent_at, way.deaf_at, way.stall_at, way.slow_from)
    edges = sorted(at for at in marks if at is not None)
    while True:
        data = await reader.read(next((at - passed for at in edges if at > passed), BLOCK))
        passed += len(data)
        due = asyncio.get_running_loop().time() + way.delay_s
        await on_the_way.put((due, data or Mark.END))
        if not data:
            return
        if passed == way.slow_from:
            await on_the_way.put((due, Mark.SLOW))
        elif passed == way.stall_at:
            await asyncio.sleep(way.stall_s)
        elif passed == way.deaf_at:
            await asyncio.Event().wait()
        elif passed == way.silent_at:
            await on_the_way.put((due, Mark.SILENT))
        elif passed == way.cut_at:
            await on_the_way.put((due, Mark.CUT))
            return


async def _give(writer: asyncio.StreamWriter, way: Way, connection: _Connection, on_the_way: Queue) -> None:
    piece, pause_s = way.piece, 0.0
    while True:
        data, mark = await _arrived(on_the_way, way.gather)
        for at in range(0, 0 if connection.silent.is_set() else len(data), piece):
            writer.write(data[at : at + piece])
            await writer.drain()
            await asyncio.sleep(pause_s)
        match mark:
            case Mark.SLOW:
                piece, pause_s = 1, BYTE_EVERY_S
            case Mark.SILENT:
                connection.silent.set()
            case Mark.CUT:
                raise LineCutError
            case Mark.END:  # an end that gives up leaves the other in the belief that a silent line stands
                if not connection.silent.is_set():
                    writer.write_eof()
                return


async def _arrived(on_the_way: Queue, gather: int) -> "tuple[bytes, Mark | None]":
    """What is due, at least ``gather`` bytes if they come in time, and what follows it."""
    found = b""
    with contextlib.suppress(TimeoutError):
        while len(found) < max(1, gather):
            async with asyncio.timeout(GATHER_S if found else None):
                due, data = await on_the_way.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if isinstance(data, Mark):
                return found, data
            found += data
    return found, None


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN, whatever waits."""
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
