"""The client against a server that follows a script: refusals, lost lines, silence."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from server.client import stream_client
from server.client.pcm_source import PcmSource
from server.client.stream_client import Lost, StreamClient, stream_url
from server.errors import ClientError
from server.wire.client import SessionStart
from server.wire.server import ServerMessage, SessionEnded

RATE = 16_000
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection of the scripted server. Fake because no real server drops a line at a given sample."""

    def __init__(self, socket: ServerConnection, start: dict[str, Any]) -> None:
        self.socket = socket
        self.start = start
        self.samples: list[int] = []

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def begin(self, next_sample: int = 0) -> None:
        limits = dict.fromkeys(("max_session_s", "idle_timeout_s", "pause_timeout_s", "resume_ttl_s"), 60.0)
        await self.say(
            type="session.started",
            session_id="s",
            resume_token="t",
            next_sample=next_sample,
            config={
                "pace": self.start["pace"],
                "audio": self.start["audio"],
                "capture": self.start["capture"],
                "language": "en",
                "vad": "silero",
            },
            limits=limits | {"max_frame_bytes": 65_536},
            labels=[],
            scorers=["acoustic"],
            basic_mode=True,
        )

    async def take(self, until: int | None = None) -> bool:
        """Take and acknowledge PCM until ``until`` samples of this connection, or ``session.end`` (then True)."""
        while until is None or len(self.samples) < until:
            data = await self.socket.recv()
            if isinstance(data, str):
                return bool(json.loads(data)["type"] == "session.end")
            self.samples += np.frombuffer(data, "<i2").tolist()
            await self.say(type="audio.ack", samples=len(self.samples) + self.start.get("first", 0))
        return False

    async def refuse(self, close_code: int, **error: Any) -> None:
        body = {"type": "session", "code": "x", "message": "as the script says", "retryable": False} | error
        await self.say(type="error", error=body, request_id="r")
        await self.socket.close(close_code)

    async def end(self, reason: str = "client") -> None:
        overall = {"score": 1.0, "grade": "clear", "passed": True, "verdict": "accept", "assessed": "0 of 0"}
        result = {
            "id": "s",
            "source": {"kind": "session", "duration_s": 1.0, "speech_s": 1.0, "sample_rate": RATE},
            "overall": overall,
            "advice": {"zh": "", "en": ""},
            "measures": {},
            "labels": {},
            "model": {"scorers": [], "version": "0", "dictionary": {"name": "x", "version": "1"}},
        }
        lists = ("prompts", "unusable_spans", "not_heard", "not_assessed", "interference", "events", "windows")
        await self.say(type="session.ended", reason=reason, result=result | {name: [] for name in lists})
        await self.socket.close(1000)


