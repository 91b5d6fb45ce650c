"""Starts the workers, starts one that died again, and stops them all: ``run``. It serves nothing, and loads no model.

Stages as those of one process: the first signal lets sessions end, the second waits for none of them, the third
abandons what is left. A worker that ends by itself, or by a signal of its own, is replaced.
"""

import asyncio
import json
import logging
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.access.throttle import Throttle
from server.errors import SettingsError
from server.workers.board import KEY_BYTES, Board
from server.workers.control import MAX_LINE, STAGES, Command, counted
from server.workers.seat import BOARD

log = logging.getLogger(__name__)

BACKOFF_S, BACKOFF_MOST_S = 0.5, 30.0
STEADY_S = 60.0
"""A worker that lived so long is not the one that could not start: it comes back at once."""

MAX_FOLDER_BYTES = 90
"""A Unix socket's name has 104 bytes at most on some systems (``sun_path``)."""

LAST_S = 30.0
"""After ``drain_s``: who still runs then is killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """``command``: starts a worker; the number of its line is added. ``settings``: what each gets, JSON. ``sockets``:
    file descriptors that it inherits. ``drain_s``: how long sessions may take to end."""

    command: Sequence[str]
    settings: Mapping[str, Any]
    sockets: Sequence[int]
    workers: int
    environment: Mapping[str, str]
    drain_s: float
    requests_per_minute: int


class _Worker:
    """One process. ``ready``: it serves."""

    def __init__(self, process: asyncio.subprocess.Process, writer: asyncio.StreamWriter) -> None:
        self.process = process
        self.ready = asyncio.Event()
        self._writer = writer

    def tell(self, command: Command) -> None:
        """No answer is awaited."""
        self._writer.write(json.dumps({"command": command}).encode() + b"\n")

    def answer(self, message: Mapping[str, Any]) -> None:
        """To a request of the worker."""
        self._writer.write(json.dumps(message).encode() + b"\n")


def _folder() -> Path:
    """Of this run, 0700. Raises SettingsError."""
    folder = Path(tempfile.mkdtemp(prefix="tingqing-"))
    if len(str(folder).encode()) > MAX_FOLDER_BYTES:
        folder.rmdir()
        raise SettingsError(
            f"{folder.parent}: too long a name for sockets in it. Set TMPDIR to a shorter one.", param="TMPDIR"
        )
    return folder


class Supervisor:
    """Use once: ``run``."""

    def __init__(self, job: Job) -> None:
        """Raises SettingsError."""
        self._job = job
        self._folder = _folder()
        self._board = Board.create(self._folder / BOARD, job.workers, secrets.token_bytes(KEY_BYTES))
        self._throttle = Throttle(job.requests_per_minute)
        self._workers: dict[int, _Worker] = {}
        self._stages = iter(STAGES)
        self._stopping = asyncio.Event()
        self._failed: int | None = None

    async def run(self) -> int:
        """Until a signal. The exit code: 0, or that of a worker that could not start."""
        loop = asyncio.get_running_loop()
        ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # as nohup has it
        for number in (signal.SIGTERM, signal.SIGINT, *(() if ignored else (signal.SIGHUP,))):
            loop.add_signal_handler(number, self._next_stage)
        try:
            async with asyncio.TaskGroup() as group:
                keeping = [group.create_task(self._keep(0))]
                # One first: what it could not do, it says once, and it alone brings a data folder up to date.
                if await self._first_ready(keeping[0]):
                    keeping += [group.create_task(self._keep(index)) for index in range(1, self._job.workers)]
                group.create_task(self._announce())
                group.create_task(self._kill_late(keeping))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self._failed or 0

    def _next_stage(self) -> None:
        stage = next(self._stages, Command.ABANDON)
        self._board.stop()
        self._stopping.set()
        for worker in self._workers.values():
            worker.tell(stage)

    async def _first_ready(self, keeping: asyncio.Task[None]) -> bool:
        while not keeping.done() and not self._stopping.is_set():
            if (first := self._workers.get(0)) is not None and first.ready.is_set():
                return True
            await asyncio.wait({keeping}, timeout=0.05)
        return False

    async def _announce(self) -> None:
        """Once all serve."""
        while not self._stopping.is_set():
            there = [worker for worker in self._workers.values() if worker.ready.is_set()]
            if len(there) == self._job.workers:
                log.info("%d workers serve", len(there))
                self._workers[0].tell(Command.ANNOUNCE)
                return
            await asyncio.sleep(0.05)

    async def _kill_late(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        await self._stopping.wait()
        _, late = await asyncio.wait(keeping, timeout=self._job.drain_s + LAST_S)
        for worker in self._workers.values() if late else ():
            if worker.process.returncode is None:
                log.error("worker process %d did not stop in time and is killed", worker.process.pid)
                worker.process.kill()

    # -- one worker

    async def _keep(self, index: int) -> None:
        """Have worker ``index`` until all stop."""
        loop, wait_s, ever = asyncio.get_running_loop(), BACKOFF_S, False
        while not self._stopping.is_set():
            began = loop.time()
            code, served = await self._live(index)
            self._board.clear(index)
            ever = ever or served
            if self._stopping.is_set():
                return
            if not ever:
                self._failed = code if code > 0 else 1
                self._next_stage()
                return
            wait_s = BACKOFF_S if loop.time() - began > STEADY_S or code == 0 else min(BACKOFF_MOST_S, 2 * wait_s)
            log.log(
                logging.INFO if code == 0 else logging.ERROR,
                "worker %d ended with %d; another one starts in %g s",
                index + 1,
                code,
                wait_s,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()

    async def _live(self, index: int) -> tuple[int, bool]:
        """Its exit code, and whether it ever served."""
        ours, its = socket.socketpair()
        with its:
            process = await asyncio.create_subprocess_exec(
                *self._job.command,
                str(its.fileno()),
                pass_fds=(*self._job.sockets, its.fileno()),
                env=self._job.environment,
                process_group=0,  # Ctrl-C is for the supervisor alone, which tells them
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
        worker = self._workers[index] = _Worker(process, writer)
        log.info("worker %d starts: process %d", index + 1, process.pid)
        worker.answer(
            {
                "index": index,
                "count": self._job.workers,
                "folder": str(self._folder),
                "sockets": list(self._job.sockets),
                "settings": self._job.settings,
            }
        )
        if self._stopping.is_set():
            worker.tell(Command.DRAIN)
        serving = asyncio.create_task(self._serve(worker, reader))
        try:
            code = await process.wait()
        finally:
            serving.cancel()
            writer.close()
        return code, worker.ready.is_set()

    async def _serve(self, worker: _Worker, reader: asyncio.StreamReader) -> None:
        """Count for it, until its line ends."""
        try:
            while line := await reader.readline():
                told = json.loads(line)
                if told.get("ready"):
                    worker.ready.set()
                else:
                    worker.answer(counted(self._throttle, told))
        except ConnectionError:
            return
