"""Times one hop of five labels by transformers and by our code, interleaved in one run."""

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from server.model.clap.backends import AudioBackend, TorchBackend, has_openvino
from server.model.clap.devices import cpu_has_bf16
from server.model.clap.mel import MelTracker
from server.model.clap.openvino_backend import OpenVinoBackend
from server.model.clap.published import LABEL_TEXTS, TOWER_GFLOP
from server.model.clap.spectrogram import CLAP_RATE, log_mel
from server.model.clap.stand_in import clips, models, peer, peer_embedding, settle
from server.model.clap.tower import LeanTower
from server.values.audio import CORE_RATE, Float32Array
from server.values.windows import WINDOW_S

ERROR_LIMIT = 0.12
"""Largest error of a backend, as a fraction of the mean distance between clips."""

SETTLING_S = 0.05

Tell = Callable[[str], None]


@dataclass(slots=True)
class Timed:
    """One way to score a hop. ``embedding_error``: mean error / mean distance between clips."""

    run: Callable[[], object]
    dtype: str
    embedding_error: float
    ms: list[float] = field(default_factory=list)

    def time(self) -> None:
        """Time one run after an untimed one: another candidate's weights were in the caches, and its threads may still
        be spinning (OpenMP's do for a while).
        """
        time.sleep(SETTLING_S)
        self.run()
        began = time.perf_counter()
        self.run()
        self.ms.append((time.perf_counter() - began) * 1e3)

    @property
    def median(self) -> float:
        """Milliseconds; of an interleaved run the median is what a busy machine moves least."""
        return statistics.median(self.ms)


def run(threads: int, repeats: int, checkpoint: Path | None, seed: int, tell: Tell) -> dict[str, Any]:
    """Measure and return what ``tingqing bench clap --json`` prints. Takes minutes.

    Each of ``repeats`` rounds times every candidate once, warm; medians are reported. Without ``checkpoint`` the
    weights are random with the published shapes, and a stand-in tokenizer gives one token per word and two more.
    """
    torch.set_num_threads(threads)
    model, tokenize = models(checkpoint, seed)
    mels = [log_mel(clip) for clip in clips(seed)]
    if checkpoint is None:
        settle(model, mels)
    expected = np.concatenate([peer_embedding(model, mel) for mel in mels])
    between = float(torch.pdist(torch.from_numpy(expected)).mean())
    pcm = soxr.resample(clips(seed)[0], CLAP_RATE, CORE_RATE).astype(np.float32)
    pipeline = peer(model, tokenize)
    theirs = Timed(lambda: pipeline(pcm, LABEL_TEXTS), "fp32", 0.0)
    ways: dict[str, Timed] = {}
    for name, backend in _backends(LeanTower(copy.deepcopy(model)), threads, tell):
        got = backend.embed(np.stack(mels))
        error = float(np.linalg.norm(got - expected, axis=1).mean()) / between
        ways[name] = Timed(_ours(backend, model, pcm), backend.dtype, error)
    for number in range(repeats + 1):
        tell(f"round {number} of {repeats}" if number else "warming up")
        for way in (theirs, *ways.values()):
            way.time()
    for way in (theirs, *ways.values()):
        del way.ms[0]
    return _told(theirs, ways, threads)


def _told(theirs: Timed, ways: dict[str, Timed], threads: int) -> dict[str, Any]:
    fp32 = min((way for way in ways.values() if way.dtype == "fp32"), key=lambda way: way.median)
    close = [way for way in ways.values() if way.dtype == "bf16" and way.embedding_error <= ERROR_LIMIT]
    best = min(close, key=lambda way: way.median, default=fp32)
    rate = bf16_rate() if best.dtype == "bf16" else None
    return {
        "peer_ms": round(theirs.median, 2),
        "ours_ms": round(best.median, 2),
        "ratio": round(theirs.median / best.median, 2),
        "ratio_fp32": round(theirs.median / fp32.median, 2),
        "embedding_error": round(best.embedding_error, 4),
        "backends": {
            name: {
                "ms": round(way.median, 2),
                "ratio": round(theirs.median / way.median, 2),
                "dtype": way.dtype,
                "embedding_error": round(way.embedding_error, 6),
            }
            for name, way in ways.items()
        },
        "threads": threads,
        "tower_gflop": TOWER_GFLOP,
        "bf16_gflops": rate and round(rate),
        "roofline_ms": rate and round(TOWER_GFLOP / rate * 1e3, 2),
    }


def _backends(tower: LeanTower, threads: int, tell: Tell) -> list[tuple[str, AudioBackend]]:
    bf16 = cpu_has_bf16()
    found: list[tuple[str, AudioBackend]] = [("torch-fp32", TorchBackend(tower, "fp32"))]
    if bf16:
        found.append(("torch-bf16", TorchBackend(copy.deepcopy(tower), "bf16")))
    else:
        tell("this CPU has no bf16 instructions: fp32 only")
    if has_openvino():
        found.append(("openvino-fp32", OpenVinoBackend(copy.deepcopy(tower), "fp32", threads)))
        if bf16:
            found.append(("openvino-bf16", OpenVinoBackend(copy.deepcopy(tower), "bf16", threads)))
    else:
        tell("OpenVINO is not installed: pip install 'tingqing[clap,cpu]'")
    return found


def _ours(backend: AudioBackend, model: Any, pcm: Float32Array) -> Callable[[], object]:
    """One hop of a running stream: a second of samples in, five cosines out; texts were embedded before."""
    texts = np.random.default_rng(0).standard_normal((len(LABEL_TEXTS), model.config.projection_dim)).astype(np.float32)
    scale = float(model.logit_scale_a.detach().exp())
    tracker = MelTracker()
    for hop in range(WINDOW_S):
        tracker.advance(pcm[hop * CORE_RATE : (hop + 1) * CORE_RATE], CORE_RATE)

    def score() -> object:
        tracker.advance(pcm[:CORE_RATE], CORE_RATE)
        heard = backend.embed(np.asarray(tracker.window(WINDOW_S), np.float32)[None])[0]
        return 1 / (1 + np.exp(-scale * (texts @ heard)))

    return score


def bf16_rate(size: int = 2_048, repeats: int = 7) -> float:
    """GFLOP/s of this CPU in a large bf16 product with the threads that are set."""
    a = torch.randn(size, size).bfloat16()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times) / 1e9