class Scripted:
    """Plays one script per connection and keeps the peers."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.peers: list[Peer] = []
        self.url = ""
        self.no_server = 0
        """How many handshakes are answered as by a proxy whose server is away."""

    def _away(self, socket: ServerConnection, _request: Request) -> Response | None:
        if not self.no_server:
            return None
        self.no_server -= 1
        return socket.respond(HTTPStatus.BAD_GATEWAY, "")

    async def _connected(self, socket: ServerConnection) -> None:
        start = json.loads(await socket.recv())
        peer = Peer(socket, start)
        self.peers.append(peer)
        with contextlib.suppress(ConnectionClosed):
            await self._scripts.pop(0)(peer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Scripted"]:
        async with serve(
            self._connected,
            "127.0.0.1",
            0,
            process_request=self._away,
            compression=None,
            max_queue=None,
            close_timeout=1,
        ) as server:
            host, port = next(iter(server.sockets)).getsockname()[:2]
            self.url = f"ws://{host}:{port}/v1/stream"
            yield self


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """Eight seconds in which every sample encodes its position."""
    path = tmp_path / "ramp.wav"
    samples = (np.arange(8 * RATE) % 32_000).astype(np.int16)
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path


async def run(
    server: Scripted, path: Path, pace: str = "fast"
) -> tuple[SessionEnded | ClientError, list[ServerMessage], list[Lost]]:
    messages: list[ServerMessage] = []
    losses: list[Lost] = []
    start = SessionStart.model_validate(
        {
            "type": "session.start",
            "pace": pace,
            "audio": {"encoding": "pcm_s16le", "sample_rate": RATE},
            "capture": {"source": "file"},
        }
    )
    with PcmSource(path, 100) as source:
        client = StreamClient(server.url, start, source, lambda _, message: messages.append(message), losses.append)
        try:
            return await client.run(), messages, losses
        except ClientError as failure:
            return failure, messages, losses


async def whole(peer: Peer) -> None:
    await peer.begin()
    await peer.take()
    await peer.end()


async def test_every_sample_is_sent_once_and_in_order(ramp: Path) -> None:
    async with Scripted(whole).running() as server:
        ended, _, _ = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert server.peers[0].samples == (np.arange(8 * RATE) % 32_000).tolist()
    assert server.peers[0].start["capture"] == {"source": "file"}


async def test_fast_never_runs_far_ahead_of_the_acknowledgements(ramp: Path) -> None:
    async def silent(peer: Peer) -> None:
        await peer.begin()
        taken = 0
        with contextlib.suppress(TimeoutError):
            while True:
                # Who is only slow comes this far; then nothing more comes for as long as one looks.
                async with asyncio.timeout(60 if taken <= 3 * RATE else 0.3):
                    data = await peer.socket.recv()
                assert isinstance(data, bytes)
                taken += len(data) // 2
        assert 3 * RATE < taken <= 4 * RATE
        await peer.say(type="audio.ack", samples=taken)
        await peer.take()
        await peer.end()

    async with Scripted(silent).running() as server:
        ended, _, _ = await run(server, ramp)
    assert isinstance(ended, SessionEnded)


async def test_a_dropped_line_is_resumed_from_the_sample_asked_for(ramp: Path) -> None:
    async def drops(peer: Peer) -> None:
        await peer.begin()
        await peer.take(until=5 * RATE)
        peer.socket.transport.abort()

    async def resumes(peer: Peer) -> None:
        peer.start["first"] = 2 * RATE
        await peer.begin(next_sample=2 * RATE)
        await peer.take()
        await peer.end()

    async with Scripted(drops, resumes).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert len(losses) == 1
    assert server.peers[1].start["resume"] == {"session_id": "s", "resume_token": "t"}
    assert server.peers[1].samples == (np.arange(2 * RATE, 8 * RATE) % 32_000).tolist()


async def test_a_silent_line_counts_as_dropped(ramp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patience_s = {"fast": 0.3}
    monkeypatch.setattr(stream_client, "DEAD_LINE_S", patience_s)

    async def falls_silent(peer: Peer) -> None:
        await peer.begin()
        await peer.socket.wait_closed()
        patience_s["fast"] = 60.0  # with the next line, which may be slow

    async with Scripted(falls_silent, whole).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert [loss.reason for loss in losses] == ["no message for 0.3 s"]


@pytest.mark.parametrize("code", [1009, 4400, 4404, 4409, 4410])
async def test_these_close_codes_are_never_retried(ramp: Path, code: int) -> None:
    async def fails(peer: Peer) -> None:
        await peer.begin()
        await peer.take(until=RATE)
        await peer.refuse(code)

    async with Scripted(fails).running() as server:
        failure, _, losses = await run(server, ramp)
    assert isinstance(failure, ClientError)
    assert "as the script says" in failure.message
    assert losses == []


async def test_a_refused_start_is_told_in_the_servers_words(ramp: Path) -> None:
    async with Scripted(lambda peer: peer.refuse(4400)).running() as server:
        failure, _, losses = await run(server, ramp)
    assert isinstance(failure, ClientError)
    assert "as the script says" in failure.message
    assert losses == []


async def test_a_full_server_is_told_with_the_time_to_wait(ramp: Path) -> None:
    full = {"code": "at_capacity", "message": "full", "retryable": True, "retry_after_s": 7}
    async with Scripted(lambda peer: peer.refuse(4503, **full)).running() as server:
        failure, _, losses = await run(server, ramp)
    assert isinstance(failure, ClientError)
    assert "7 s" in failure.message
    assert losses == []


async def test_a_full_server_is_asked_again_during_a_resume(ramp: Path) -> None:
    async def drops(peer: Peer) -> None:
        await peer.begin()
        await peer.take(until=RATE)
        await peer.socket.close(1012)

    async def is_full(peer: Peer) -> None:
        await peer.refuse(4503, retryable=True, retry_after_s=0.1)

    async with Scripted(drops, is_full, whole).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert [loss.code for loss in losses] == [1012, None]


async def test_a_client_that_is_sent_away_goes_on_elsewhere_as_soon_as_somebody_takes_it(ramp: Path) -> None:
    async def goes(peer: Peer) -> None:
        await peer.begin()
        await peer.take(until=3 * RATE)
        await peer.say(type="go_away", time_left_s=600.0, resumable=True)
        await peer.take()

    async def is_still_the_old_one(peer: Peer) -> None:
        await peer.refuse(1012, code="draining", retryable=True, retry_after_s=0.1)

    async def resumes(peer: Peer) -> None:
        await peer.begin(next_sample=2 * RATE)
        await peer.take()
        await peer.end()

    async with Scripted(goes, is_still_the_old_one, resumes).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert [loss.reason for loss in losses] == ["the server stops", "as the script says"]
    assert server.peers[2].samples == (np.arange(2 * RATE, 8 * RATE) % 32_000).tolist()


async def test_a_client_stays_where_nobody_else_could_go_on(ramp: Path) -> None:
    async def stops(peer: Peer) -> None:
        await peer.begin()
        await peer.say(type="go_away", time_left_s=600.0, resumable=False)
        await peer.take()
        await peer.end("drain")

    async with Scripted(stops).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert len(server.peers[0].samples) == 8 * RATE
    assert losses == []


async def test_a_client_that_has_said_all_waits_for_its_result(ramp: Path) -> None:
    async def stops(peer: Peer) -> None:
        await peer.begin()
        assert await peer.take()
        await peer.say(type="go_away", time_left_s=600.0, resumable=True)
        await peer.end()

    async with Scripted(stops).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert losses == []


async def test_a_result_that_was_made_while_the_line_was_down_is_taken(ramp: Path) -> None:
    async def drops(peer: Peer) -> None:
        await peer.begin()
        assert await peer.take()
        peer.socket.transport.abort()

    async with Scripted(drops, lambda peer: peer.end()).running() as server:
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert len(losses) == 1


async def test_a_proxy_without_a_server_is_asked_again_during_a_resume(
    ramp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_client, "LONGEST_WAIT_S", 0.01)

    async def drops(peer: Peer) -> None:
        await peer.begin()
        await peer.take(until=RATE)
        server.no_server = 12
        peer.socket.transport.abort()

    server = Scripted(drops, whole)
    async with server.running():
        ended, _, losses = await run(server, ramp)
    assert isinstance(ended, SessionEnded)
    assert len(losses) == 13, "for as long as the session is kept"


async def test_a_message_of_another_protocol_is_told_as_such(ramp: Path) -> None:
    async def foreign(peer: Peer) -> None:
        await peer.say(type="Welcome")
        await peer.socket.wait_closed()

    async with Scripted(foreign).running() as server:
        failure, _, _ = await run(server, ramp)
    assert isinstance(failure, ClientError)
    assert "tingqing.v1" in failure.message


async def test_realtime_is_paced_like_a_microphone(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(RATE), RATE, subtype="PCM_16")
    loop = asyncio.get_running_loop()
    async with Scripted(whole).running() as server:
        began = loop.time()
        ended, _, _ = await run(server, path, pace="realtime")
    assert isinstance(ended, SessionEnded)
    assert loop.time() - began >= 1.0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/v1/stream"),
        ("http://127.0.0.1:8000/", "ws://127.0.0.1:8000/v1/stream"),
        ("https://clinic.example", "wss://clinic.example/v1/stream"),
        ("localhost:9000", "ws://localhost:9000/v1/stream"),
        ("https://clinic.example/tq/", "wss://clinic.example/tq/v1/stream"),
        ("wss://clinic.example/tq/v1/stream", "wss://clinic.example/tq/v1/stream"),
    ],
)
def test_a_servers_address_becomes_that_of_the_live_path(given: str, meant: str) -> None:
    assert stream_url(given) == meant


@pytest.mark.parametrize("given", ["ftp://x", "ws://", "file:///x", "ws://[::1", "ws://h:99999", "ws://h:x"])
def test_an_invalid_address_is_reported(given: str) -> None:
    with pytest.raises(ClientError, match="not a server address"):
        stream_url(given)


async def test_a_message_without_an_end_fills_no_memory_and_ends_the_session(
    ramp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_client, "MOST_OF_MESSAGE", 100_000)

    async def endless(peer: Peer) -> None:
        await peer.begin()
        with contextlib.suppress(ConnectionClosed):
            await peer.socket.send("x" * 200_000)
            await peer.take()

    async with Scripted(endless).running() as server:
        failure, _, losses = await run(server, ramp)
    assert isinstance(failure, ClientError)
    assert "too large" in failure.message
    assert (len(server.peers), losses) == (1, []), "it is not asked again"
