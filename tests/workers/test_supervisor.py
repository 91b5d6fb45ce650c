"""The supervisor with workers that only talk to it: what it starts, counts, restarts and stops."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.errors import SettingsError
from server.workers import supervisor
from server.workers.supervisor import Job, Supervisor

WORKER = """
import json, os, socket, sys
line = socket.socket(fileno=int(sys.argv[-1])).makefile("rw")
job = json.loads(line.readline())
told = open(os.path.join(job["settings"]["folder"], f"{job['index']}"), "a")
def tell(what):
    print(what, file=told, flush=True)
if job["settings"].get("fails") == job["index"]:
    sys.exit(2)
tell(os.getpid())
print(json.dumps({"ready": True}), file=line, flush=True)
print(json.dumps({"number": 1, "count": "wrong", "given": ["203.0.113.5", 0.0]}), file=line, flush=True)
for text in line:
    said = json.loads(text)
    tell(said.get("command") or f"counted {sorted(said)}")
    if said.get("command") == job["settings"].get("ends_on", "drain"):
        sys.exit(0)
tell("lost")
"""


def job(folder: Path, **settings: Any) -> Job:
    return Job(
        command=(sys.executable, "-S", "-c", WORKER),
        settings={"folder": str(folder), **settings},
        sockets=[],
        workers=2,
        environment=dict(os.environ),
        drain_s=60,
        requests_per_minute=600,
    )


async def told(folder: Path, worker: int, *what: str, times: int = 1) -> list[str]:
    """What this worker wrote down, once all of ``what`` is there so often."""
    async with asyncio.timeout(60):
        while True:
            path = folder / str(worker)
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            if lines and all(lines.count(each) >= times for each in what):
                return lines
            await asyncio.sleep(0.02)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def test_all_are_started_counted_for_and_told_to_stop(tmp_path: Path) -> None:
    running = asyncio.create_task(Supervisor(job(tmp_path)).run())
    await told(tmp_path, 0, "announce", "counted ['number', 'value']")
    assert "announce" not in await told(tmp_path, 1, "counted ['number', 'value']")
    stop()
    assert await asyncio.wait_for(running, 60) == 0
    for worker in (0, 1):
        assert (await told(tmp_path, worker))[-1] == "drain"


async def test_each_signal_is_the_next_stage(tmp_path: Path) -> None:
    running = asyncio.create_task(Supervisor(job(tmp_path, ends_on="abandon")).run())
    await told(tmp_path, 0, "announce")
    for stage in ("drain", "hurry", "abandon"):
        stop()
        await told(tmp_path, 0, stage)
    assert await asyncio.wait_for(running, 60) == 0
    assert (await told(tmp_path, 1))[-3:] == ["drain", "hurry", "abandon"]


async def test_a_worker_that_dies_is_replaced_and_the_other_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", 0.01)
    running = asyncio.create_task(Supervisor(job(tmp_path)).run())
    first = (await told(tmp_path, 1, "counted ['number', 'value']"))[0]
    other = (await told(tmp_path, 0, "announce"))[0]
    os.kill(int(first), signal.SIGKILL)
    lines = await told(tmp_path, 1, "counted ['number', 'value']", times=2)
    assert [line for line in lines if line.isdigit()][-1] != first
    assert [line for line in await told(tmp_path, 0) if line.isdigit()] == [other]
    stop()
    assert await asyncio.wait_for(running, 60) == 0


@pytest.mark.parametrize("fails", [0, 1])
async def test_a_worker_that_cannot_start_ends_all_with_its_code(tmp_path: Path, fails: int) -> None:
    assert await asyncio.wait_for(Supervisor(job(tmp_path, fails=fails)).run(), 60) == 2
    if fails == 0:
        assert (tmp_path / "1").exists() is False, "the next one is not tried"
    else:
        assert (await told(tmp_path, 0))[-1] == "drain"


async def test_a_worker_notices_that_its_supervisor_is_gone(tmp_path: Path) -> None:
    given = json.dumps({"folder": str(tmp_path)})
    program = f"import asyncio, json, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); " + (
        "from tests.workers.test_supervisor import job; from server.workers.supervisor import Supervisor; "
        "from pathlib import Path; "
        f"asyncio.run(Supervisor(job(Path(json.loads({given!r})['folder']))).run())"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await told(tmp_path, 1, "counted ['number', 'value']")
    process.kill()
    await process.wait()
    await told(tmp_path, 1, "lost")
    await told(tmp_path, 0, "lost")


def test_a_folder_whose_name_is_too_long_for_sockets_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("n" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pytest.raises(SettingsError, match="TMPDIR"):
        Supervisor(job(tmp_path))
    assert list(long.iterdir()) == []


def test_the_supervisor_loads_no_model_and_no_web_framework() -> None:
    heavy = "('numpy', 'torch', 'onnxruntime', 'fastapi', 'uvicorn', 'sqlalchemy', 'soundfile')"
    program = (
        "import sys, server.cli.main, server.cli.supervising, server.settings, server.workers.supervisor; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, encoding="utf-8")
    assert (done.stdout, done.stderr) == ("[]\n", "")
