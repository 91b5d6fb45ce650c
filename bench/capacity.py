"""How many sessions this machine holds: lag, what is left out, CPU and memory by number of sessions, in one go.

    python bench/capacity.py [--file VISIT] [--seconds 20] [--workers W] [--out FILE.json]

Takes some seven minutes on an otherwise quiet machine; on a busy one its figures are of no use. Prints a table in
Markdown, and one JSON object on the last line. First a server that lets in everybody gets 1, 4, 8, 14 and 20 sessions,
and the largest number with a 95th percentile under 500 ms is searched. Then a server with measured admission gets that
number, and in a second load as many again once those are in: the newcomers should be refused, and the others keep
their 95th percentile within 1.2 times.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import fft

from server.client.load.figures import holds
from server.client.load.job import Job
from server.client.load.measuring import Load, paced, put, warm
from server.client.load.running import running
from server.client.load.search import search

SESSIONS = (1, 4, 8, 14, 20)
MOST, PROBES = 256, 6
SPREAD_S = 4.0
LATER_S = 3.0
"""After the last of those who come first, the newcomers of the last load begin."""

COLUMNS = ("load", "let in", "refused", "p50", "p95", "p99", "left out", "CPU ms", "loop ms", "cores", "MB")
ABOUT = (
    "Lag in milliseconds. Left out: windows without a part, by part. CPU and loop: milliseconds of all threads and of "
    "the event loop's, for each second of each session. MB: resident memory of one session."
)


async def run(load: Load, settings: dict[str, Any]) -> dict[str, Any]:
    """All loads, by name."""
    loads: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        job = paced(load, Path(folder))
        most = await _fixed(job, load, settings | {"admission": "fixed"}, loads)
        if most:
            await _measured(job, load, settings | {"admission": "measured"}, most, loads)
    twice, once = loads.get("twice as many, measured"), loads.get("as many, measured")
    ratio = None
    if twice and once and once["lag_ms"]["p95"] and twice["lag_ms"]["p95"]:
        ratio = round(twice["lag_ms"]["p95"] / once["lag_ms"]["p95"], 2)
    return {
        "most_sessions": most,
        "refused_at_twice": twice and twice["refused"],
        "p95_ratio_at_twice": ratio,
        "cpus": os.cpu_count(),
        "side_by_side": await asyncio.to_thread(side_by_side),
        "seconds": load.seconds,
        "settings": settings,
        "loads": loads,
    }


async def _fixed(job: Job, load: Load, settings: dict[str, Any], loads: dict[str, dict[str, Any]]) -> int:
    """The largest number that holds."""
    async with running(None, settings) as server:
        await warm(job, server)
        idle = server.use().resident_bytes

        async def probe(sessions: int) -> bool:
            told = await put(job, load, sessions, server)
            loads[str(sessions)] = told | {"held": holds(told), "mb": _each(told, idle)}
            _say(str(sessions), told)
            return bool(loads[str(sessions)]["held"])

        held = [sessions for sessions in SESSIONS if await probe(sessions)]
        if held and held[-1] == SESSIONS[-1]:
            return max(held[-1], await search(probe, SESSIONS[-1] * 3 // 2, PROBES, MOST))
        return max(held, default=0)


async def _measured(
    job: Job, load: Load, settings: dict[str, Any], most: int, loads: dict[str, dict[str, Any]]
) -> None:
    first = [load.spread_s * number / most for number in range(most)]
    later = [load.spread_s + LATER_S + start for start in first]
    for name, starts in (("as many, measured", first), ("twice as many, measured", first + later)):
        async with running(None, settings) as server:
            await warm(job, server)
            idle = server.use().resident_bytes
            told = await put(job, load, len(starts), server, starts)
            loads[name] = told | {"mb": _each(told, idle)}
            _say(name, loads[name])


def side_by_side() -> float:
    """How much longer the same work takes of each CPU's time if all CPUs do it at once than if one does it alone: 1 on
    whole cores, up to 2 where CPUs share one. Workers cannot give more than the number of CPUs divided by it."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        everybody = [pool.submit(_work_s) for _ in range(os.cpu_count() or 1)]
        together = max(one.result() for one in everybody)
        alone = pool.submit(_work_s).result()
    return round(together / alone, 2)


def _work_s() -> float:
    """CPU seconds of half a second or so of transforms, the least of five."""
    frames = np.random.default_rng(0).standard_normal((100, 512)).astype(np.float32)
    took: list[float] = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(500):
            fft.rfft(frames, axis=1)
        took.append(time.process_time() - began)
    return min(took)


def _each(told: Mapping[str, Any], idle: int | None) -> float | None:
    """Megabytes that each session that was let in added to a server without any."""
    let_in = told["sessions"] - told["refused"]
    return None if idle is None or told["rss_mb"] is None else round((told["rss_mb"] - idle / 1e6) / max(1, let_in), 2)


def _say(name: str, told: Mapping[str, Any]) -> None:
    print(f"{name}: p95 {told['lag_ms']['p95']} ms, refused {told['refused']}", file=sys.stderr, flush=True)


def table(told: Mapping[str, Any]) -> str:
    """In Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join(_cells(name, one))} |" for name, one in _in_order(told["loads"])]
    lines += ["", ABOUT, ""]
    lines.append(f"Most sessions with p95 under 500 ms: {told['most_sessions']}.")
    if told["refused_at_twice"] is not None:
        lines[-1] += f" Of twice as many {told['refused_at_twice']} were refused"
        lines[-1] += f", and p95 was {told['p95_ratio_at_twice']} times as long."
    lines.append(f"Work on all CPUs at once takes {told['side_by_side']} times the CPU time of work on one.")
    return "\n".join(lines)


def _in_order(loads: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(loads.items(), key=lambda item: (not item[0].isdigit(), item[1]["sessions"]))


def _cells(name: str, one: Mapping[str, Any]) -> list[str]:
    lag = one["lag_ms"]
    without = ", ".join(f"{part} {count}" for part, count in one["without"].items() if count)
    figures = (
        one["sessions"] - one["refused"],
        one["refused"],
        *(lag[percentile] for percentile in ("p50", "p95", "p99")),
        f"{without or '–'} of {one['windows']}",
        one["cpu_ms_per_session_s"],
        one["loop_ms_per_session_s"],
        one["server_cores"],
        one["mb"],
    )
    return [name, *("–" if value is None else str(value) for value in figures)]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, help="what the patients say; default: the visit of the demo")
    parser.add_argument("--seconds", type=float, default=20.0, help="audio of each patient")
    parser.add_argument("--clap", default="off", help="CLAP of the measured server; stand-in: random weights")
    parser.add_argument("--observers", type=int, default=0, help="doctors of each session")
    parser.add_argument("--workers", type=int, help="processes of the measured server")
    parser.add_argument("--out", type=Path, help="write the JSON object here too")
    given = parser.parse_args()
    settings = {"clap": given.clap, "max_sessions": 2 * MOST, "max_observers": max(32, given.observers)}
    settings |= {} if given.workers is None else {"workers": given.workers}
    told = asyncio.run(run(Load(given.seconds, given.file, None, given.observers, SPREAD_S), settings))
    if given.out is not None:
        given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(told), end="\n\n")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
