"""What runs the audio tower: torch or OpenVINO on a CPU, torch on a GPU. One protocol, the same embeddings."""

import importlib.util
import os
import platform
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
import torch

from server.errors import SettingsError
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array

Dtype = Literal["fp32", "bf16", "fp16"]
TORCH_DTYPES: dict[Dtype, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MOST_STREAMS = 8
"""Windows that a CPU scores side by side, at most: each needs some 30 MB of working memory."""


class AudioBackend(Protocol):
    """Runs the tower on one thread at a time. ``name`` and ``dtype`` go into logs and benchmarks.

    ``side_by_side``: windows that take no longer than one, because they run on cores of their own.
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
        with torch.inference_mode():
            return np.concatenate([self._tower(torch.tensor(mel[None])).numpy() for mel in mels])


def has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def choose_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Raises SettingsError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:  # a number that torch has no place for
        raise SettingsError(f"There is no {device}.", param="--device") from error
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"There is no {device}: torch sees {torch.cuda.device_count()} GPUs.", param="--device")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> Dtype:
    """``auto``: what ``automatic_dtype`` says of the device."""
    for named in get_args(Dtype):
        if dtype == named:
            return TORCH_NAMES[named]
    on_gpu = device.type == "cuda"
    return automatic_dtype(torch.cuda.get_device_capability(device) if on_gpu else None, cpu_bf16=cpu_has_bf16())


def automatic_dtype(capability: tuple[int, int] | None, *, cpu_bf16: bool) -> Dtype:
    """bf16 where the processor calculates with it, else fp16 on a GPU and fp32 on a CPU.

    ``capability``: the GPU's compute capability, ``None`` for a CPU. From (8, 0) on, the A100's, tensor cores take
    bf16 (CUDA C++ Programming Guide, 16.1); before, a T4's (7, 5) for example, fp16.
    """
    if capability is None:
        return "bf16" if cpu_bf16 else "fp32"
    return "bf16" if capability >= (8, 0) else "fp16"


TORCH_NAMES: dict[str, Dtype] = {name: name for name in TORCH_DTYPES}


def cpu_has_bf16() -> bool:
    """Whether the CPU has instructions for products in bf16: AMX or AVX-512, or Arm's."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16")) or (
        platform.machine() == "aarch64" and " bf16" in flags
    )


def open_backend(tower: LeanTower, device: torch.device, dtype: Dtype, *, at_once: int = 1) -> AudioBackend:
    """The fastest there is for ``device``: OpenVINO on a CPU where it is installed, else torch.

    ``at_once``: how many windows can come at the same time. Where several can, OpenVINO scores them side by side.
    """
    if device.type == "cuda":
        from server.model.clap.gpu import GpuBackend  # noqa: PLC0415 - imports this module

        return GpuBackend(tower, device, dtype)
    if dtype != "fp16" and has_openvino():
        from server.model.clap.openvino_backend import OpenVinoBackend  # noqa: PLC0415 - imports this module

        return OpenVinoBackend(tower, dtype, streams=min(at_once, os.cpu_count() or 1, MOST_STREAMS))
    return TorchBackend(tower, dtype)
