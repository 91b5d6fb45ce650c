"""CLAP's throughput on a device: windows per second by batch size, ten minutes of audio, error of the embeddings.

    .venv/bin/python bench/clap_device.py [--device auto|cpu|cuda:0] [--dtype auto] [--modes graphs,eager] [--json]

On a GPU: each mode (captured graphs, eager, torch.compile) at each batch size until a doubling gains under 3 %, the
share of the bf16 matrix rate measured in the same run, and how many live streams that is (one window a second each;
one process's event loop carries fewer). On a CPU: one window, and as many as it scores in parallel.
Ten minutes: from decoded PCM at 48 kHz in memory to the scores of five labels for all 7 partial and 591 full windows.
A GPU computes the mel itself; a CPU uses the exact one, frame by frame as in a stream.
``error``: mean distance of the embeddings from ClapModel's in fp32 on the CPU, over the mean distance between clips.
Weights are random, of the published shapes. ``--tiny`` runs a toy model, to try the script itself. It has not run on
a GPU yet.
"""

import argparse
import copy
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import ClapConfig, ClapModel

from server.model.clap.backends import AudioBackend, open_backend
from server.model.clap.devices import choose_device, choose_dtype
from server.model.clap.gpu import BATCH, MODES, GpuBackend, Mode
from server.model.clap.mel import MelTracker
from server.model.clap.published import LABEL_TEXTS, TOWER_GFLOP
from server.model.clap.spectrogram import CLAP_RATE, log_mel
from server.model.clap.stand_in import clips, models, peer_embedding, settle
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array
from server.values.windows import WINDOW_S
from tools.material.clap.bulk import DeviceMel, recording_mels

GAIN = 1.03
TINY_AUDIO = {
    "patch_embeds_hidden_size": 16,
    "depths": [2, 2],
    "num_attention_heads": [2, 4],
    "hidden_size": 32,
    "enable_fusion": True,
}


def tell(text: str) -> None:
    print(text, file=sys.stderr)


