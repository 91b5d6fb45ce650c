"""A patient's client that a test moves step by step, over a real socket."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tools.results_apart import apart

RATE = 16_000
CHUNK = 2 * RATE // 10


def start_message(**fields: Any) -> dict[str, Any]:
    audio = {"encoding": "pcm_s16le", "sample_rate": RATE}
    return {"type": "session.start", "audio": audio, "pace": "fast", "capture": {"source": "file"}} | fields


class Caller:
    """Says ``pcm`` (s16le, 16 kHz) in one session over as many sockets as it takes. ``messages``: all that came."""

    def __init__(self, pcm: bytes, **fields: Any) -> None:
        self._pcm = pcm
        self._fields = fields
        self._socket: ClientConnection | None = None
        self._sent = 0
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.messages: list[dict[str, Any]] = []
        self.started: dict[str, Any] | None = None
        self.close_code: int | None = None

    async def connect(self, url: str, *, within_s: float = 30.0, **how: Any) -> dict[str, Any]:
        """``session.started`` of a new session, or of the same one over a new socket. ``how``: of the connection."""
        fields = self._fields
        if self.started is not None:
            fields = fields | {"resume": {key: self.started[key] for key in ("session_id", "resume_token")}}
        socket = await connect(url, compression=None, max_size=None, open_timeout=within_s, ping_interval=None, **how)
        self._socket, self.close_code = socket, None
        await socket.send(json.dumps(start_message(**fields)))
        at = len(self.messages)
        self._reading = asyncio.create_task(self._read(socket))
        self.started = await self.expect("session.started", since=at)
        self._sent = 2 * self.started["next_sample"]
        return self.started

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self.messages.append(json.loads(text))
                self._news.set()
        except ConnectionClosed:
            pass
        self.close_code = socket.close_code
        self._news.set()

    async def expect(self, kind: str, *, since: int = 0, within_s: float = 60.0) -> dict[str, Any]:
        """The first message of ``kind`` from index ``since`` on, once it is there."""
        async with asyncio.timeout(within_s):
            while not (found := [one for one in self.messages[since:] if one["type"] == kind]):
                assert self.close_code is None, f"closed {self.close_code} before {kind}: {self.messages[-2:]}"
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def closed(self, *, within_s: float = 60.0) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(within_s):
            while self.close_code is None:
                self._news.clear()
                await self._news.wait()
        return self.close_code

    async def say_until(self, end_s: float) -> None:
        """Send what comes before ``end_s``, acknowledged or not."""
        assert self._socket is not None
        while self._sent < min(round(end_s * RATE) * 2, len(self._pcm)):
            await self._socket.send(self._pcm[self._sent : self._sent + CHUNK])
            self._sent += CHUNK

    async def hand_over(self, text: str, start_s: float, name: str = "1") -> None:
        """A final segment of a transcript, over the patient's socket."""
        assert self._socket is not None
        segment = {"id": name, "text": text, "start_s": start_s, "end_s": start_s + 1.0, "final": True}
        await self._socket.send(json.dumps({"type": "transcript", "segments": [segment]}))

    async def judged_until(self, end_s: float) -> None:
        """Send what comes before ``end_s``, and wait for the update of the window that ends there."""
        await self.say_until(end_s)
        async with asyncio.timeout(60):
            while not any(update["window"]["end_s"] >= end_s for update in self.got("quality.update")):
                assert self.close_code is None, self.messages[-2:]
                self._news.clear()
                await self._news.wait()

    async def result(self) -> dict[str, Any]:
        """Send the rest; the result."""
        assert self._socket is not None
        await self.say_until(len(self._pcm) / 2 / RATE)
        await self._socket.send('{"type":"session.end"}')
        result: dict[str, Any] = (await self.expect("session.ended"))["result"]
        await self.closed()
        return result

    def got(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def vanish(self) -> None:
        """Without a close frame, as where the power goes."""
        assert self._socket is not None
        assert self._reading is not None
        self._socket.transport.abort()
        await self._reading


def same(one: Any, other: Any) -> bool:
    """Equal but for the session's id, numbers to 1e-6."""
    return apart(one, other) <= 1e-6
