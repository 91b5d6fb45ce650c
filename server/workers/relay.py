"""A socket that came to one worker, for a session of another. Both directions are bounded by what was taken.

The worker with the socket runs ``Relay``; the one with the session sees a ``FarTransport``, which behaves as the socket
would: ``send_text`` returns once the client's socket took the text, and closes with the code that was meant.
"""

import asyncio
import json
from contextlib import suppress

from server.live.transport import Disconnected, Transport
from server.workers.frames import Kind, Line, LineBrokenError

UNTAKEN = 32
"""Messages of a client that may be on their way; then it is read no further."""

TELL_EVERY = 8
BROKEN = 1006
RESTART = 1012
"""Clients come back at once, to whichever worker then has the session."""


class Relay:
    """The side of the worker that has the socket. Use once: ``run``."""

    def __init__(self, line: Line, transport: Transport) -> None:
        self._line = line
        self._transport = transport
        self._room = asyncio.Semaphore(UNTAKEN)
        self._down: asyncio.Queue[tuple[Kind, bytes]] = asyncio.Queue()

    async def run(self, first: str | None = None) -> None:
        """Until either side is gone. ``first``: a message of the client that was received already."""
        parts = [asyncio.create_task(each) for each in (self._up(first), self._read(), self._send())]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            broken = any(isinstance(part.exception(), LineBrokenError) for part in done)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            self._line.close()
        if broken:
            await self._transport.close(RESTART, "restart")
        for part in done:
            if (error := part.exception()) is not None and not isinstance(error, (LineBrokenError, Disconnected)):
                raise error

    async def _up(self, first: str | None) -> None:
        if first is not None:
            await self._pass_on(first)
        while True:
            try:
                message = await self._transport.receive()
            except Disconnected as gone:
                await self._line.send_json(Kind.GONE, gone.code)
                return
            await self._pass_on(message)

    async def _pass_on(self, message: str | bytes) -> None:
        await self._room.acquire()
        if isinstance(message, str):
            await self._line.send(Kind.TEXT, message.encode(errors="surrogatepass"))
        else:
            await self._line.send(Kind.BINARY, message)

    async def _read(self) -> None:
        while True:
            kind, payload = await self._line.receive()
            if kind is Kind.TAKEN:
                for _ in range(json.loads(payload)):
                    self._room.release()
            else:
                self._down.put_nowait((kind, payload))  # one at a time: the other side waits until it was sent

    async def _send(self) -> None:
        while True:
            kind, payload = await self._down.get()
            if kind is Kind.CLOSE:
                code, reason = json.loads(payload)
                await self._transport.close(code, reason)
                with suppress(LineBrokenError):
                    await self._line.send(Kind.SENT)
                return
            await self._transport.send_text(payload.decode(errors="surrogatepass"))
            await self._line.send(Kind.SENT)


class FarTransport:
    """A ``server.live.transport.Transport``. ``read`` runs beside what uses it, until the line ends."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._untold = 0
        self._gone: int | None = None
        self._sent: asyncio.Future[None] | None = None

    async def read(self) -> None:
        """The only one that receives. What it takes in is bounded by ``UNTAKEN``."""
        code = BROKEN
        try:
            while True:
                kind, payload = await self._line.receive()
                if kind is Kind.GONE:
                    code = json.loads(payload)
                    return
                if kind is Kind.SENT:
                    if self._sent is not None and not self._sent.done():
                        self._sent.set_result(None)
                else:
                    text = kind is Kind.TEXT
                    self._inbox.put_nowait(payload.decode(errors="surrogatepass") if text else payload)
        except LineBrokenError:
            return
        finally:
            self._gone = code
            self._inbox.put_nowait(None)
            if self._sent is not None and not self._sent.done():
                self._sent.set_result(None)

    async def receive(self) -> str | bytes:
        """See Transport."""
        message = await self._inbox.get()
        if message is None:
            self._inbox.put_nowait(None)
            raise Disconnected(BROKEN if self._gone is None else self._gone)
        self._untold += 1
        if self._untold >= TELL_EVERY:
            told, self._untold = self._untold, 0
            with suppress(LineBrokenError):
                await self._line.send_json(Kind.TAKEN, told)
        return message

    async def send_text(self, text: str) -> None:
        """See Transport."""
        await self._deliver(Kind.TEXT, text.encode(errors="surrogatepass"))
        if self._gone is not None:
            raise Disconnected(self._gone)

    async def close(self, code: int, reason: str) -> None:
        """See Transport."""
        with suppress(Disconnected):
            await self._deliver(Kind.CLOSE, json.dumps([code, reason]).encode())

    async def _deliver(self, kind: Kind, payload: bytes) -> None:
        if self._gone is not None:
            raise Disconnected(self._gone)
        self._sent = asyncio.get_running_loop().create_future()
        try:
            await self._line.send(kind, payload)
        except LineBrokenError:
            raise Disconnected(BROKEN) from None
        await self._sent
