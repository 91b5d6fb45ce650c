"""How late scores come: real-time sessions against a real ``tingqing serve`` process over loopback WebSockets.

    .venv/bin/python bench/live_sessions.py [--sessions 20] [--seconds 40] [--rate 48000] [--spread 5] [--json]

Each client sends 100 ms of real speech (TINGQING_SHARED, default ../shared) every 100 ms, paced by the clock. Lag is
measured at the client: from sending the chunk that holds a window's last sample to receiving its ``quality.update``.
At rates other than 16 kHz the resampler needs 16 ms more than the window, so the next chunk is waited for and counted.
Sessions begin spread evenly over 5 s, the period of DNSMOS, as patients do not start together; ``--spread 0`` makes
them: the worst case, in which every window of every session is due at the same moment.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from websockets.asyncio.client import connect

SHARED = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CHUNK_S = 0.1


@dataclass
class Session:
    """What one client saw. Times in seconds of the monotonic clock."""

    first_update_s: float | None = None
    lags_ms: list[float] = field(default_factory=list)
    server_lags_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    windows_replaced: int = 0
    shed: int = 0


def speech(rate: int, seconds: int, number: int) -> bytes:
    """16-bit speech of a recording of its own for each client, repeated to length."""
    files = sorted((SHARED / "audio" / "mixes").glob("*.flac"))
    if not files:
        raise SystemExit(f"no recordings under {SHARED}; set TINGQING_SHARED")
    samples, file_rate = soundfile.read(files[number % len(files)], dtype="float32", always_2d=True)
    samples = soxr.resample(samples[:, 0], file_rate, rate)
    samples = np.resize(samples, rate * seconds)
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


async def run_client(url: str, rate: int, pcm: bytes, delay_s: float) -> Session:
    await asyncio.sleep(delay_s)
    session = Session()
    sent: list[tuple[int, float]] = []
    start = {
        "type": "session.start",
        "audio": {"encoding": "pcm_s16le", "sample_rate": rate},
        "capture": {"source": "line"},
    }
    async with connect(url, subprotocols=["tingqing.v1"], max_size=None, compression=None) as line:  # type: ignore[list-item]
        await line.send(json.dumps(start))
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(line, session, sent))
            began = time.monotonic()
            size = round(rate * CHUNK_S) * 2
            for number, at in enumerate(range(0, len(pcm), size)):
                await asyncio.sleep(began + (number + 1) * CHUNK_S - time.monotonic())
                sent.append(((at + size) // 2, time.monotonic()))
                await line.send(pcm[at : at + size])
            await asyncio.sleep(CHUNK_S)
            await line.send('{"type": "session.end"}')
    return session


async def _listen(line: Any, session: Session, sent: Sequence[tuple[int, float]]) -> None:
    async for text in line:
        now = time.monotonic()
        message = json.loads(text)
        if message["type"] == "quality.update":
            end = message["window"]["end_sample"]
            at = next(when for upto, when in sent if upto >= end)
            session.lags_ms.append(1000 * (now - at))
            session.server_lags_ms.append(message["lag_ms"])
            if session.first_update_s is None:
                session.first_update_s = now - sent[0][1] + CHUNK_S
        elif message["type"] == "error":
            session.errors.append(message["error"]["code"])
        elif message["type"] == "session.ended":
            session.windows_replaced = message["result"]["model"]["windows_replaced"]
            session.shed = message["result"]["model"]["shed"]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 90, 95, 99)} | {
        "max": round(max(values), 1)
    }


async def serve(port: int, options: Sequence[str]) -> asyncio.subprocess.Process:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port", str(port), "--log-level", "warning", *options
    )
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if server.returncode is not None:
                raise SystemExit("the server did not start") from None
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return server
    raise SystemExit("the server did not answer within a minute")


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-mos"] if arguments.no_mos else []
    server = await serve(port, ["--max-sessions", str(arguments.sessions), *options])
    url = f"ws://127.0.0.1:{port}/v1/stream"
    load_before = os.getloadavg()[0]
    try:
        speeches = [speech(arguments.rate, arguments.seconds, number) for number in range(arguments.sessions)]
        async with asyncio.TaskGroup() as group:
            clients = [
                group.create_task(run_client(url, arguments.rate, pcm, arguments.spread * number / arguments.sessions))
                for number, pcm in enumerate(speeches)
            ]
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGTERM)
        await server.wait()
    sessions = [client.result() for client in clients]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    firsts = [session.first_update_s for session in sessions if session.first_update_s is not None]
    return {
        "sessions": arguments.sessions,
        "seconds": arguments.seconds,
        "rate": arguments.rate,
        "spread_s": arguments.spread,
        "mos": not arguments.no_mos,
        "cpus": os.cpu_count(),
        "load_before": round(load_before, 2),
        "updates": sum(len(session.lags_ms) for session in sessions),
        "windows_replaced": sum(session.windows_replaced for session in sessions),
        "shed": sum(session.shed for session in sessions),
        "errors": sorted({code for session in sessions for code in session.errors}),
        "lag_ms": percentiles([lag for session in sessions for lag in session.lags_ms]),
        "server_lag_ms": percentiles([lag for session in sessions for lag in session.server_lags_ms]),
        "first_update_s": {"mean": round(float(np.mean(firsts)), 2), "max": round(max(firsts), 2)} if firsts else {},
        "server_cpu_s_per_session_s": round(
            (used.ru_utime + used.ru_stime) / (arguments.sessions * arguments.seconds), 4
        ),
        "server_max_rss_mb": round(used.ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--spread", type=float, default=5.0, help="seconds over which sessions begin")
    parser.add_argument("--no-mos", action="store_true", help="serve without DNSMOS")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>28}  {value}")


if __name__ == "__main__":
    main()
