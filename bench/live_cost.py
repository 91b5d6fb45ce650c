"""What a live session costs the event loop's thread for one second of audio, part by part, and how much memory.

    .venv/bin/python bench/live_cost.py [--seconds 60] [--chunk-ms 100] [--sessions 40]

Real speech from TINGQING_SHARED (default ../shared) at 16 kHz, DNSMOS, CLAP and denoiser shed. CPU time of one thread,
and for each second of audio the least of some runs, because other work only adds to it. The acoustic scorer runs on a
thread of its own: bench/acoustic_cost.py. A whole server: tingqing bench live --json (``server_cpu_s``).

Memory: resident, of ``--sessions`` sessions that have heard 15 s each and wait for more, in this process.
"""

import argparse
import asyncio
import gc
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from server.app import open_engine
from server.assessment.engine import Engine
from server.live.checkpointing import checkpoint_of
from server.live.clock import LoopClock
from server.live.limits import LiveLimits
from server.live.messages import level_message, speech_message
from server.live.outbox import Outbox
from server.live.session import Session
from server.settings import load_settings
from server.stream.core import StreamCore
from server.stream.events import Level, StreamEvent, WindowReady
from server.wire.client import SessionStart, parse_client_message, requested

SHARED = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RATE = 16_000
RUNS = 5
START = (
    '{"type":"session.start","audio":{"encoding":"pcm_s16le","sample_rate":16000},"capture":{"source":"microphone"}}'
)


class Spent:
    """CPU milliseconds of this thread by part and second of audio."""

    def __init__(self) -> None:
        self.ms: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    @contextmanager
    def on(self, part: str, second: int) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.ms[part][second] += 1e3 * (time.thread_time() - began)


class Patient:
    """One session and its core, fed by hand."""

    def __init__(self, engine: Engine) -> None:
        message = parse_client_message(START)
        assert isinstance(message, SessionStart)
        labels = engine.dictionaries.resolve(requested(message.labels))
        self.session = Session(engine, LiveLimits(), LoopClock(), message, session_id="bench", site="", labels=labels)
        self.outbox = Outbox(1000)
        self.session.attach(self.outbox)
        self.core: StreamCore = engine.make_core(self.session.audio)
        self.kept: object = None

    async def hear(self, data: bytes, chunk: int, spent: Spent) -> None:
        for at in range(0, len(data), chunk):
            second = at // (2 * RATE)
            with spent.on("StreamCore", second):
                events = self.core.receive_pcm(data[at : at + chunk])
            for event in events:
                await self._route(event, second, spent)
            while len(self.outbox):
                await self.outbox.take()

    async def _route(self, event: StreamEvent, second: int, spent: Spent) -> None:
        session = self.session
        if not isinstance(event, WindowReady):
            with spent.on("levels and speech, as messages", second):
                session.tell(level_message(event) if isinstance(event, Level) else speech_message(event, RATE))
            return
        with spent.on("snapshot of the core", second):
            core = self.core.frozen()
        with spent.on("judgement", second):
            assessed = await session.assessment.assess(event.window)
        with spent.on("update, as a message", second):
            session.judged(assessed, due=0.0, core=core, received=self.core.samples_received, keep=True)
        with spent.on("checkpoint", second):
            self.kept = checkpoint_of(session)


def speech(seconds: int) -> bytes:
    """16-bit PCM of clean and noisy mixes."""
    files = sorted((SHARED / "audio" / "mixes").glob("0[01]*.flac"))[:6]
    samples = np.resize(np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files]), seconds * RATE)
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(seconds: int, chunk_ms: int, sessions: int) -> None:
    settings = load_settings(mos=False, denoiser=False, clap="off")
    chunk = RATE * chunk_ms // 1000 * 2
    async with open_engine(settings) as engine:
        runs = []
        for _ in range(RUNS):
            spent = Spent()
            await Patient(engine).hear(speech(seconds), chunk, spent)
            runs.append(spent.ms)
        total = 0.0
        for part in runs[0]:
            steps = [[run[part][second] for second in sorted(run[part])] for run in runs]
            least = sum(min(step) for step in zip(*steps, strict=True)) / seconds
            total += least
            print(f"{part:32} {least:6.2f} ms per second of audio")
        print(f"{'together':32} {total:6.2f}")
        patients = [Patient(engine) for _ in range(sessions + 1)]
        await patients[0].hear(speech(15), chunk, Spent())
        gc.collect()
        before = resident_mib()
        for patient in patients[1:]:
            await patient.hear(speech(15), chunk, Spent())
        gc.collect()
        print(f"{(resident_mib() - before) / sessions:.2f} MiB resident per session")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--chunk-ms", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=40)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.seconds, arguments.chunk_ms, arguments.sessions))


if __name__ == "__main__":
    main()
