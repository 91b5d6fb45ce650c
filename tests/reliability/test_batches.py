"""A batch survives its server: what was judged is not judged again, what was not is taken up, each event has one id."""

import asyncio
import io
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Serving
from tests.notify.receiver import receiving
from tests.reliability.test_webhooks import CLI, about, added

FILES = 24
"""Short ones: more than are judged between an event and the kill that follows it."""


def serving(folder: Path) -> Serving:
    return Serving(["--data-dir", str(folder), "--no-mos", "--clap", "off"], **CLI)


def settled(server: Serving, batch_id: str) -> dict[str, Any]:
    state: dict[str, Any] = httpx.get(f"{server.http}/v1/batches/{batch_id}", timeout=60).json()
    return state


def settled_after(server: Serving, batch_id: str, last: int) -> list[int]:
    """The numbers of what the stream tells until it tells another file, or the end."""
    headers = {"Last-Event-ID": str(last)}
    url = f"{server.http}/v1/batches/{batch_id}/events"
    with httpx.stream("GET", url, headers=headers, timeout=600) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                return [int(line.removeprefix("id: "))]
    return []


@pytest.mark.timeout(1200)
def test_a_batch_whose_server_is_killed_twice_is_judged_whole_and_nothing_twice(tmp_path: Path) -> None:
    with receiving() as receiver:
        added(tmp_path, receiver, "--events", "assessment.completed,batch.completed")
        with serving(tmp_path) as server:
            parts = [("file", (f"{number}.wav", short(number))) for number in range(FILES)]
            batch_id = httpx.post(f"{server.http}/v1/batches", files=parts, timeout=100).json()["id"]
            last = settled_after(server, batch_id, 0)[-1]
            server.process.send_signal(signal.SIGKILL)
        first = results(tmp_path)
        assert last <= len(first) < FILES
        with serving(tmp_path) as server:
            settled_after(server, batch_id, len(first))
            server.process.send_signal(signal.SIGKILL)
        second = results(tmp_path)
        assert len(first) < len(second) <= FILES
        with serving(tmp_path) as server:
            while (done := settled(server, batch_id))["state"] != "done":
                settled_after(server, batch_id, done["judged"] + done["refused"])
            page = httpx.get(f"{server.http}/v1/batches/{batch_id}/results", timeout=60).json()["results"]
            came = receiver.wait(lambda came: len(about(came)) > FILES, 100)
        assert (done["judged"], done["refused"]) == (FILES, 0)
        ids = {one["file"]: one["result"]["id"] for one in page}
        assert len(set(ids.values())) == FILES
        assert {name: ids[name] for name in second} == second, "what was judged before is as it was"
        assert {name: ids[name] for name in first} == first
        told = about(came)
        assert {key: len(ids) for key, ids in told.items()} == dict.fromkeys(told, 1), "each with one id"
        assert Counter(kind for kind, _ in told) == {"assessment.completed": FILES, "batch.completed": 1}
        assert {subject for kind, subject in told if kind == "assessment.completed"} == set(ids.values())


def short(seed: int) -> bytes:
    """Two seconds of noise, as WAV."""
    written = io.BytesIO()
    noise = np.random.default_rng(seed).normal(0, 0.05, 32_000)
    soundfile.write(written, noise, 16_000, format="WAV")
    return written.getvalue()


def results(folder: Path) -> dict[str, str]:
    """Of the files that are judged, read beside the server, once no process that judges is alive."""
    import sqlite3
    from contextlib import closing

    asyncio.run(nobody_judges(folder))
    with closing(sqlite3.connect(folder / "tingqing.db")) as plain:
        rows = plain.execute("SELECT name, result_id FROM batch_files WHERE state = 'judged'").fetchall()
    assert json.dumps(rows)
    return dict(rows)


async def nobody_judges(folder: Path) -> None:
    """Its input has ended with its parent: wait until it has gone too."""
    import fcntl
    import os

    async with asyncio.timeout(200):
        for path in (folder / "processes").glob("*.lock"):
            lock = os.open(path, os.O_RDWR)
            try:
                while True:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        await asyncio.sleep(0.05)
            finally:
                os.close(lock)
