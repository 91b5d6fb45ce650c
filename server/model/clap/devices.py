"""Where the audio tower runs, and in which number format."""

import platform
from pathlib import Path
from typing import Literal, get_args

import torch

from server.errors import SettingsError

Dtype = Literal["fp32", "bf16", "fp16"]
TORCH_DTYPES: dict[Dtype, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
TORCH_NAMES: dict[str, Dtype] = {name: name for name in TORCH_DTYPES}


def choose_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Raises SettingsError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:  # an index that torch cannot represent
        raise SettingsError(f"{device} does not exist.", param="--device") from error
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"{device} does not exist: torch finds {torch.cuda.device_count()} GPUs.", param="--device")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> Dtype:
    """The dtype for ``device``; ``auto`` means ``automatic_dtype``."""
    for named in get_args(Dtype):
        if dtype == named:
            return TORCH_NAMES[named]
    on_gpu = device.type == "cuda"
    return automatic_dtype(torch.cuda.get_device_capability(device) if on_gpu else None, cpu_bf16=cpu_has_bf16())


def automatic_dtype(capability: tuple[int, int] | None, *, cpu_bf16: bool) -> Dtype:
    """bf16 if the processor supports it, else fp16 on a GPU and fp32 on a CPU.

    ``capability``: the GPU's compute capability, ``None`` for a CPU. From (8, 0) on, the A100's, tensor cores take
    bf16 (CUDA C++ Programming Guide, 16.1); before, a T4's (7, 5) for example, fp16.
    """
    if capability is None:
        return "bf16" if cpu_bf16 else "fp32"
    return "bf16" if capability >= (8, 0) else "fp16"


def cpu_has_bf16() -> bool:
    """Whether the CPU has instructions for bf16 products: AMX, AVX-512 or Arm's."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16")) or (
        platform.machine() == "aarch64" and " bf16" in flags
    )