def seconds(run: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median of ``repeats`` runs, each waited for, after one untimed run."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """GFLOP/s in a large square product."""
    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device).to(dtype)
    return 2 * size**3 / seconds(lambda: a @ a, device, 7) / 1e9


def grow(measure: Callable[[int], float], most: int) -> list[dict[str, Any]]:
    """Windows per second at 1, 2, 4 … windows at once, until a doubling gains almost nothing."""
    rows: list[dict[str, Any]] = []
    size = 1
    while size <= most:
        took = measure(size)
        rows.append({"batch": size, "ms": round(1000 * took, 3), "windows_per_s": round(size / took, 1)})
        tell(f"  {rows[-1]}")
        if len(rows) > 3 and rows[-1]["windows_per_s"] < GAIN * rows[-2]["windows_per_s"]:
            break
        size *= 2
    return rows


def on_gpu(tower: LeanTower, device: torch.device, dtype: Any, modes: Sequence[Mode], most: int, repeats: int) -> Any:
    """(rows of each mode, the backend of the fastest)."""
    tables: dict[str, Any] = {}
    best: tuple[float, GpuBackend | None] = (0.0, None)
    for mode in modes:
        tell(f"{mode}:")
        backend = GpuBackend(copy.deepcopy(tower), device, dtype, mode=mode, batch=most)
        mels = torch.rand(most, 1001, 64, device=device) * 80 - 80

        def measure(size: int, backend: GpuBackend = backend, mels: torch.Tensor = mels) -> float:
            return seconds(lambda: backend.embed_there(mels[:size]), device, repeats)

        tables[mode] = grow(measure, most)
        fastest = max(row["windows_per_s"] for row in tables[mode])
        if fastest > best[0]:
            best = (fastest, backend)
    return tables, best[1]


def ten_minutes_there(pcm: Float32Array, backend: GpuBackend, mel: DeviceMel, texts: torch.Tensor) -> torch.Tensor:
    """Scores of all windows, float32 ``(598, 5)``, computed on the device."""
    with torch.inference_mode():
        return torch.sigmoid(backend.embed_there(recording_mels(pcm, mel)) @ texts).cpu()


def ten_minutes_streamed(pcm: Float32Array, backend: AudioBackend, texts: torch.Tensor, at_once: int) -> Float32Array:
    """The same with the exact mel, hop by hop, ``at_once`` windows to the backend."""
    tracker, mels, rows = MelTracker(), [], []
    for hop in range(pcm.shape[0] // CLAP_RATE):
        tracker.advance(pcm[hop * CLAP_RATE : (hop + 1) * CLAP_RATE], CLAP_RATE)
        if hop >= 2:
            mels.append(np.asarray(tracker.window(min(hop + 1, WINDOW_S)), np.float32))
        if len(mels) == at_once:
            rows.append(backend.embed(np.stack(mels)))
            mels = []
    rows += [backend.embed(np.stack(mels))] if mels else []
    return np.asarray(1 / (1 + np.exp(-(np.concatenate(rows) @ texts.numpy()))), np.float32)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    device = choose_device(arguments.device)
    dtype = choose_dtype(arguments.dtype, device)
    if arguments.tiny:
        torch.manual_seed(0)
        model: Any = ClapModel(ClapConfig(audio_config=TINY_AUDIO))
        model.eval()
    else:
        model, _ = models(None, 0)
    mels = [log_mel(clip) for clip in clips(0)]
    settle(model, mels)
    expected = np.concatenate([peer_embedding(model, mel) for mel in mels])
    between = float(torch.pdist(torch.from_numpy(expected)).mean())
    tower = LeanTower(model)
    pcm = np.resize(np.concatenate(clips(0)), arguments.minutes * 60 * CLAP_RATE).astype(np.float32)
    texts = torch.randn(expected.shape[1], len(LABEL_TEXTS), generator=torch.Generator().manual_seed(0))
    told: dict[str, Any] = {
        "device": str(device),
        "name": name_of(device),
        "dtype": dtype,
        "minutes": arguments.minutes,
    }
    if device.type == "cuda" or arguments.as_gpu:
        told["modes"], backend = on_gpu(tower, device, dtype, arguments.modes, arguments.batch, arguments.repeats)
        rate = matrix_rate(device, torch.bfloat16)
        best = max(row["windows_per_s"] for rows in told["modes"].values() for row in rows)
        mel, there = DeviceMel().to(device), texts.to(device)
        told |= {
            "windows_per_s": best,
            "bf16_gflops": round(rate),
            "share_of_bf16_rate": round(best * TOWER_GFLOP / rate, 3),
            "streams": int(best),
            "recording_s": round(seconds(lambda: ten_minutes_there(pcm, backend, mel, there), device, 3), 4),
            "windows": int(recording_mels(pcm, mel).shape[0]),
        }
        with torch.inference_mode():
            made = mel.of_windows(torch.from_numpy(np.stack(clips(0))).to(device))
        told["mel_difference_db"] = round(float(np.abs(made.cpu().numpy() - np.stack(mels)).max()), 4)
        got = backend.embed_there(made).cpu().numpy()
    else:
        at_once = os.cpu_count() or 1
        backend = open_backend(tower, device, dtype, at_once=at_once)
        stacked = np.stack([mels[number % len(mels)] for number in range(at_once)])
        told["backend"] = backend.name
        told["modes"] = {
            "side by side": grow(lambda n: seconds(lambda: backend.embed(stacked[:n]), device, 9), at_once)
        }
        scores: list[Float32Array] = []
        began = time.perf_counter()
        scores.append(ten_minutes_streamed(pcm, backend, texts, at_once))
        told["recording_s"] = round(time.perf_counter() - began, 2)
        told["windows"] = scores[0].shape[0]
        got = backend.embed(np.stack(mels))
    told["error"] = round(float(np.linalg.norm(got - expected, axis=1).mean()) / between, 6)
    return told


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{os.cpu_count()} CPUs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["graphs", "eager"], help=",".join(MODES))
    parser.add_argument("--batch", type=int, default=2 * BATCH, help="windows at once at most, a power of two")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--minutes", type=int, default=10, help="of the recording")
    parser.add_argument("--tiny", action="store_true", help="a toy model")
    parser.add_argument("--as-gpu", action="store_true", help="the GPU's path, on whatever --device is; to try it")
    parser.add_argument("--json", action="store_true")
    told = run(arguments := parser.parse_args())
    if arguments.json:
        print(json.dumps(told))
        return
    print(f"{told['name']}, {told['dtype']}: {told['windows']} windows of {told['minutes']} minutes in", end=" ")
    print(f"{told['recording_s']} s; embedding error {told['error']}")
    for mode, rows in told["modes"].items():
        for row in rows:
            print(f"  {mode:<13} batch {row['batch']:>4}: {row['ms']:>9.2f} ms, {row['windows_per_s']:>9.1f} windows/s")
    if "bf16_gflops" in told:
        print(f"  {told['share_of_bf16_rate']:.1%} of {told['bf16_gflops']} GFLOP/s in bf16; {told['streams']} streams")


if __name__ == "__main__":
    main()
