"""The keeper of the processes that judge: no failure of one round ends it, and it says which process ended."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from server.batches import process
from server.batches.batch import BatchStore
from server.batches.folder import BatchFolders
from server.batches.process import JudgeKeeper, Judges, keeping


class Waiting:
    """Of a store, what the keeper asks for. ``trouble`` is raised so many times first."""

    def __init__(self, trouble: int = 0, *, shared: bool = False) -> None:
        self.trouble = trouble
        self.shared = shared
        self.sweeps = 0
        self.swept_again = asyncio.Event()
        self.swept, self.again = asyncio.Event(), asyncio.Event()
        self.asked = 0
        self.blamed: asyncio.Queue[str] = asyncio.Queue()

    async def waiting(self) -> bool:
        self.asked += 1
        if self.asked > 1:
            self.again.set()
        if self.trouble:
            self.trouble -= 1
            raise OSError(24, "Too many open files")
        return True

    async def ended(self, process_id: str) -> None:
        await self.blamed.put(process_id)

    async def forget(self, before: datetime) -> list[str]:
        raise RuntimeError("too many SQL variables")

    async def known(self) -> dict[str, set[str]]:
        self.sweeps += 1
        self.swept.set()
        if self.sweeps > 1:
            self.swept_again.set()
        return {}


@asynccontextmanager
async def kept(folder: Path, store: Waiting, code: str) -> AsyncIterator[JudgeKeeper]:
    judges = Judges((sys.executable, "-c", code), {}, 1)
    keeper = JudgeKeeper(judges, cast(BatchStore, store), BatchFolders(folder), timedelta(days=1))
    async with asyncio.timeout(60), keeping(keeper):
        yield keeper


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BACKOFF_S", 0.01)


SAYS_ITS_ID = "import json, pathlib, sys; pathlib.Path({!r}).write_text(json.loads(input())['id']); sys.exit({})"


async def test_rounds_that_fail_are_followed_by_one_that_works(tmp_path: Path, caplog: Any) -> None:
    store = Waiting(trouble=3)
    async with kept(tmp_path, store, SAYS_ITS_ID.format(str(tmp_path / "id"), 3)) as keeper:
        blamed = await store.blamed.get()
        assert keeper.failing
    assert blamed == (tmp_path / "id").read_text()
    assert "Too many open files" in caplog.text


async def test_a_process_that_cannot_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, tries = asyncio.create_subprocess_exec, 0

    async def forks_later(*command: str, **how: Any) -> asyncio.subprocess.Process:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return await plain(*command, **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", forks_later)
    store = Waiting()
    async with kept(tmp_path, store, "import sys; sys.exit(3)"):
        await store.blamed.get()
    assert tries >= 3


async def test_a_process_that_was_told_to_stop_blames_no_file(tmp_path: Path) -> None:
    store = Waiting()
    stops = "import os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()"
    async with kept(tmp_path, store, stops):
        await store.again.wait()
    assert store.blamed.empty()


async def test_folders_are_swept_though_old_batches_cannot_be_forgotten(tmp_path: Path) -> None:
    store = Waiting()
    async with kept(tmp_path, store, "input()"):
        await store.swept.wait()


async def test_what_other_machines_deleted_is_looked_for_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert process.SWEEP_SHARED_S <= 30
    monkeypatch.setattr(process, "SWEEP_SHARED_S", 0.01)
    store = Waiting(shared=True)
    async with kept(tmp_path, store, "input()"):
        await store.swept_again.wait()


async def test_a_keeper_that_ends_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, plain, begun = Waiting(), JudgeKeeper.run, 0

    async def ends_first(self: JudgeKeeper) -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise RuntimeError
        await plain(self)

    monkeypatch.setattr(JudgeKeeper, "run", ends_first)
    async with kept(tmp_path, store, "import sys; sys.exit(3)"):
        await store.blamed.get()
    assert begun == 2
