"""Puts paced patients on a server and says how late its updates came, what it used, and how many it holds."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from server.client.load.drive import drive
from server.client.load.figures import ServerUse, figures, holds
from server.client.load.job import Job
from server.client.load.material import write_pcm
from server.client.load.running import Running, running
from server.client.load.search import search

WARM_S = 16.0
"""Long enough for the first DNSMOS, after which the server has what it keeps whatever the load."""

SAMPLE_S = 0.5
MOST = 512


@dataclass(frozen=True, slots=True)
class Load:
    """``spread_s``: over this time the sessions begin, evenly; patients do not come together."""

    seconds: float
    file: Path | None = None
    labels: str | None = None
    observers: int = 0
    spread_s: float = 5.0
    key: str | None = None


async def measure(load: Load, sessions: int, url: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """One load of ``sessions``. Raises ClientError."""
    with TemporaryDirectory() as folder:
        job = paced(load, Path(folder))
        async with running(url, settings) as server:
            await warm(job, server)
            return await put(job, load, sessions, server) | _about(server, settings)


async def find(load: Load, first: int, probes: int, url: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """The largest number of sessions that the server holds, with what each try saw. Raises ClientError."""
    tried: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        job = paced(load, Path(folder))
        async with running(url, settings) as server:
            await warm(job, server)

            async def probe(sessions: int) -> bool:
                told = await put(job, load, sessions, server)
                held = holds(told)
                tried.append(told | {"held": held})
                _say(f"{sessions} sessions: p95 {told['lag_ms']['p95']} ms, {'held' if held else 'not held'}")
                return held

            most = await search(probe, first, probes, MOST)
            about = _about(server, settings)
    best = next((one for one in tried if one["sessions"] == most and one["held"]), None)
    return {"most_sessions": most, "lag_ms": None if best is None else best["lag_ms"], "tried": tried} | about


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _about(server: Running, settings: dict[str, Any]) -> dict[str, Any]:
    return {"cpus": os.cpu_count(), "clap": settings.get("clap") if server.pid is not None else None}


def job_of(folder: Path, file: Path | None = None, **given: Any) -> Job:
    """A job without patients, its audio decoded once into ``folder``. Raises ClientError, UndecodableFileError."""
    path = folder / "patient.pcm"
    rate = write_pcm(file, path)
    return Job(url="", pcm=str(path), sample_rate=rate, starts_s=[], **given)


def paced(load: Load, folder: Path) -> Job:
    """The job of ``load``. Raises ClientError, UndecodableFileError."""
    return job_of(folder, load.file, key=load.key, seconds=load.seconds, labels=load.labels, observers=load.observers)


async def warm(job: Job, server: Running) -> None:
    """One quick session: models loaded on first use must count for no session."""
    await server.ready()
    await drive(job.model_copy(update={"url": server.url, "seconds": WARM_S, "starts_s": [0.0], "pace": "fast"}))


async def put(
    job: Job, load: Load, sessions: int, server: Running, starts_s: Sequence[float] | None = None
) -> dict[str, Any]:
    """``figures`` of one load. ``starts_s``: of each session, if not evenly over ``spread_s``."""
    starts_s = starts_s or [load.spread_s * number / sessions for number in range(sessions)]
    parts = await server.shed_counts()
    before, loop_s = server.use(), server.loop_cpu_s()
    residents: list[int] = []
    sampling = asyncio.create_task(_sample(server, residents))
    try:
        seen = await drive(job.model_copy(update={"url": server.url, "starts_s": list(starts_s)}))
    finally:
        sampling.cancel()
    after, loop_after_s = server.use(), server.loop_cpu_s()
    used = ServerUse(
        None if after.cpu_s is None or before.cpu_s is None else after.cpu_s - before.cpu_s,
        before.resident_bytes,
        max(residents, default=None),
        None if loop_after_s is None or loop_s is None else loop_after_s - loop_s,
    )
    without = {part: count - parts.get(part, 0) for part, count in (await server.shed_counts()).items()}
    told = figures(seen, load.seconds, max(starts_s), used)
    return told | {"without": without, "observers": load.observers}


async def _sample(server: Running, residents: list[int]) -> None:
    while (resident := server.use().resident_bytes) is not None:
        residents.append(resident)
        await asyncio.sleep(SAMPLE_S)
