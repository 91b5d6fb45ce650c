"""How late scores come: real-time sessions against a real ``tingqing serve`` process over loopback WebSockets.

    .venv/bin/python bench/live_sessions.py [--sessions 20] [--seconds 40] [--rate 48000] [--spread 5] [--json]

Each client sends 100 ms of real speech (TINGQING_SHARED, default ../shared) every 100 ms, by the clock. Lag is
measured at the client: from sending the chunk with a window's last sample to receiving its ``quality.update``.
At rates other than 16 kHz the resampler needs 16 ms beyond the window, so the wait for the next chunk counts too.
Sessions start evenly spread over 5 s, the period of DNSMOS, because patients do not start together. With ``--spread
0`` they do: the worst case, in which every window of every session is due at the same moment.
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
START_S = 180
UNREAD = ('{"type":"level"', '{"type":"audio.ack"', '{"type":"heartbeat"')
"""Kept as text, so that clients on the server's machine cost little."""


@dataclass
class Session:
    """What one client measured. Times in seconds of the monotonic clock."""

    first_update_s: float | None = None
    lags_ms: list[float] = field(default_factory=list)
    server_lags_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    with_clap: int = 0
    windows_replaced: int = 0
    shed: int = 0


def speech(rate: int, seconds: int, number: int) -> bytes:
    """16-bit speech, a different recording for each client, repeated to length."""
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
        if text[:40].startswith(UNREAD):
            continue
        message = json.loads(text)
        if message["type"] == "quality.update":
            end = message["window"]["end_sample"]
            at = next(when for upto, when in sent if upto >= end)
            session.lags_ms.append(1000 * (now - at))
            session.server_lags_ms.append(message["lag_ms"])
            session.with_clap += any(one["evidence"]["clap"] is not None for one in message["labels"].values())
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


async def serve(port: int, command: Sequence[str]) -> asyncio.subprocess.Process:
    """A server process, once it answers; its banner goes to standard error."""
    server = await asyncio.create_subprocess_exec(sys.executable, *command, "--port", str(port), stdout=sys.stderr)
    try:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    if server.returncode is not None:
                        raise SystemExit("the server did not start") from None
                    await asyncio.sleep(0.1)
                else:
                    writer.close()
                    return server
    except TimeoutError:
        server.kill()
        raise SystemExit(f"the server did not answer within {START_S} s") from None


async def load(url: str, sessions: int, seconds: int, rate: int, spread: float) -> dict[str, Any]:
    """Run ``sessions`` patients at once on a running server; returns what they measured."""
    speeches = [speech(rate, seconds, number) for number in range(sessions)]
    async with asyncio.TaskGroup() as group:
        clients = [
            group.create_task(run_client(url, rate, pcm, spread * number / sessions))
            for number, pcm in enumerate(speeches)
        ]
    seen = [client.result() for client in clients]
    firsts = [session.first_update_s for session in seen if session.first_update_s is not None]
    return {
        "sessions": sessions,
        "seconds": seconds,
        "rate": rate,
        "spread_s": spread,
        "updates": sum(len(session.lags_ms) for session in seen),
        "with_clap": sum(session.with_clap for session in seen),
        "windows_replaced": sum(session.windows_replaced for session in seen),
        "shed": sum(session.shed for session in seen),
        "errors": sorted({code for session in seen for code in session.errors}),
        "lag_ms": percentiles([lag for session in seen for lag in session.lags_ms]),
        "server_lag_ms": percentiles([lag for session in seen for lag in session.server_lags_ms]),
        "first_update_s": {"mean": round(float(np.mean(firsts)), 2), "max": round(max(firsts), 2)} if firsts else {},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def stop(server: asyncio.subprocess.Process) -> None:
    """Stop it gracefully; it has half a minute."""
    if server.returncode is None:
        server.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(server.wait(), 30)
    except TimeoutError:
        server.kill()
        await server.wait()


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
    options = ["--no-mos"] if arguments.no_mos else []
    command = ["-m", "server", "serve", "--log-level", "warning", "--max-sessions", str(arguments.sessions), *options]
    server = await serve(port, command)
    load_before = os.getloadavg()[0]
    try:
        seen = await load(
            f"ws://127.0.0.1:{port}/v1/stream", arguments.sessions, arguments.seconds, arguments.rate, arguments.spread
        )
    finally:
        await stop(server)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        **seen,
        "mos": not arguments.no_mos,
        "cpus": os.cpu_count(),
        "load_before": round(load_before, 2),
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
