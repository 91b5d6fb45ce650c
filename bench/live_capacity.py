"""How many live streams this machine sustains with CLAP over loopback WebSockets, and how many with transformers.

    .venv/bin/python bench/live_capacity.py [--scorer both|ours|peer] [--seconds 25] [--probes 5] [--json]

A number of streams is sustained if 95 % of the scores come within a second of their audio, at most 1 % of the windows
are replaced by newer ones, and no error is reported. The largest such number is searched for, upwards and then by
halves, with at most ``--probes`` numbers, each tried once for ``--seconds`` of audio: some six minutes in total.
Weights are random, of the published shapes (``clap_server.py``); acoustic measures, VAD and DNSMOS run as by default,
and DNSMOS may be left out if there is no time for it (``mos_shed``). Server and clients are separate processes on the
same machine; the time that the clients took is reported. ``--json`` prints one object on one line; progress goes to
standard error.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from live_sessions import free_port, load, serve, stop

from tools.capacity import search, sustained

SERVER = Path(__file__).with_name("clap_server.py")
MOST = 96
FIRST = {"ours": 20, "peer": 2}


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, if /proc has it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lanes(port: int) -> list[dict[str, Any]]:
    """What ``/readyz`` reports, ready or not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.load(error)
    return list(told.get("lanes", []))


async def measure(scorer: str, arguments: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
    mos = ["--no-mos"] if arguments.no_mos else []
    command = [str(SERVER), "--scorer", scorer, "--max-sessions", str(MOST), *mos]
    server = await serve(port, command)
    tried: list[dict[str, Any]] = []

    async def probe(sessions: int) -> bool:
        load_before, cpu_before = os.getloadavg()[0], cpu_s(server.pid)
        own = resource.getrusage(resource.RUSAGE_SELF)
        seen = await load(
            f"ws://127.0.0.1:{port}/v1/stream", sessions, arguments.seconds, arguments.rate, arguments.spread
        )
        own_after = resource.getrusage(resource.RUSAGE_SELF)
        wall_s = arguments.seconds + arguments.spread
        seen["sustained"] = sustained(seen)
        seen["load_before"] = round(load_before, 2)
        seen["server_cores"] = round((cpu_s(server.pid) - cpu_before) / wall_s, 2)
        spent = own_after.ru_utime + own_after.ru_stime - own.ru_utime - own.ru_stime
        seen["client_cores"] = round(spent / wall_s, 2)
        seen["lanes"] = await asyncio.to_thread(lanes, port)
        tried.append(seen)
        verdict = "sustained" if seen["sustained"] else "not sustained"
        print(
            f"{scorer:<6}{sessions:>4} streams: {verdict}, p95 lag {seen['lag_ms'].get('p95')} ms, "
            f"{seen['windows_replaced']} of {seen['updates'] + seen['windows_replaced']} windows replaced, "
            f"server {seen['server_cores']} cores, clients {seen['client_cores']}, load before {seen['load_before']}",
            file=sys.stderr,
        )
        return bool(seen["sustained"])

    try:
        most = await search(probe, arguments.first or FIRST[scorer], arguments.probes, MOST)
    finally:
        await stop(server)
    best = next((seen for seen in tried if seen["sessions"] == most and seen["sustained"]), None)
    return {"streams": most, "p95_lag_ms": best and best["lag_ms"]["p95"], "tried": tried}


async def measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    told: dict[str, Any] = {"cpus": os.cpu_count(), "rate": arguments.rate, "mos": not arguments.no_mos}
    for scorer in ("ours", "peer") if arguments.scorer == "both" else (arguments.scorer,):
        told[scorer] = await measure(scorer, arguments)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scorer", choices=("both", "ours", "peer"), default="both")
    parser.add_argument("--seconds", type=int, default=25, help="of audio of each stream, 5 or more")
    parser.add_argument("--probes", type=int, default=5, help="numbers of streams tried, at most")
    parser.add_argument("--first", type=int, help="the first number tried; default 20, of the peer 2")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--spread", type=float, default=5.0, help="seconds over which sessions begin")
    parser.add_argument("--no-mos", action="store_true", help="serve without DNSMOS")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told = asyncio.run(measure_all(arguments))
    if arguments.json:
        print(json.dumps(told))
        return
    for scorer in ("ours", "peer"):
        if scorer in told:
            print(f"{scorer:<6} {told[scorer]['streams']} live streams, p95 lag {told[scorer]['p95_lag_ms']} ms")


if __name__ == "__main__":
    main()
