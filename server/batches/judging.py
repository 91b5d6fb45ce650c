"""Judges the files of batches, a few at a time, in a process of its own that steps back for live sessions."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from server.access.gate import utc_now
from server.assessment.engine import Engine
from server.assessment.result import Result
from server.batches import faults
from server.batches.batch import BatchStore, Fault, Judgement, TakenFile
from server.batches.folder import BatchFolders
from server.batches.transcripts import read_beside
from server.errors import ScoringError, StoreError, TingqingError
from server.recording.channels import parse_roles
from server.recording.decode import Recording, read_recording
from server.recording.decoders.limits import Decoders
from server.recording.decoders.raw import parse_raw
from server.recording.parties import assess_recording
from server.rendering.results import result_json
from server.rendering.thinning import thinned
from server.scoring.spending import Spending
from server.scoring.until_done import to_thread_until_done
from server.values.audio import CaptureSource
from server.values.mode import Mode

log = logging.getLogger(__name__)

AT_ONCE = 2
"""One file is decoded and measured while another waits for its scores."""

LOOK_S = 1.0
"""How soon a deleted file is let go, and how long the pause is when nothing waits."""

AGAIN_S = 2.0
MOST_TRIES = 5
"""A file with which so many processes ended is refused. After the first it is judged alone: it harms no other then."""

MOST_FAILURES = 3
"""Of the scorers, with one file, in one process."""


@dataclass(frozen=True, slots=True)
class JudgingLimits:
    """``max_s`` of decoded audio; ``cpu_s`` of a file, and as much again for each megabyte of it; ``decoders``: those
    beside libsndfile."""

    max_s: float
    cpu_s: float
    decoders: Decoders


class Judging:
    """``run`` until nothing has waited for ``idle_s`` seconds, or until cancelled: what was not settled then is taken
    up by the next process, and counts no try."""

    def __init__(
        self,
        engine: Engine,
        store: BatchStore,
        folders: BatchFolders,
        limits: JudgingLimits,
        *,
        judged: Callable[[], None] = lambda: None,
    ) -> None:
        """``judged`` is called with each file that is settled."""
        self._engine = engine
        self._store = store
        self._folders = folders
        self._limits = limits
        self._judged = judged
        self._running: dict[int, asyncio.Task[None]] = {}
        self._suspect: set[int] = set()
        self._settling: set[int] = set()

    async def run(self, idle_s: float) -> None:
        """One file after another, ``AT_ONCE`` side by side."""
        loop = asyncio.get_running_loop()
        idle_since = loop.time()
        async with asyncio.TaskGroup() as group:
            while self._running or loop.time() - idle_since < idle_s:
                try:
                    await self._let_go()
                    while self._has_room() and (file := await self._store.take()) is not None:
                        beside = list(self._running.values()) if file.tries else []
                        if file.tries:
                            self._suspect.add(file.number)
                        task = group.create_task(self._work(file, beside), name=f"file {file.number}")
                        self._running[file.number] = task
                except StoreError:
                    log.warning("the batches cannot be read; trying again")
                if self._running:
                    idle_since = loop.time()
                    await asyncio.wait(self._running.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.sleep(min(LOOK_S, idle_s))
                self._running = {number: task for number, task in self._running.items() if not task.done()}

    def _has_room(self) -> bool:
        return len(self._running) < AT_ONCE and not self._suspect & self._running.keys()

    async def _let_go(self) -> None:
        """Stop judging what was deleted."""
        if not self._running:
            return
        before = dict(self._running)
        held = await self._store.held()
        for number, task in before.items():
            if number not in held and number not in self._settling and not task.done():
                task.cancel()

    async def _work(self, file: TakenFile, beside: Sequence["asyncio.Task[None]"]) -> None:
        if beside:
            await asyncio.wait(beside)
        outcome = await self._outcome(file)
        self._settling.add(file.number)
        while True:
            try:
                if isinstance(outcome, Judgement):
                    await self._store.judged(file, outcome)
                else:
                    await self._store.refused(file, outcome)
                break
            except StoreError:
                await asyncio.sleep(AGAIN_S)
        with suppress(OSError):  # then the sweep removes it
            await asyncio.to_thread(self._folders.forget, file.batch_id, file.path)
        self._settling.discard(file.number)
        self._judged()

    async def _outcome(self, file: TakenFile) -> Judgement | Fault:
        if file.tries >= MOST_TRIES:
            return faults.crashed()
        try:
            return await self._judgement(file)
        except FileNotFoundError:
            return faults.lost()
        except TingqingError as error:
            return faults.fault_of(error)
        except Exception:  # a bug met in one file must not hold up the others
            log.exception("a file of a batch could not be judged")
            return faults.failed()

    async def _judgement(self, file: TakenFile) -> Judgement:
        path = self._folders.of(file.batch_id) / file.path
        if (await asyncio.to_thread(path.stat)).st_size != file.size:
            raise FileNotFoundError(path)
        options, began = file.options, utc_now()
        labels = await asyncio.to_thread(self._engine.dictionaries.resolve, options.labels)
        said = await asyncio.to_thread(read_beside, path)
        roles = parse_roles(options.channels) if options.channels else None
        raw = parse_raw(options.raw) if options.raw else None
        failures = 0
        while True:
            with Spending(self._limits.cpu_s * (1.0 + file.size / 1e6)).limiting():
                recording: Recording = await to_thread_until_done(
                    lambda: read_recording(
                        path, file.name, max_s=self._limits.max_s, roles=roles, decoders=self._limits.decoders, raw=raw
                    )
                )
                try:
                    result = await assess_recording(
                        self._engine,
                        recording,
                        labels,
                        mode=Mode(options.mode),
                        source=CaptureSource(options.source),
                        name=file.name,
                        reference=file.reference,
                        transcript=said,
                    )
                except ScoringError:
                    failures += 1
                    if failures >= MOST_FAILURES:
                        raise
                    await asyncio.sleep(AGAIN_S)
                    continue
            identity = replace(result.identity, attempt_of=file.attempt_of)
            result = replace(result, identity=identity)
            return Judgement(result, began, await asyncio.to_thread(_rendered, result, options.windows))


def _rendered(result: Result, windows: str) -> str:
    if windows == "none":
        return result_json(replace(result, windows=result.windows[:0]))
    return result_json(result if windows == "all" else thinned(result))
