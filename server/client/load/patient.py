"""One paced patient: sends audio by the clock, as a microphone would, and notes when each update comes."""

import asyncio
import contextlib
import json
import time
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from server.client.load.job import Job, Patient
from server.loopback import is_loopback
from server.wire.base import PROTOCOL

CHUNK_S = 0.1
OPEN_S = 20.0
BRUTAL_AFTER = 0.7
"""Part of its audio after which a brutal patient is gone."""

LAST_S = 60.0
"""How long the result may take after ``session.end``."""

UNREAD = ('{"type":"level"', '{"type":"audio.ack"', '{"type":"heartbeat"')
"""Not parsed, so that patients on the server's machine cost it little."""


async def run_patient(job: Job, pcm: bytes, number: int, delay_s: float) -> Patient:
    """One session from ``delay_s`` on. Never raises for what the server does: it is noted."""
    seen = Patient()
    await asyncio.sleep(delay_s)
    try:
        async with asyncio.timeout(OPEN_S + 2 * job.seconds + LAST_S), _line(job, job.url) as line:
            await line.send(json.dumps(_start(job)))
            session_id = await _begun(line, seen)
            if session_id is not None:
                await _visit(job, line, seen, pcm, number, session_id)
    except InvalidStatus as error:
        seen.refused = f"http_{error.response.status_code}"
    except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake) as error:
        seen.errors.append(type(error).__name__)
    except ExceptionGroup as faults:  # of the tasks of one visit: this patient's alone
        seen.errors += sorted({type(one).__name__ for one in faults.exceptions})
    return seen


def _line(job: Job, url: str) -> connect:
    host = url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0].strip("[]")
    return connect(
        url,
        subprotocols=[PROTOCOL],  # type: ignore[list-item]  # a NewType of str
        additional_headers={} if job.key is None else {"Authorization": f"Bearer {job.key}"},
        compression=None,
        max_size=None,
        open_timeout=OPEN_S,
        close_timeout=1.0,
        ping_interval=None,
        proxy=None if is_loopback(host) else True,
    )


def _start(job: Job) -> dict[str, Any]:
    start: dict[str, Any] = {
        "type": "session.start",
        "pace": job.pace,
        "audio": {"encoding": "pcm_s16le", "sample_rate": job.sample_rate},
        "capture": {"source": "line"},
    }
    return start if job.labels is None else start | {"labels": job.labels}


async def _begun(line: ClientConnection, seen: Patient) -> str | None:
    """The session's id; ``None``: refused."""
    while True:
        message = json.loads(await line.recv())
        if message["type"] == "session.started":
            return str(message["session_id"])
        if message["type"] == "error":
            seen.refused = message["error"]["code"]
            return None


async def _visit(job: Job, line: ClientConnection, seen: Patient, pcm: bytes, number: int, session_id: str) -> None:
    began = time.monotonic()
    base, _, _ = job.url.rpartition("/stream")
    async with asyncio.TaskGroup() as group:
        watching = [
            group.create_task(_observe(job, f"{base}/sessions/{session_id}/observe", seen))
            for _ in range(job.observers)
        ]
        listening = group.create_task(_listen(line, seen, began, job.sample_rate))
        with contextlib.suppress(ConnectionClosed):  # the listener has seen why
            await _speak(job, line, seen, pcm, number, began)
        await listening
        for task in watching:
            task.cancel()


async def _speak(job: Job, line: ClientConnection, seen: Patient, pcm: bytes, number: int, began: float) -> None:
    size = round(job.sample_rate * CHUNK_S) * 2
    at = number * 7 * job.sample_rate * 2 % max(1, len(pcm) - size)  # every patient says something else
    at -= at % 2
    for chunk in range(round(job.seconds / CHUNK_S)):
        due = began + (chunk + 1) * CHUNK_S
        if job.pace == "realtime":
            await asyncio.sleep(due - time.monotonic())
            seen.late_ms.append(1000 * max(0.0, time.monotonic() - due))
        piece = pcm[at : at + size]
        at = (at + size) % len(pcm)
        if len(piece) < size:
            at = size - len(piece)
            piece += pcm[:at]
        await line.send(piece)
        if job.brutal and number % 2 and (chunk + 1) * CHUNK_S >= BRUTAL_AFTER * job.seconds:
            seen.aborted = True
            line.transport.abort()
            return
    await line.send('{"type":"session.end"}')


async def _listen(line: ClientConnection, seen: Patient, began: float, rate: int) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for text in line:
            now = time.monotonic()
            if isinstance(text, str) and not text.startswith(UNREAD):
                _note(json.loads(text), seen, now - began, rate)
            if seen.ended:
                return


def _note(message: dict[str, Any], seen: Patient, at_s: float, rate: int) -> None:
    if message["type"] == "quality.update":
        seen.lags_ms.append(1000 * (at_s - message["window"]["end_sample"] / rate))
        seen.server_lags_ms.append(message["lag_ms"])
        seen.with_clap += any(one["evidence"]["clap"] is not None for one in message["labels"].values())
    elif message["type"] == "error":
        seen.errors.append(message["error"]["code"])
    elif message["type"] == "session.ended":
        seen.ended = message["reason"] == "client"
        if not seen.ended:
            seen.errors.append(f"ended_{message['reason']}")
        seen.replaced = message["result"]["model"]["windows_replaced"]
        seen.shed = message["result"]["model"]["shed"]


async def _observe(job: Job, url: str, seen: Patient) -> None:
    """Counts the updates that one doctor gets, and doctors who did not get to see the patient."""
    snapshots = 0
    try:
        async with _line(job, url) as line:
            async for text in line:
                assert isinstance(text, str)
                snapshots += text.startswith('{"type":"snapshot"')
                seen.observed += text.startswith('{"type":"quality.update"')
    except (OSError, ConnectionClosed, InvalidHandshake):
        pass
    finally:
        seen.unobserved += not snapshots
