"""A server that stops: it says so, refuses newcomers, and ends by its deadline."""

import asyncio
import threading

import httpx
from websockets.asyncio.client import connect

from tests.api.client import faults_until_close, start, until
from tests.api.conftest import start as start_server


async def test_a_stopping_server_tells_its_sessions_refuses_others_and_ends() -> None:
    served = start_server(drain_s=2.0, mos=False)
    async with connect(f"{served.ws}/v1/stream") as socket:
        await socket.send(start(pace="realtime"))
        await until(socket, "session.started")
        served.server.should_exit = True
        went = await until(socket, "go_away")
        assert 0 <= went["time_left_s"] <= 2.0
        async with httpx.AsyncClient(base_url=served.url, timeout=10) as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["why"]) == (503, "draining")
            answer = await client.post("/v1/assess", files={"file": b"x"})
            assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        async with connect(f"{served.ws}/v1/stream") as late:
            await late.send(start())
            assert await faults_until_close(late) == (["draining"], 1012)
        _, close_code = await faults_until_close(socket)
        assert close_code == 1001
    await asyncio.to_thread(served.stop)


async def test_a_server_without_sessions_stops_at_once_and_leaves_no_thread() -> None:
    before = running()
    served = start_server(drain_s=600.0)
    assert {"score-acoustic", "score-mos"} <= running()
    await asyncio.to_thread(served.stop)
    assert {name for name in running() if name.startswith("score-")} <= before


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
