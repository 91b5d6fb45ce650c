"""Runs paced patients in processes of their own, so that their work never delays each other's clocks."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence

from pydantic import ValidationError

from server.client.load.children import ended
from server.client.load.job import Job, Seen
from server.client.load.patient import LAST_S, OPEN_S
from server.errors import ClientError

AT_ONE_PROCESS = 25
"""Patients of one process: it is then busy for a few percent of the time."""

ANSWER_BYTES = 64 * 1024 * 1024
START_S = 60.0
SPARE_S = 60.0
"""Beyond what patients allow themselves, before their process counts as stuck."""


def shared_out(starts_s: Sequence[float], processes: int | None = None) -> list[list[float]]:
    """The patients' starts, one list for each process, those that start together apart from each other."""
    count = processes or -(-len(starts_s) // AT_ONE_PROCESS)
    return [list(starts_s[first::count]) for first in range(min(count, len(starts_s)))]


async def drive(job: Job, *, processes: int | None = None) -> list[Seen]:
    """Run ``job``, its patients shared out among processes. Raises ClientError if one of them cannot run, ends early or
    gets stuck; the others are then ended."""
    jobs = [job.model_copy(update={"starts_s": starts}) for starts in shared_out(job.starts_s, processes)]
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(_worker()) for _ in jobs]
        await _ready(workers)
        try:
            async with asyncio.TaskGroup() as group:
                runs = [group.create_task(_run(*pair)) for pair in zip(workers, jobs, strict=True)]
        except ExceptionGroup as faults:  # the first one ended the others
            raise faults.exceptions[0] from None
        return [run.result() for run in runs]


async def _ready(workers: Sequence[asyncio.subprocess.Process]) -> None:
    try:
        async with asyncio.timeout(START_S):
            for worker in workers:
                assert worker.stdout is not None
                if not await worker.stdout.readline():
                    raise await _ended_early(worker)
    except TimeoutError:
        raise ClientError(
            f"a process of patients did not start within {START_S:g} s.", hint="This machine is too busy to measure."
        ) from None


async def _run(worker: asyncio.subprocess.Process, job: Job) -> Seen:
    assert worker.stdin is not None
    assert worker.stdout is not None
    turns = -(-len(job.starts_s) // (job.at_once or len(job.starts_s)))
    within_s = max(job.starts_s) + turns * (OPEN_S + 2 * job.seconds + LAST_S) + SPARE_S
    try:
        async with asyncio.timeout(within_s):
            worker.stdin.write(job.model_dump_json().encode() + b"\n")
            await worker.stdin.drain()
            answer = await worker.stdout.readline()
    except TimeoutError:
        raise ClientError(
            f"a process of patients gave no answer within {within_s:g} s.", hint="This machine is too busy to measure."
        ) from None
    except (ConnectionError, ValueError):  # a broken pipe; an answer longer than any
        raise await _ended_early(worker) from None
    if not answer.endswith(b"\n"):
        raise await _ended_early(worker)
    try:
        return Seen.model_validate_json(answer)
    except ValidationError:
        raise ClientError("a process of patients answered nonsense.", hint="See its message above.") from None


async def _ended_early(worker: asyncio.subprocess.Process) -> ClientError:
    try:
        async with asyncio.timeout(1.0):
            code = await worker.wait()
    except TimeoutError:
        return ClientError("a process of patients broke off.", hint="See its message above.")
    how = f"was killed (signal {-code})" if code < 0 else f"ended early (exit code {code})"
    hint = "Was there too little memory?" if code < 0 else "See its message above."
    return ClientError(f"a process of patients {how}.", hint=hint)


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[asyncio.subprocess.Process]:
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.client.load.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=ANSWER_BYTES,
    )
    try:
        yield worker
    finally:
        await ended(worker)
