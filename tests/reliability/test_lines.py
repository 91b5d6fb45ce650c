"""Lines that break, stall, trickle or swallow, between a real client and a real server."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import soundfile

import server.app
from server.client import stream_client
from server.client.pcm_source import PcmSource
from server.client.sample_visit import sample_visit
from server.client.stream_client import Lost, StreamClient, stream_url
from server.settings import live_limits
from server.wire.client import SessionStart
from tests.api.conftest import Served, start
from tests.reliability.caller import RATE, Caller, same, start_message
from tools.fault_proxy import FaultProxy, Line, Way, satellite

SPEECH_S = 15
BEGUN = 40_000
"""Bytes in either direction by which the session has begun."""

PCM = sample_visit()[: SPEECH_S * RATE].tobytes()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as shortened:
        shortened.setattr(
            server.app, "live_limits", lambda *given: replace(live_limits(*given), start_s=6.0, idle_s=8.0, send_s=4.0)
        )
        running = start(send_buffer=16 * 1024, drain_s=0.1, mos=False, clap="off")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "visit.wav"
    soundfile.write(path, sample_visit()[: SPEECH_S * RATE], RATE, subtype="PCM_16")
    return path


async def streamed(path: Path, port: int) -> tuple[dict[str, Any], list[str]]:
    """The result that our own client gets, and why its lines were lost."""
    losses: list[str] = []

    def lost(what: Lost) -> None:
        losses.append(what.reason)

    with PcmSource(path, 100) as source:
        message = SessionStart.model_validate(start_message())
        client = StreamClient(stream_url(f"ws://127.0.0.1:{port}"), message, source, lambda *_: None, lost)
        ended = await client.run()
    assert ended.reason == "client"
    return json.loads(ended.result.model_dump_json()), losses


async def through(lines: list[Line], path: Path, served: Served) -> tuple[dict[str, Any], list[str], FaultProxy]:
    """As ``streamed``, the first connections over ``lines`` and the others over ones that hold."""
    coming = chain(lines, repeat(Line()))
    async with FaultProxy(served.port, lambda: next(coming)).running() as proxy:
        result, losses = await streamed(path, proxy.address)
    return result, losses, proxy


@pytest.fixture(scope="module")
def unbroken(recording: Path, served: Served) -> dict[str, Any]:
    result, losses = asyncio.run(streamed(recording, served.port))
    assert losses == []
    return result


@pytest.mark.parametrize(
    "line",
    [
        satellite(0.8),
        Line(Way(piece=977), Way(piece=101)),
        Line(Way(gather=50_000), Way(gather=5_000)),
        Line(Way(stall_at=100_000, stall_s=1.5)),
    ],
    ids=["a satellite's delay", "split segments", "merged segments", "a stall shorter than a dead line"],
)
async def test_a_slow_line_that_holds_changes_nothing(
    line: Line, recording: Path, served: Served, unbroken: dict[str, Any]
) -> None:
    result, losses, proxy = await through([line], recording, served)
    assert losses == []
    assert proxy.opened == 1
    assert same(result, unbroken)


DEAD = "no message for 1 s"


class FirstOnly(dict[str, float]):
    """The patience of a client with its first line, which breaks; those after it hold, and may be slow."""

    def __init__(self) -> None:
        self._patience_s = chain([1.0], repeat(60.0))

    def __missing__(self, _pace: str) -> float:
        return next(self._patience_s)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (Line(Way(cut_at=200_001)), "the connection was lost"),
        (Line(down=Way(cut_at=BEGUN + 7)), "the connection was lost"),
        (Line(Way(silent_at=200_001)), DEAD),
        (Line(Way(silent_at=200_001), Way(delay_s=0.2)), DEAD),
        (Line(down=Way(stall_at=BEGUN, stall_s=20.0)), DEAD),
    ],
    ids=["cut on the way up", "cut on the way down", "half-open", "half-open and delayed", "a stall of 20 s"],
)
async def test_a_line_that_breaks_or_seems_to_stand_is_replaced_and_the_result_is_the_unbroken_one(
    line: Line, why: str, recording: Path, served: Served, unbroken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_client, "DEAD_LINE_S", FirstOnly() if why == DEAD else {"fast": 60.0})
    result, losses, proxy = await through([line], recording, served)
    assert why in losses
    assert proxy.opened >= 2
    assert same(result, unbroken)


async def test_a_client_that_never_reads_is_dropped_and_goes_on_where_it_was(served: Served) -> None:
    many = ",".join(f"a calm voice in room {number}" for number in range(190))  # so that updates soon fill all buffers
    whole, caller = Caller(PCM, labels=many), Caller(PCM, labels=many)
    await whole.connect(f"{served.ws}/v1/stream")
    expected = await whole.result()
    lines = chain([Line(down=Way(deaf_at=4 * BEGUN))], repeat(Line()))
    async with FaultProxy(served.port, lambda: next(lines)).running() as proxy:
        url = f"ws://127.0.0.1:{proxy.address}/v1/stream"
        begun = await caller.connect(url)
        try:
            await caller.say_until(SPEECH_S)
            await until_waiting(served)
        finally:
            await caller.vanish()
        again = await caller.connect(url)
        assert again["session_id"] == begun["session_id"]
        assert same(await caller.result(), expected)


async def until_waiting(served: Served) -> None:
    """Until the server has given up the socket, and its session waits for the patient."""
    async with asyncio.timeout(60):
        while served.services.manager.counts().waiting == 0:  # noqa: ASYNC110 - the server's own loop has no event here
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("slow_from", "begun"), [(300, False), (BEGUN, True)], ids=["from its first message on", "while it speaks"]
)
async def test_a_client_of_one_byte_a_second_holds_no_place_for_long(
    slow_from: int, begun: bool, served: Served
) -> None:
    caller = Caller(PCM)
    async with FaultProxy(served.port, lambda: Line(Way(slow_from=slow_from))).running() as proxy:
        url = f"ws://127.0.0.1:{proxy.address}/v1/stream"
        if begun:
            await caller.connect(url)
            await caller.say_until(5)
            assert (await caller.expect("session.ended"))["reason"] == "idle"
        else:
            with pytest.raises(AssertionError, match="closed 4408"):
                await caller.connect(url)
        assert await caller.closed() == 4408
    assert [error["error"]["code"] for error in caller.got("error")] == ["idle_timeout"]
