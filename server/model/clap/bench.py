"""One hop of five labels: the way of transformers against ours, in one run, interleaved."""

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
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from server.model.clap.backends import AudioBackend, OpenVinoBackend, TorchBackend, cpu_has_bf16, has_openvino
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import read_model
from server.model.clap.mel import MelTracker
from server.model.clap.published import AUDIO, LABEL_TEXTS, PROJECTION, TEXT, TOWER_GFLOP
from server.model.clap.spectrogram import CLAP_RATE, FREQUENCY_MAX, FREQUENCY_MIN, log_mel
from server.model.clap.tower import LeanTower
from server.values import CORE_RATE, WINDOW_S, Float32Array

CLIPS = 8
ERROR_LIMIT = 0.12
"""What of the mean distance between clips the error of a backend may be."""

SETTLING_S = 0.05

Tell = Callable[[str], None]
Tokenize = Callable[[list[str]], dict[str, torch.Tensor]]


@dataclass(slots=True)
class Timed:
    """One way to score a hop. ``embedding_error``: mean error / mean distance between clips."""

    run: Callable[[], object]
    dtype: str
    embedding_error: float
    ms: list[float] = field(default_factory=list)

    def time(self) -> None:
        """One run that is timed after one that is not: another way's weights were in the caches, and its threads may
        still be spinning (OpenMP's do, for a while)."""
        time.sleep(SETTLING_S)
        self.run()
        began = time.perf_counter()
        self.run()
        self.ms.append((time.perf_counter() - began) * 1e3)

    @property
    def median(self) -> float:
        return statistics.median(self.ms)


def run(threads: int, repeats: int, checkpoint: Path | None, seed: int, tell: Tell) -> dict[str, Any]:
    """Measure and return what ``tingqing bench clap --json`` prints. Takes minutes.

    ``repeats`` rounds, each of which times every way once, warm; medians are told. Without ``checkpoint`` weights are
    random with the published shapes, and a stand-in tokenizer gives the peer as many tokens as words and two more.
    """
    torch.set_num_threads(threads)
    model, tokenize = _models(checkpoint, seed)
    mels = [log_mel(clip) for clip in _clips(seed)]
    if checkpoint is None:
        _settle(model, mels)
    expected = np.concatenate([_peer_embedding(model, mel) for mel in mels])
    between = float(torch.pdist(torch.from_numpy(expected)).mean())
    pcm = soxr.resample(_clips(seed)[0], CLAP_RATE, CORE_RATE).astype(np.float32)
    peer = Timed(_peer(model, tokenize, pcm), "fp32", 0.0)
    ways: dict[str, Timed] = {}
    for name, backend in _backends(LeanTower(copy.deepcopy(model)), threads, tell):
        got = backend.embed(np.stack(mels))
        error = float(np.linalg.norm(got - expected, axis=1).mean()) / between
        ways[name] = Timed(_ours(backend, model, pcm), backend.dtype, error)
    for number in range(repeats + 1):
        tell(f"round {number} of {repeats}" if number else "warming up")
        for way in (peer, *ways.values()):
            way.time()
    for way in (peer, *ways.values()):
        del way.ms[0]
    return _told(peer, ways, threads)


