"""The figures of a load and the search for the largest, on patients and machines that are known."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from server.client.load.drive import drive, shared_out
from server.client.load.figures import ServerUse, figures, holds
from server.client.load.job import Job, Patient, Seen
from server.client.load.search import search
from server.errors import ClientError


def machine(limit: int, tried: list[int]) -> Callable[[int], Awaitable[bool]]:
    async def probe(number: int) -> bool:
        tried.append(number)
        return number <= limit

    return probe


@pytest.mark.parametrize(("limit", "first"), [(27, 20), (4, 20), (1, 2), (2, 2), (3, 2), (60, 20), (96, 20)])
async def test_search_ends_below_the_limit_and_near_it(limit: int, first: int) -> None:
    tried: list[int] = []
    found = await search(machine(limit, tried), first, 8, 96)
    assert found <= limit
    assert found >= limit - max(1, limit // 8)
    assert found in tried


async def test_search_tries_no_more_than_it_may_and_none_twice() -> None:
    tried: list[int] = []
    await search(machine(37, tried), 20, 4, 96)
    assert len(tried) == len(set(tried)) <= 4


async def test_a_machine_that_holds_nothing_has_none() -> None:
    assert await search(machine(0, []), 2, 8, 96) == 0


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, True),
        ({"lag_ms": {"p95": 500.0}}, False),
        ({"lag_ms": {"p95": None}}, False),
        ({"replaced": 9}, False),
        ({"refused": 1}, False),
        ({"dropped_sessions": 1}, False),
        ({"windows": 300}, False),
    ],
)
def test_a_load_is_held_only_if_everybody_came_in_and_every_score_came_in_time(
    change: dict[str, Any], verdict: bool
) -> None:
    told = {"windows": 460, "expected": 460, "replaced": 0, "refused": 0, "dropped_sessions": 0}
    assert holds(told | {"lag_ms": {"p95": 420.0}} | change) is verdict


def test_figures_tell_refused_dropped_and_broken_off_sessions_apart() -> None:
    patients = [
        Patient(lags_ms=[100.0, 300.0], ended=True, replaced=1, shed=2),
        Patient(lags_ms=[200.0]),
        Patient(lags_ms=[], aborted=True),
        Patient(refused="at_capacity"),
    ]
    told = figures([Seen(patients=patients, cpu_s=0.25)], 4.0, 1.0, ServerUse(2.5, 10**8, 10**8 + 6 * 10**6))
    assert (told["refused"], told["dropped_sessions"], told["windows"]) == (1, 1, 3)
    assert (told["expected"], told["replaced"], told["shed"]) == (6, 1, 2)
    assert told["lag_ms"]["mean"] == told["lag_ms"]["p50"] == 200.0
    assert (told["server_cpu_s"], told["client_cpu_s"], told["server_cores"]) == (2.5, 0.25, 0.5)
    assert told["rss_mb_per_session"] == 2.0


def a_job(folder: Path, url: str) -> Job:
    (folder / "patient.pcm").write_bytes(b"\0" * 32_000)
    return Job(url=url, pcm=str(folder / "patient.pcm"), sample_rate=16_000, seconds=4.0, starts_s=[0.0, 0.0])


async def test_a_process_of_patients_that_cannot_work_is_told_in_one_error(tmp_path: Path) -> None:
    job = a_job(tmp_path, "ws://127.0.0.1:9/v1/stream").model_copy(update={"pcm": str(tmp_path / "none.pcm")})
    with pytest.raises(ClientError, match=r"a process of patients ended early \(exit code 1\)"):
        await drive(job, processes=2)


async def test_a_process_of_patients_that_is_killed_is_told_and_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[asyncio.subprocess.Process] = []
    waiting, gone = asyncio.Event(), asyncio.Semaphore(0)
    spawn = asyncio.create_subprocess_exec

    async def noted(*command: str, **given: Any) -> asyncio.subprocess.Process:
        workers.append(await spawn(*command, **given))
        return workers[-1]

    async def answer_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.set()
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
        writer.close()
        gone.release()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    async with await asyncio.start_server(answer_nothing, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        driving = asyncio.create_task(drive(a_job(tmp_path, f"ws://127.0.0.1:{port}/v1/stream"), processes=2))
        await waiting.wait()
        workers[0].kill()
        with pytest.raises(ClientError, match=r"was killed \(signal 9\)"):
            await driving
        await gone.acquire()
    assert all(worker.returncode is not None for worker in workers)


async def test_a_server_that_is_not_there_is_each_patients_error_and_no_ones_fault(tmp_path: Path) -> None:
    (seen,) = await drive(a_job(tmp_path, "ws://127.0.0.1:9/v1/stream"), processes=1)
    assert [one.errors for one in seen.patients] == [["ConnectionRefusedError"]] * 2


def test_patients_that_come_together_are_in_different_processes() -> None:
    assert shared_out([0.0, 0.1, 0.2, 0.3, 0.4], 2) == [[0.0, 0.2, 0.4], [0.1, 0.3]]
    assert [len(starts) for starts in shared_out([0.0] * 60)] == [20, 20, 20]
