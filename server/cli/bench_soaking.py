"""Opens and closes sessions on a server of its own, and compares what the server holds before and after."""

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from server.cli.bench_load import job_of, warm
from server.cli.bench_running import Running, running
from server.client.load.drive import drive
from server.client.load.job import Job, Patient

AT_ONE_ROUND = 1000
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""The event loop's own threads begin when they are first needed, and stay (``ThreadPoolExecutor``)."""

ASK_EVERY_S = 1.0
HELD = ("tasks", "descriptors", "live", "waiting", "observers")
"""Of these nothing may be left."""


async def run(sessions: int, at_once: int, seconds: float, settle_s: float) -> dict[str, Any]:
    """Raises ClientError, Failure. ``left``: what the server holds more of than before."""
    with TemporaryDirectory() as folder:
        job = job_of(Path(folder), seconds=seconds)
        async with running(None, {"clap": "off", "max_sessions": max(64, 2 * at_once), "admission": "fixed"}) as server:
            await warm(job, server)
            before = await _held(server, settle_s)
            patients = await _rounds(job, server, sessions // 2, at_once)
            half = await _held(server, 0.0)
            patients += await _rounds(job, server, sessions - sessions // 2, at_once)
            after = await _held(server, settle_s)
    broken = sum(one.aborted for one in patients)
    return {
        "sessions": len(patients),
        "broken_off": broken,
        "ended": sum(one.ended for one in patients),
        "refused": sum(one.refused is not None for one in patients),
        "errors": sorted({code for one in patients for code in one.errors}),
        "before": before,
        "half": half,
        "after": after,
        "left": _left(before, after),
    }


def _left(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    left = {name: after[name] - before[name] for name in HELD if before[name] is not None and after[name] is not None}
    if before["threads"] is not None and after["threads"] is not None:
        left["threads"] = after["threads"] - before["threads"] - POOL_THREADS
    return {name: count for name, count in left.items() if count > 0}


async def _rounds(job: Job, server: Running, sessions: int, at_once: int) -> list[Patient]:
    patients: list[Patient] = []
    while len(patients) < sessions:
        count = min(AT_ONE_ROUND, sessions - len(patients))
        starts_s = [job.seconds * number / at_once for number in range(count)]
        seen = await drive(
            job.model_copy(update={"url": server.url, "starts_s": starts_s, "brutal": True}), processes=1
        )
        patients += [patient for one in seen for patient in one.patients]
    return patients


async def _held(server: Running, settle_s: float) -> dict[str, Any]:
    """What the server holds once nobody is there any more, or after ``settle_s`` seconds."""
    told = await server.ready()
    until = asyncio.get_running_loop().time() + settle_s
    while any(_sessions(told).values()) and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(ASK_EVERY_S)
        told = await server.ready()
    use = server.use()
    return {
        "rss_mb": None if use.resident_bytes is None else round(use.resident_bytes / 1e6, 1),
        "tasks": told.get("tasks"),
        "threads": use.threads,
        "descriptors": use.descriptors,
        **_sessions(told),
    }


def _sessions(told: dict[str, Any]) -> dict[str, int]:
    return {name: int(told.get("sessions", {}).get(name, 0)) for name in ("live", "waiting", "observers")}