def _told(peer: Timed, ways: dict[str, Timed], threads: int) -> dict[str, Any]:
    fp32 = min((way for way in ways.values() if way.dtype == "fp32"), key=lambda way: way.median)
    best = min((way for way in ways.values() if way.dtype == "bf16"), key=lambda way: way.median, default=fp32)
    rate = _bf16_rate() if best.dtype == "bf16" else None
    return {
        "peer_ms": round(peer.median, 2),
        "ours_ms": round(best.median, 2),
        "ratio": round(peer.median / best.median, 2),
        "ratio_fp32": round(peer.median / fp32.median, 2),
        "embedding_error": round(best.embedding_error, 4),
        "backends": {
            name: {
                "ms": round(way.median, 2),
                "ratio": round(peer.median / way.median, 2),
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
    cpu = torch.device("cpu")
    bf16 = cpu_has_bf16()
    found: list[tuple[str, AudioBackend]] = [("torch-fp32", TorchBackend(tower, cpu, "fp32"))]
    if bf16:
        found.append(("torch-bf16", TorchBackend(copy.deepcopy(tower), cpu, "bf16")))
    else:
        tell("this CPU has no instructions for bf16: fp32 only")
    if has_openvino():
        found.append(("openvino-fp32", OpenVinoBackend(tower, "fp32", threads)))
        if bf16:
            found.append(("openvino-bf16", OpenVinoBackend(tower, "bf16", threads)))
    else:
        tell("OpenVINO is not installed: pip install 'tingqing[cpu]'")
    return found


# -- the two ways


def _peer(model: Any, tokenize: Tokenize, pcm: Float32Array) -> Callable[[], object]:
    """What the zero-shot pipeline of transformers does with a window: processor, model, softmax."""
    extractor = _extractor()

    def score() -> object:
        at_clap_rate = soxr.resample(pcm, CORE_RATE, CLAP_RATE)
        heard = extractor(at_clap_rate, sampling_rate=CLAP_RATE, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**tokenize(list(LABEL_TEXTS)), **heard).logits_per_audio
        return logits.softmax(dim=-1)

    return score


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


# -- what both are given


def _models(checkpoint: Path | None, seed: int) -> tuple[Any, Tokenize]:
    if checkpoint is None:
        torch.manual_seed(seed)
        config = ClapConfig(audio_config=AUDIO, text_config=TEXT, projection_dim=PROJECTION)
        random: Any = ClapModel(config)
        return random.eval(), _stand_in
    model, tokenizer = read_model(Checkpoint(checkpoint.name, "bench", checkpoint))
    return model, lambda texts: dict(tokenizer(texts, padding=True, return_tensors="pt"))


def _stand_in(texts: list[str]) -> dict[str, torch.Tensor]:
    """As many tokens as RoBERTa's tokenizer makes of plain English: a word is one, and two are around them."""
    length = max(len(text.split()) for text in texts) + 2
    ids = torch.arange(len(texts) * length).view(len(texts), length) % 1_000 + 5
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _extractor() -> Any:
    return ClapFeatureExtractor(
        frequency_min=FREQUENCY_MIN,
        frequency_max=FREQUENCY_MAX,
        truncation="fusion",
        padding="repeatpad",
        max_length_s=WINDOW_S,
    )


def _clips(seed: int) -> list[Float32Array]:
    """Eight clips of 10 s at 48 kHz that differ as sounds do: in colour, tone and rhythm. Float32 ``(480000,)``."""
    rng = np.random.default_rng(seed)
    t = np.arange(WINDOW_S * CLAP_RATE) / CLAP_RATE
    clips = []
    for number in range(CLIPS):
        hiss = rng.standard_normal(t.shape[0])
        colour = np.cumsum(hiss) if number % 2 else hiss
        colour = colour / np.abs(colour).max()
        tone = np.sin(2 * np.pi * (80 * 1.7**number) * t + 3 * np.sin(2 * np.pi * 0.7 * t))
        rhythm = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (0.4 + number) * t))
        clips.append((0.05 * 2 ** (number % 4) * (colour + tone * rhythm) / 2).astype(np.float32))
    return clips


def _settle(model: Any, mels: list[Float32Array]) -> None:
    """Set the random model's batch norm to the statistics of its input, as training does."""
    rows = torch.from_numpy(np.concatenate(mels))
    norm = model.audio_model.audio_encoder.batch_norm
    norm.running_mean.copy_(rows.mean(0))
    norm.running_var.copy_(rows.var(0))


def _peer_embedding(model: Any, mel: Float32Array) -> Float32Array:
    copies = torch.from_numpy(mel)[None, None].repeat(1, 4, 1, 1)
    with torch.inference_mode():
        made = model.get_audio_features(input_features=copies, is_longer=torch.zeros(1, 1, dtype=torch.bool))
    return np.asarray(made.pooler_output.numpy(), np.float32)


def _bf16_rate(size: int = 2_048, repeats: int = 7) -> float:
    """GFLOP/s of this CPU in a large bf16 product with the threads that are set."""
    a = torch.randn(size, size).bfloat16()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times) / 1e9
