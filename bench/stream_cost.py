"""Processor time of StreamCore for one second of one stream, and the size and time of its snapshots.

    .venv/bin/python bench/stream_cost.py [--seconds 60]

Real speech from TINGQING_SHARED (default ../shared), 16-bit, in chunks of 100 ms; the fastest of three runs. Then all
that a live session's core does at 16 kHz, in blocks of several lengths: for each second the least of ten runs, one
length after the other in each, because other work only adds to it.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from server.model.detectors import detector_factory
from server.model.overlap import load_overlap
from server.stream.core import StreamCore
from server.values.audio import AudioFormat, Encoding

SHARED = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
RATES = (8_000, 16_000, 44_100, 48_000)
BLOCKS_MS = (100, 200, 1000)


class NoDetector:
    """Costs nothing, so that the rest of StreamCore is measured."""

    name = "none"
    frame_samples = 512

    def push(self, frames: Any) -> Any:
        return np.zeros(frames.shape[0], np.float32)

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass


def cost_ms(data: bytes, rate: int, detector: Callable[[], Any], seconds: float) -> float:
    """Milliseconds of processor time for a second of audio."""
    chunk = rate // 10 * 2
    best = float("inf")
    for _ in range(3):
        core = StreamCore(AudioFormat(Encoding.PCM_S16LE, rate), detector())
        began = time.thread_time()
        for at in range(0, len(data), chunk):
            core.receive_pcm(data[at : at + chunk])
        core.finish()
        best = min(best, time.thread_time() - began)
    return best * 1000 / seconds


def by_block(data: bytes, seconds: int) -> dict[int, float]:
    """Milliseconds of processor time for a second of audio at 16 kHz, by the length of blocks in milliseconds."""
    detector, overlap = detector_factory("silero"), load_overlap()
    least = {block_ms: [float("inf")] * seconds for block_ms in BLOCKS_MS}
    for _ in range(10):
        for block_ms, best in least.items():
            core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), detector(), (), overlap)
            spent = [0.0] * seconds
            for at in range(0, len(data), 32 * block_ms):
                began = time.thread_time()
                core.receive_pcm(data[at : at + 32 * block_ms])
                spent[at // 32_000] += time.thread_time() - began
            best[:] = map(min, best, spent)
    return {block_ms: 1000 * sum(best) / seconds for block_ms, best in least.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    files = sorted((SHARED / "audio" / "mixes").glob("0*_noise_*.flac"))[:5]
    speech = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files])
    speech = np.resize(speech, seconds * 16_000)
    makers: dict[str, Callable[[], Any]] = {
        "none": NoDetector, "webrtc": detector_factory("webrtc"), "silero": detector_factory("silero")
    }  # fmt: skip
    print("ms of processor time for a second of audio")
    for rate in RATES:
        data = (np.clip(soxr.resample(speech, 16_000, rate), -1, 1) * 32767).astype("<i2").tobytes()
        print(f"{rate:6} Hz  " + "  ".join(f"{n}: {cost_ms(data, rate, m, seconds):.2f}" for n, m in makers.items()))
    whole = (np.clip(speech, -1, 1) * 32767).astype("<i2").tobytes()
    told = by_block(whole, seconds)
    print("in blocks of  " + "  ".join(f"{block_ms} ms: {ms:.2f}" for block_ms, ms in told.items()))
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, 16_000), makers["silero"]())
    core.receive_pcm((speech[: 20 * 16_000] * 32767).astype("<i2").tobytes())
    began = time.thread_time()
    for _ in range(50):
        packed = core.snapshot()
    took = (time.thread_time() - began) * 20
    print(f"snapshot: {len(packed)} bytes, {took:.2f} ms")


if __name__ == "__main__":
    main()
