"""A server that stops: it says so, refuses newcomers, and ends by its deadline."""

import asyncio
import io
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect

from tests.api.client import faults_until_close, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as start_server


@asynccontextmanager
async def in_session(drain_s: float) -> AsyncIterator[tuple[Served, ClientConnection]]:
    """A server with one session, which is stopped in the end if it was not."""
    served = start_server(drain_s=drain_s, mos=False)
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start(pace="realtime"))
        await until(socket, "session.started")
        yield served, socket
    await asyncio.to_thread(served.stop)


async def test_a_stopping_server_tells_its_sessions_how_long_they_have_and_ends_them() -> None:
    async with in_session(1.0) as (served, socket):
        served.server.should_exit = True
        went = await until(socket, "go_away")
        assert 0 <= went["time_left_s"] <= 1.0
        assert await faults_until_close(socket) == ([], 1001)


async def test_a_stopping_server_refuses_others_while_its_sessions_go_on() -> None:
    async with in_session(600.0) as (served, socket):
        served.server.stop(1)
        await until(socket, "go_away")
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["why"]) == (503, "draining")
            answer = await client.post("/v1/assess", files={"file": b"x"})
            assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        async with connect(f"{served.ws}/v1/stream") as late:
            await late.send(start())
            assert await faults_until_close(late) == (["draining"], 1012)
        served.server.stop(2)
        await faults_until_close(socket)


async def test_the_log_says_when_a_server_serves_stops_and_has_stopped(caplog: pytest.LogCaptureFixture) -> None:
    """Who looks at night must see whether a process without a word is draining or hangs."""
    caplog.set_level(logging.INFO, "server.api.serving")
    async with in_session(600.0) as (served, socket):
        served.server.stop(1)
        await until(socket, "go_away")
        served.server.stop(2)
        await faults_until_close(socket)
    port = served.url.rpartition(":")[2]
    told = [record.getMessage() for record in caplog.records if record.name == "server.api.serving"]
    begins = [f"serving on 127.0.0.1:{port}", "stopping:", "told again to stop:", "no session is left after "]
    assert [line.startswith(begin) for line, begin in zip(told, begins, strict=True)] == [True] * 4


async def test_a_server_without_sessions_stops_at_once_and_leaves_no_thread() -> None:
    before = running()
    served = start_server(drain_s=600.0)
    assert {"score-acoustic", "score-mos"} <= running()
    await asyncio.to_thread(served.stop)
    assert {name for name in running() if name.startswith("score-")} <= before


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def recording(seconds: float) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(3).uniform(-0.1, 0.1, int(seconds * 16_000))
    soundfile.write(buffer, noise, 16_000, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


async def assessed_while_stopping(drain_s: float, seconds: float) -> httpx.Response:
    """What becomes of an upload that is being assessed when the server is told to stop."""
    served = start_server(drain_s=drain_s, mos=False, max_assessments=1)
    async with httpx.AsyncClient(base_url=served.url, timeout=120) as client:
        upload = asyncio.create_task(client.post("/v1/assess", files={"file": ("x.wav", recording(seconds))}))
        async with asyncio.timeout(60):
            while not served.services.slots._turn.locked():  # noqa: ASYNC110  # the server's loop is another one
                await asyncio.sleep(0.01)
        served.server.should_exit = True
        answer = await upload
    await asyncio.to_thread(served.stop)
    return answer


async def test_a_recording_that_is_being_assessed_is_judged_before_the_server_ends() -> None:
    answer = await assessed_while_stopping(100.0, 8.0)
    assert answer.status_code == 200, answer.text
    assert answer.json()["windows"]


async def test_a_recording_that_takes_longer_than_the_deadline_is_told_to_come_again() -> None:
    answer = await assessed_while_stopping(0.0, 600.0)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "draining"
    assert answer.json()["retryable"]
    assert int(answer.headers["retry-after"]) > 0
