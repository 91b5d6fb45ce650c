"""Keeps a process that judges batches running while files wait, and no longer."""

import asyncio
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import server
from server.access.gate import utc_now
from server.batches.batch import BatchStore
from server.batches.folder import BatchFolders
from server.errors import StoreError

log = logging.getLogger(__name__)

PACKAGE = str(Path(server.__file__).parents[1])
BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from server.cli.batch_worker import begin; begin()"

LOOK_S = 1.0
SWEEP_S, SWEEP_SHARED_S = 600.0, 30.0
"""Between two looks for files that belong to nothing. The second where other machines may have deleted their batch."""

BACKOFF_S, BACKOFF_MOST_S = 1.0, 60.0
"""Between a process that failed and the next one."""

STOPPED = frozenset({-signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGINT})
"""Exit codes of a process that somebody stopped, a service manager for example: no file is to blame."""

STOP_S = 5.0
"""A process that has not ended so long after it was told to is killed; what it was judging is taken up again."""


@dataclass(frozen=True, slots=True)
class Judges:
    """``command`` starts a process that reads ``job`` and its ``id``, one line of JSON, and judges until nothing waits
    or its standard input ends, as it does when its parent is killed. ``count``: of such processes, for all servers that
    share the folder; who has one holds its lock."""

    command: Sequence[str]
    job: Mapping[str, Any]
    count: int

    @classmethod
    def of(cls, settings: BaseModel, count: int) -> "Judges":
        """``server.cli.batch_worker``, of this very package, with these settings; no key of a client is handed on."""
        job = {"settings": settings.model_dump(mode="json", exclude={"key"})}
        return cls((sys.executable, "-P", "-c", BEGIN, PACKAGE), job, count)


class JudgeKeeper:
    """``run`` in a task of the server. ``running``: whether a process judges for this one; ``failing``: whether the
    last round of one failed, and how is in the log."""

    def __init__(self, judges: Judges, store: BatchStore, folders: BatchFolders, kept: timedelta) -> None:
        """``kept``: for so long after its end a batch can be asked for."""
        self._judges = judges
        self._kept = kept
        self._store = store
        self._folders = folders
        self._here = 0
        self._failing: set[int] = set()
        self._news = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether files are judged by a process of this server."""
        return self._here > 0

    @property
    def failing(self) -> bool:
        """Whether files wait that cannot be judged for now."""
        return bool(self._failing)

    def wake(self) -> None:
        """Files have come."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; its processes end then."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            for number in range(self._judges.count):
                group.create_task(self._keep(number), name=f"judge {number}")

    async def _sweep(self) -> None:
        """Old batches, and folders that belong to nothing."""
        while True:
            for sweep in (self._forget_old, self._sweep_folders):
                try:
                    await sweep()
                except Exception as error:  # one must not hold up the other, nor the next time
                    _log_failure("old batches could not be cleared away", error)
            await asyncio.sleep(SWEEP_SHARED_S if self._store.shared else SWEEP_S)

    async def _forget_old(self) -> None:
        while await self._store.forget(utc_now() - self._kept):
            pass

    async def _sweep_folders(self) -> None:
        known = await self._store.known()
        await asyncio.to_thread(self._folders.sweep, known)

    async def _keep(self, number: int) -> None:
        """Nothing that goes wrong in one round ends it: a machine out of memory or files may have some again later."""
        backoff_s = BACKOFF_S
        while True:
            try:
                failed = not await self._round(number)
            except Exception as error:
                _log_failure("batches cannot be judged", error)
                failed = True
            if failed:
                self._failing.add(number)
                log.error("the next process that judges batches begins in %g s", backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MOST_S)
            else:
                self._failing.discard(number)
                backoff_s = BACKOFF_S

    async def _round(self, number: int) -> bool:
        """A process from its beginning to its end, or a rest if none is needed. Whether all went well."""
        self._news.clear()
        if not await self._store.waiting() or (lock := self._locked(number)) is None:
            await self._rest()
            return True
        process_id = secrets.token_hex(8)
        try:
            code = await self._judge(process_id)
        finally:
            os.close(lock)
        if code == 0:
            return True
        log.error("a process that judges batches ended with %s", code)
        if code not in STOPPED:
            await self._store.ended(process_id)
        return False

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._news.wait()

    def _locked(self, number: int) -> int | None:
        """The lock of judge ``number``; ``None``: another server has it. Raises OSError."""
        self._folders.make()
        lock = os.open(self._folders.root / f"judge-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    async def _judge(self, process_id: str) -> int:
        """One process, from its beginning to its end; its exit code."""
        process = await asyncio.create_subprocess_exec(*self._judges.command, stdin=asyncio.subprocess.PIPE)
        self._here += 1
        try:
            assert process.stdin is not None
            job = {**self._judges.job, "id": process_id}
            process.stdin.write(json.dumps(job).encode() + b"\n")
            with suppress(ConnectionError):
                await process.stdin.drain()
            return await process.wait()
        finally:
            self._here -= 1
            await _ended(process)


def _log_failure(what: str, error: Exception) -> None:
    """Without a traceback where the cause is known: its lines would fill the log."""
    if isinstance(error, StoreError | OSError):
        log.error("%s: %s", what, getattr(error, "strerror", None) or error)
    else:
        log.error("%s", what, exc_info=error)


async def _kept_on(keeper: JudgeKeeper) -> None:
    """Begun again if it should ever end."""
    while True:
        try:
            await keeper.run()
        except Exception as error:
            _log_failure("the keeper of batches ended and begins again", error)
        await asyncio.sleep(BACKOFF_S)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def keeping(keeper: JudgeKeeper | None) -> AsyncIterator[None]:
    """It keeps processes while the block runs; ``None``: there are no batches."""
    if keeper is None:
        yield
        return
    running = asyncio.create_task(_kept_on(keeper), name="judges")
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
