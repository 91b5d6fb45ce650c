"""How much memory CLAP takes: one copy of the weights, and little per session.

    .venv/bin/python bench/clap_memory.py [--sessions 20] [--dtype bf16]

Writes a checkpoint of the published architecture with random weights (0.6 GB, in a temporary folder), loads it in a
separate process as `tingqing serve` does, and reads /proc/self/status: `anon` is private memory, `file` are mapped
pages of the checkpoint, which the system may drop and read again. Linux only.
"""

import argparse
import gc
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from server.model.clap.backends import has_openvino
from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import load_clap
from server.model.clap.mel import MelTracker
from server.model.clap.stand_in import models
from tools.material.clap.tiny import TEXTS, save, trained_tokenizer


def status() -> dict[str, int]:
    gc.collect()
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return {name: int(lines[key].split()[0]) // 1024 for name, key in (("anon", "RssAnon"), ("file", "RssFile"))}


def write_checkpoint(folder: Path) -> None:
    model, _ = models(None, 0)
    save(model, trained_tokenizer(TEXTS), folder)


def measure(folder: Path, dtype: str, sessions: int) -> None:
    """Prints one object: MB of anonymous and of mapped memory after each step."""
    if has_openvino():
        importlib.import_module("openvino")
    found = {"libraries": status()}
    clap = load_clap(Checkpoint("random", "1", folder), device="cpu", dtype=dtype)
    found["loaded"] = status()
    clap.audio.embed(np.full((1, 1_001, 64), -40.0, np.float32))
    found["one window"] = status()
    clap.texts.embed([f"sound number {number} of many" for number in range(64)])
    found["64 texts"] = status()
    trackers = [MelTracker() for _ in range(sessions)]
    second = np.zeros(48_000, np.float32)
    for tracker in trackers:
        for _ in range(11):
            tracker.advance(second, 48_000)
        tracker.window(10)
    found[f"{sessions} sessions' mel"] = status()
    print(json.dumps({"backend": f"{clap.audio.name} {clap.audio.dtype}", "torch": torch.__version__} | found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.checkpoint is not None:
        measure(asked.checkpoint, asked.dtype, asked.sessions)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder))
        again = [sys.executable, __file__, "--checkpoint", folder, "--dtype", asked.dtype]
        subprocess.run([*again, "--sessions", str(asked.sessions)], check=True)


if __name__ == "__main__":
    main()
