"""Opens and closes sessions on a server of its own, and compares what the server holds before and after."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from server.client.load.drive import drive
from server.client.load.job import Job, Patient
from server.client.load.measuring import job_of, warm
from server.client.load.running import Running, running

AT_ONE_ROUND = 1000
POOL_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""The event loop's own threads begin when they are first needed, and stay (``ThreadPoolExecutor``)."""

ASK_EVERY_S = 1.0
FORGET_S = 125.0
"""Results are kept for two minutes: only then a session is gone."""

HELD = ("tasks", "descriptors", "live", "waiting", "observers")
"""Of these nothing may be left."""

MEMORY = 0.02
"""Share by which the memory may grow: what the allocator could not give back."""


@dataclass(frozen=True, slots=True)
class Soak:
    """``at_once`` patients at a time, each with ``seconds`` of audio at ``pace``: ``sessions`` of them, or as many as
    come in ``hours``. ``settle_s``: how long each look at the server waits at most for what is left: looks that wait
    alike can be compared."""

    sessions: int
    hours: float | None
    at_once: int
    seconds: float
    pace: str
    settle_s: float

    @property
    def places(self) -> int:
        """Sessions that the server holds at most, with and without their patients."""
        return max(64, 2 * self.at_once)


async def run(soak: Soak) -> dict[str, Any]:
    """Raises ClientError, Failure. ``left``: what the server holds more of than before.

    Before the first look as many sessions run as the server can hold, half of them broken off: memory that it needs
    for its work, and keeps, is no leak.
    """
    with TemporaryDirectory() as folder:
        job = job_of(Path(folder), seconds=soak.seconds, pace=soak.pace, at_once=soak.at_once, brutal=True)
        settings = {"clap": "off", "max_sessions": soak.places, "admission": "fixed"}
        async with running(None, settings) as server:
            await warm(job.model_copy(update={"brutal": False}), server)
            if soak.settle_s:
                await _round(job, server, 2 * soak.places)
            before = await _held(server, soak.settle_s)
            patients = await _some(job, server, soak, 0.5)
            half = await _held(server, soak.settle_s)
            patients += await _some(job, server, soak, 0.5)
            after = await _held(server, soak.settle_s)
    return {
        "sessions": len(patients),
        "broken_off": sum(one.aborted for one in patients),
        "ended": sum(one.ended for one in patients),
        "refused": sum(one.refused is not None for one in patients),
        "errors": dict(Counter(code for one in patients for code in one.errors)),
        "before": before,
        "half": half,
        "after": after,
        "left": _left(before, after),
    }


def _left(before: dict[str, Any], after: dict[str, Any]) -> dict[str, float]:
    more = {
        name: after[name] - before[name]
        for name in (*HELD, "threads", "rss_mb")
        if before[name] is not None and after[name] is not None
    }
    allowed = {"threads": POOL_THREADS, "rss_mb": MEMORY * (before["rss_mb"] or 0)}
    return {name: round(count, 1) for name, count in more.items() if count > allowed.get(name, 0)}


async def _some(job: Job, server: Running, soak: Soak, part: float) -> list[Patient]:
    """That ``part`` of the sessions or of the hours."""
    patients: list[Patient] = []
    wanted = round(part * soak.sessions)
    clock = asyncio.get_running_loop().time
    until = None if soak.hours is None else clock() + part * soak.hours * 3600
    while clock() < until if until is not None else len(patients) < wanted:
        patients += await _round(job, server, AT_ONE_ROUND if until else min(AT_ONE_ROUND, wanted - len(patients)))
    return patients


async def _round(job: Job, server: Running, count: int) -> list[Patient]:
    seen = await drive(job.model_copy(update={"url": server.url, "starts_s": [0.0] * count}), processes=1)
    return [patient for one in seen for patient in one.patients]


async def _held(server: Running, settle_s: float) -> dict[str, Any]:
    """What the server holds once nobody is there any more and their results are gone, or after ``settle_s`` seconds."""
    clock = asyncio.get_running_loop().time
    until = clock() + settle_s
    told = await server.ready()
    while any(_sessions(told).values()) and clock() < until:
        await asyncio.sleep(ASK_EVERY_S)
        told = await server.ready()
    await asyncio.sleep(max(0.0, min(FORGET_S, until - clock())))
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
