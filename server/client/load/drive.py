"""Runs paced patients in processes of their own, so that their work never delays each other's clocks."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence

from server.client.load.job import Job, Seen
from server.errors import ClientError

AT_ONE_PROCESS = 25
"""Patients of one process: it is then busy for a few percent of the time."""

ANSWER_BYTES = 64 * 1024 * 1024
START_S = 60.0


def shared_out(starts_s: Sequence[float], processes: int | None = None) -> list[list[float]]:
    """The patients' starts, one list for each process, those that start together apart from each other."""
    count = processes or -(-len(starts_s) // AT_ONE_PROCESS)
    return [list(starts_s[first::count]) for first in range(min(count, len(starts_s)))]


async def drive(job: Job, *, processes: int | None = None) -> list[Seen]:
    """Run ``job``, its patients shared out among processes. Raises ClientError if one of them cannot run."""
    jobs = [job.model_copy(update={"starts_s": starts}) for starts in shared_out(job.starts_s, processes)]
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(_worker()) for _ in jobs]
        async with asyncio.timeout(START_S):
            for worker in workers:
                assert worker.stdout is not None
                await worker.stdout.readline()
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(_run(*pair)) for pair in zip(workers, jobs, strict=True)]
        return [run.result() for run in runs]


async def _run(worker: asyncio.subprocess.Process, job: Job) -> Seen:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(job.model_dump_json().encode() + b"\n")
    await worker.stdin.drain()
    answer = await worker.stdout.readline()
    if not answer:
        raise ClientError("a process of patients ended early.", hint="See its message above.")
    return Seen.model_validate_json(answer)


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
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
