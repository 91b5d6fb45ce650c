"""The backends that run the audio tower: torch or OpenVINO on a CPU, torch on a GPU. All give the same embeddings."""

import importlib.util
import os
from typing import Protocol

import numpy as np
import torch

from server.model.clap.devices import TORCH_DTYPES, Dtype
from server.model.clap.gpu import GpuBackend
from server.model.clap.openvino_backend import OpenVinoBackend
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array

MOST_STREAMS = 8
"""Most windows that a CPU scores in parallel: each needs some 30 MB of working memory."""


class AudioBackend(Protocol):
    """Runs the tower on one thread at a time. ``name`` and ``dtype`` go into logs and benchmarks.

    ``side_by_side``: how many windows run in parallel, each on its own core, and so take no longer than one.
    """

    name: str
    dtype: Dtype
    side_by_side: int

    def embed(self, mels: Float32Array) -> Float32Array:
        """Log-mels float32 ``(n, 1001, 64)`` to embeddings float32 ``(n, projection)`` of length 1."""
        ...


class TorchBackend:
    """torch on the CPU, one window at a time: a batch of eight costs up to a quarter more per window."""

    name: str = "torch"
    side_by_side: int = 1

    def __init__(self, tower: LeanTower, dtype: Dtype) -> None:
        self.dtype = dtype
        self._tower = tower.to_dtype(TORCH_DTYPES[dtype])

    def embed(self, mels: Float32Array) -> Float32Array:
        """One window after the other: float32 ``(n, 1001, 64)`` to ``(n, projection)``."""
        with torch.inference_mode():
            return np.concatenate([self._tower(torch.tensor(mel[None])).numpy() for mel in mels])


def has_openvino() -> bool:
    """Whether OpenVINO is installed; nothing is imported to find out."""
    return importlib.util.find_spec("openvino") is not None


def open_backend(tower: LeanTower, device: torch.device, dtype: Dtype, *, at_once: int = 1) -> AudioBackend:
    """The fastest backend for ``device``: OpenVINO on a CPU if it is installed, else torch.

    ``at_once``: how many windows can arrive at the same time. If several can, OpenVINO scores them in parallel.
    """
    if device.type == "cuda":
        return GpuBackend(tower, device, dtype)
    if dtype != "fp16" and has_openvino():
        return OpenVinoBackend(tower, dtype, streams=min(at_once, os.cpu_count() or 1, MOST_STREAMS))
    return TorchBackend(tower, dtype)
