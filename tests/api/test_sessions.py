"""Whole sessions over a real socket: the scores are those of the files, and neighbours do not show."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from websockets.asyncio.client import connect

from server.wire.schema import schema_document
from tests.api.client import PROTOCOL, pcm_of, receive, start, stream_file, until
from tests.api.conftest import Served

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def two_files(mixes: Path) -> list[Path]:
    files = sorted(mixes.glob("*.flac"))
    return [files[3], files[-5]]


async def assessed(served: Served, path: Path) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        answer = await client.post("/v1/assess", files={"file": (path.name, await asyncio.to_thread(path.read_bytes))})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def assert_same(ours: Any, theirs: Any, where: str = "result") -> None:
    """Equal, numbers within 1e-6."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{at}]")
    elif isinstance(ours, float) and isinstance(theirs, float):
        assert ours == pytest.approx(theirs, abs=TOLERANCE), where
    else:
        assert ours == theirs, where


async def test_a_fast_stream_scores_as_the_file_window_for_window(served: Served, two_files: list[Path]) -> None:
    for path in two_files:
        streamed = (await stream_file(served.ws, path))[-1]["result"]
        filed = await assessed(served, path)
        assert len(filed["windows"]) > 0
        assert_same(streamed["windows"], filed["windows"])
        for part in ("labels", "overall", "advice", "prompts", "measures", "unusable_spans"):
            assert_same(streamed[part], filed[part], part)


async def test_two_sessions_at_once_do_not_influence_each_other(served: Served, two_files: list[Path]) -> None:
    alone = [(await stream_file(served.ws, path))[-1]["result"]["windows"] for path in two_files]
    async with asyncio.TaskGroup() as group:
        # Chunks of different sizes, so that the two interleave differently from hop to hop.
        tasks = [
            group.create_task(stream_file(served.ws, path, chunk))
            for path, chunk in zip(two_files, (3_200, 5_002), strict=True)
        ]
    for before, task in zip(alone, tasks, strict=True):
        assert_same(task.result()[-1]["result"]["windows"], before)


async def test_every_message_of_a_session_and_of_its_observer_fits_the_schema(
    served: Served, two_files: list[Path]
) -> None:
    validator = Draft202012Validator(schema_document("server"))
    pcm, rate = pcm_of(two_files[0])
    async with connect(f"{served.ws}/v1/stream", subprotocols=[PROTOCOL], max_size=None) as patient:
        await patient.send(start(rate))
        started = await receive(patient)
        observe = f"{served.ws}/v1/sessions/{started['session_id']}/observe"
        async with connect(observe, subprotocols=[PROTOCOL], max_size=None) as doctor:
            snapshot = await receive(doctor)
            assert snapshot["type"] == "snapshot"
            messages = [started, snapshot]
            for at in range(0, len(pcm), 6_400):
                await patient.send(pcm[at : at + 6_400])
            await patient.send('{"type":"session.end"}')
            messages += await all_until_ended(patient)
            messages += await all_until_ended(doctor)
    for message in messages:
        validator.validate(message)
    assert {"quality.update", "audio.ack", "level", "session.ended"} <= {message["type"] for message in messages}


async def all_until_ended(socket: Any) -> list[dict[str, Any]]:
    messages = [await receive(socket)]
    while messages[-1]["type"] != "session.ended":
        messages.append(await receive(socket))
    return messages


async def test_the_first_score_comes_with_three_seconds_of_audio(served: Served, two_files: list[Path]) -> None:
    pcm, rate = pcm_of(two_files[1])
    async with connect(f"{served.ws}/v1/stream", max_size=None) as socket:
        await socket.send(start(rate))
        await until(socket, "session.started")
        await socket.send(pcm[: 3 * rate * 2 // 2])
        await socket.send(pcm[3 * rate * 2 // 2 : 3 * rate * 2])
        update = await until(socket, "quality.update")
    assert update["window"]["end_sample"] == 3 * rate
    assert update["window"]["partial"] is True


async def test_reference_and_metadata_come_back_and_are_not_logged(
    served: Served, two_files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ended = (await stream_file(served.ws, two_files[0], reference="ward-7-bed-3", metadata={"name": "Zhang San"}))[-1]
    assert ended["result"]["reference"] == "ward-7-bed-3"
    assert ended["result"]["metadata"] == {"name": "Zhang San"}
    # The libraries of both ends log frames at DEBUG; test_logs has why the server's never gets there.
    ours = [r.getMessage() for r in caplog.records if r.name.split(".")[0] == "server"]
    assert not any("Zhang" in line or "ward-7" in line for line in ours)
