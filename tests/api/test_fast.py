"""``pace=fast`` with the real client and a real server: broken lines, and clients that mind nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from websockets.asyncio.client import connect

from server.client.pcm_source import PcmSource
from server.client.stream_client import Lost, StreamClient
from server.wire.client import SessionStart
from tests.api.client import start
from tests.api.conftest import Served

RATE = 16_000
SECONDS = 30


def recording(path: Path) -> Path:
    samples = np.random.default_rng(1).standard_normal(SECONDS * RATE) * 0.03
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path


class CuttingProxy:
    """Cuts the first line after ``after`` bytes of the client."""

    def __init__(self, port: int, after: int) -> None:
        self._port = port
        self._left: int | None = after

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        down = asyncio.create_task(self._pass(up_reader, writer))
        while data := await reader.read(4096):
            up_writer.write(data)
            await up_writer.drain()
            if self._left is not None:
                self._left -= len(data)
                if self._left < 0:
                    self._left = None
                    break
        for one in (writer, up_writer):
            one.transport.abort()
        down.cancel()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()


async def test_a_fast_stream_whose_line_breaks_goes_on_to_its_end(served: Served, tmp_path: Path) -> None:
    proxy = CuttingProxy(served.port, after=12 * 2 * RATE)
    lost: list[Lost] = []
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with PcmSource(recording(tmp_path / "visit.wav"), 100) as source:
            audio = {"encoding": source.audio.encoding.value, "sample_rate": RATE}
            begin = {"type": "session.start", "pace": "fast", "audio": audio, "capture": {"source": "file"}}
            client = StreamClient(
                f"ws://127.0.0.1:{port}/v1/stream",
                SessionStart.model_validate(begin),
                source,
                lambda _text, _message: None,
                lost.append,
            )
            ended = await client.run()
    assert len(lost) == 1
    assert ended.reason == "client"
    assert len(ended.result.windows) == SECONDS - 2
    assert ended.result.source.duration_s == SECONDS


async def test_a_fast_stream_that_minds_no_acknowledgement_finishes(served: Served) -> None:
    second = (np.random.default_rng(1).standard_normal(RATE // 2) * 900).astype("<i2").tobytes()
    messages: list[dict[str, Any]] = []
    async with connect(f"{served.ws}/v1/stream", max_size=None, compression=None, ping_interval=None) as line:
        await line.send(start())

        async def listen() -> None:
            messages.extend([json.loads(text) async for text in line])

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            for _ in range(2 * SECONDS):
                await line.send(second)
            await line.send('{"type":"session.end"}')
    assert messages[-1]["type"] == "session.ended"
    assert len(messages[-1]["result"]["windows"]) == SECONDS - 2
    assert line.close_code == 1000


def test_the_server_waits_for_no_pong(served: Served) -> None:
    assert served.server.config.ws_ping_timeout is None
    assert served.server.config.ws_ping_interval, "proxies close a socket on which nothing is said"
