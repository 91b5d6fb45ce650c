"""Several processes judge the files of one ``tingqing assess``: each has an engine, and takes the next file when done.

A file that ends its process, such as one that makes a decoder crash in it, costs that file alone: the process is
started again.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import server
from server.cli.asked import Asked
from server.cli.assess_worker import LENGTH_BYTES
from server.cli.outcomes import Told, of_line
from server.client.load.children import ended
from server.filenames import readable
from server.recording.batch import Unread
from server.settings import environment_with

AHEAD = 4
"""Files per process that may be done before one that is told earlier: results are held until their turn."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""One for each process: there are as many processes as cores should work."""
DIED = "worker_died"

WORKER = (sys.executable, "-P", "-m", "server.cli.assess_worker")

Named = tuple[str, Path]


class Jobs:
    """``run`` once. ``done`` of ``run`` is called in the order of the files, as soon as each one's turn has come."""

    def __init__(self, asked: Asked, files: Sequence[Named], processes: int, command: Sequence[str] = WORKER) -> None:
        """``command``: starts a process that does as ``assess_worker`` says."""
        self._command = command
        self._asked = asked
        self._files = list(files)
        self._processes = processes
        self._next = 0
        self._told = 0
        self._held: dict[int, Told] = {}
        self._turn = asyncio.Condition()

    async def run(self, done: Callable[[Told], None]) -> None:
        """Until every file was told. An error that ``done`` raises ends it, and all processes."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._processes, len(self._files))):
                    group.create_task(self._worker(done))
        except ExceptionGroup as raised:
            raise raised.exceptions[0] from None

    async def _worker(self, done: Callable[[Told], None]) -> None:
        process: asyncio.subprocess.Process | None = None
        try:
            while (at := await self._take()) is not None:
                process = process or await self._start()
                name, path = self._files[at]
                outcome = await _judged(process, name, path)
                if outcome is None:
                    await ended(process)
                    process = None
                    outcome = Unread(
                        readable(Path(name)),
                        DIED,
                        "The process that judged this file ended. Assess it alone with --log-level debug.",
                        "评估这个文件的进程意外退出。请单独评估，并加上 --log-level debug。",
                    )
                await self._hand_over(at, outcome, done)
        finally:
            if process is not None:
                await ended(process)

    async def _take(self) -> int | None:
        async with self._turn:
            await self._turn.wait_for(lambda: self._next - self._told < AHEAD * self._processes)
            if self._next >= len(self._files):
                return None
            self._next += 1
            return self._next - 1

    async def _hand_over(self, at: int, outcome: Told, done: Callable[[Told], None]) -> None:
        async with self._turn:
            self._held[at] = outcome
            while self._told in self._held:
                done(self._held.pop(self._told))
                self._told += 1
            self._turn.notify_all()

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment_with(dict.fromkeys(THREADS, "1"), Path(server.__file__).parents[1]),
        )
        try:
            await _send(process, self._asked.plain())
        except BaseException:
            await ended(process)
            raise
        return process


async def _judged(process: asyncio.subprocess.Process, name: str, path: Path) -> Told | None:
    """``None`` if the process ended. There is no deadline: a recording of hours may take as long as it takes."""
    assert process.stdout is not None
    try:
        await _send(process, [name, str(path)])
        length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
        return of_line(await process.stdout.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def _send(process: asyncio.subprocess.Process, value: object) -> None:
    """A name that is not UTF-8 travels as escapes of JSON."""
    assert process.stdin is not None
    with suppress(ConnectionError):  # it has ended, which reading tells
        process.stdin.write(json.dumps(value).encode() + b"\n")
        await process.stdin.drain()
