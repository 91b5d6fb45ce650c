"""Which files are judged side by side."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from server.assessment.engine import Engine
from server.batches.batch import BatchStore, Fault, Judgement, Options, TakenFile
from server.batches.folder import BatchFolders
from server.batches.judging import MOST_TRIES, Judging, JudgingLimits
from server.errors import UndecodableFileError
from server.recording.decoders.limits import Decoders


def file(number: int, tries: int) -> TakenFile:
    return TakenFile(number, "b", "ward", f"{number}.wav", None, None, f"{number}.audio", 1, Options(), tries)


LAST = 6


class Queue:
    """Of a store, what judging asks for."""

    def __init__(self, *files: TakenFile) -> None:
        self._files = list(files)
        self.refusals: dict[int, Fault] = {}
        self.done = asyncio.Event()

    async def take(self) -> TakenFile | None:
        return self._files.pop(0) if self._files else None

    async def held(self) -> set[int]:
        return set(range(99))

    async def refused(self, file: TakenFile, fault: Fault) -> None:
        self.refusals[file.number] = fault
        if file.number == LAST:
            self.done.set()


async def test_a_file_with_which_a_process_ended_is_judged_alone_and_refused_after_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging: set[int] = set()
    beside: dict[int, set[int]] = {}

    async def judgement(_self: Judging, one: TakenFile) -> Judgement:
        judging.add(one.number)
        for number in judging:
            beside.setdefault(number, set()).update(judging)
        for _ in range(20):
            await asyncio.sleep(0)
        judging.remove(one.number)
        raise UndecodableFileError("no sound")

    monkeypatch.setattr(Judging, "_judgement", judgement)
    store = Queue(file(1, 0), file(2, 0), file(3, 1), file(4, 0), file(5, MOST_TRIES - 1), file(LAST, MOST_TRIES))
    limits = JudgingLimits(60.0, 60.0, Decoders())
    async with asyncio.timeout(60):
        running = Judging(cast(Engine, None), cast(BatchStore, store), BatchFolders(tmp_path), limits).run(600.0)
        task = asyncio.create_task(running)
        await store.done.wait()
        task.cancel()
        await asyncio.wait({task})
    assert beside == {1: {1, 2}, 2: {1, 2}, 3: {3}, 4: {4}, 5: {5}}
    assert store.refusals[LAST].code == "internal"
