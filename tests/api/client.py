"""What the tests send and read."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("tingqing.v1")

# As ``httpx.get`` and its like, a connection for each request, but the certificates of the system are read once, and
# a server that shares its cores with others has more than five seconds.
http = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))


def start(rate: int = 16_000, pace: str = "fast", **fields: Any) -> str:
    message = {
        "type": "session.start",
        "audio": {"encoding": "pcm_s16le", "sample_rate": rate},
        "pace": pace,
        "capture": {"source": "file"},
    }
    return json.dumps(message | fields)


def pcm_of(path: Path) -> tuple[bytes, int]:
    """16-bit PCM, little-endian, and its rate."""
    samples, rate = soundfile.read(path, dtype="int16")
    assert samples.ndim == 1
    return np.asarray(samples, "<i2").tobytes(), rate


async def receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await socket.recv())
    return message


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of type ``kind``; others are passed over."""
    while (message := await receive(socket))["type"] != kind:
        pass
    return message


async def faults_until_close(socket: ClientConnection) -> tuple[list[str], int]:
    """The codes of the errors that come before the close, and the close code."""
    codes: list[str] = []
    try:
        while True:
            message = await receive(socket)
            if message["type"] == "error":
                codes.append(message["error"]["code"])
    except websockets.ConnectionClosed as closed:
        return codes, closed.rcvd.code if closed.rcvd is not None else 1006


async def stream_file(url: str, path: Path, chunk: int = 6_400, **fields: Any) -> list[dict[str, Any]]:
    """All messages of a fast session over the complete file."""
    pcm, rate = pcm_of(path)
    async with connect(f"{url}/v1/stream", subprotocols=[PROTOCOL], compression=None, max_size=None) as socket:
        await socket.send(start(rate, **fields))
        messages = [await receive(socket)]
        assert messages[0]["type"] == "session.started", messages[0]
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_all(socket, pcm, chunk))
            while messages[-1]["type"] != "session.ended":
                messages.append(await receive(socket))
        await socket.wait_closed()
        assert socket.close_code == 1000
    return messages


async def _send_all(socket: ClientConnection, pcm: bytes, chunk: int) -> None:
    for at in range(0, len(pcm), chunk):
        await socket.send(pcm[at : at + chunk])
    await socket.send('{"type":"session.end"}')
