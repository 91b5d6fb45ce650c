"""A process of paced patients: a Job comes on standard input, what was Seen goes to standard output."""

import asyncio
import resource
import sys
from pathlib import Path

from server.client.load.job import Job, Patient, Seen
from server.client.load.patient import run_patient


async def run(job: Job, pcm: bytes) -> Seen:
    """All patients of this process. Its own start counts for nothing."""
    began = resource.getrusage(resource.RUSAGE_SELF)
    places = asyncio.Semaphore(job.at_once or max(1, len(job.starts_s)))

    async def one(number: int, delay_s: float) -> Patient:
        async with places:
            return await run_patient(job, pcm, number, delay_s)

    async with asyncio.TaskGroup() as group:
        patients = [group.create_task(one(number, delay_s)) for number, delay_s in enumerate(job.starts_s)]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Seen(
        patients=[one.result() for one in patients],
        cpu_s=used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime,
    )


def main() -> None:
    """Announces itself with one line, waits for the job, answers with one line."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:  # whoever asked is gone
        sys.exit(2)
    job = Job.model_validate_json(line)
    try:
        pcm = Path(job.pcm).read_bytes()
    except OSError as error:
        sys.exit(f"tingqing: the patients' audio cannot be read: {error.strerror}.")
    seen = asyncio.run(run(job, pcm))
    sys.stdout.write(seen.model_dump_json() + "\n")


if __name__ == "__main__":
    main()
