"""Several processes behind one ``assess``: order, what a process that ends costs, and what an error ends."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from server.cli.asked import Asked
from server.cli.jobs import AHEAD, DIED, Jobs
from server.cli.outcomes import Told
from server.recording.batch import Unread

WORKER = """
import json, os, signal, sys, threading
from pathlib import Path
asked = json.loads(sys.stdin.buffer.readline())
for line in sys.stdin.buffer:
    name, path = json.loads(line)
    if "crash" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    while "waits" in name and not Path(path).exists():
        threading.Event().wait(0.01)
    data = json.dumps({"name": name, "code": asked["labels"], "message": str(os.getpid()), "zh": ""}).encode()
    sys.stdout.buffer.write(len(data).to_bytes(8, "big") + data)
    sys.stdout.buffer.flush()
"""
"""Does as ``server.cli.assess_worker``, but for judging: it says by which process a file was taken."""


async def ran(names: list[str]) -> list[Unread]:
    told: list[Unread] = []

    def done(one: Told) -> None:
        assert isinstance(one, Unread)
        told.append(one)

    jobs = Jobs(Asked(labels="l"), [(name, Path("/")) for name in names], 2, (sys.executable, "-c", WORKER))
    await jobs.run(done)
    return told


async def test_outcomes_come_in_the_order_of_the_files_from_all_processes() -> None:
    names = [f"{number}.wav" for number in range(40)]
    told = await ran(names)
    assert [one.name for one in told] == names
    assert {one.code for one in told} == {"l"}
    assert len({one.message for one in told}) <= 2


async def test_a_file_that_ends_its_process_costs_that_file_alone() -> None:
    told = await ran(["a", "crash 1", "b", "crash 2", "c", "crash 3"])
    assert [one.code for one in told] == ["l", DIED, "l", DIED, "l", DIED]
    assert all(one.zh for one in told if one.code == DIED)


async def test_an_error_of_the_output_ends_every_process() -> None:
    def done(_: Told) -> None:
        raise BrokenPipeError

    jobs = Jobs(Asked(), [(str(number), Path("/")) for number in range(9)], 3, (sys.executable, "-c", WORKER))
    with pytest.raises(BrokenPipeError):
        await jobs.run(done)


async def test_no_more_results_are_held_than_a_few_for_each_process(tmp_path: Path) -> None:
    """The first file waits until the gate is there, which nobody opens before others are told: so it is opened here."""
    gate = tmp_path / "gate"
    told: list[str] = []
    names = ["waits", *(str(number) for number in range(50))]
    jobs = Jobs(Asked(), [(name, gate) for name in names], 2, (sys.executable, "-c", WORKER))
    held: list[int] = []

    class Watched(dict[int, Told]):
        def __setitem__(self, at: int, one: Told) -> None:
            super().__setitem__(at, one)
            held.append(len(self))
            if len(self) == AHEAD * 2 - 1:
                gate.touch()

    jobs._held = Watched()
    await jobs.run(lambda one: told.append(one.name))
    assert told == names
    assert max(held) <= AHEAD * 2


async def test_no_process_is_left_behind_wherever_a_run_is_cancelled() -> None:
    """One that its loop forgets runs on, and is told of by whoever collects it."""
    started: list[asyncio.subprocess.Process] = []

    class Watched(Jobs):
        async def _start(self) -> asyncio.subprocess.Process:
            started.append(await super()._start())
            return started[-1]

    for number in range(24):
        jobs = Watched(Asked(), [(str(at), Path("/")) for at in range(9)], 3, (sys.executable, "-c", WORKER))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01 * number):
                await jobs.run(lambda _: None)
    assert started
    assert [process.returncode for process in started if process.returncode is None] == []
