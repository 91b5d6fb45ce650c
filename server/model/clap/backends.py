"""What runs the audio tower: torch on a CPU or a GPU, or OpenVINO on a CPU. One protocol, the same embeddings."""

import importlib.util
import platform
import warnings
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch

from server.errors import SettingsError
from server.model.clap.spectrogram import N_FRAMES, N_MELS
from server.model.clap.tower import LeanTower
from server.values import Float32Array

Dtype = Literal["fp32", "bf16", "fp16"]
TORCH_DTYPES: dict[Dtype, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GPU_BATCH = 256
"""Windows on a GPU at once: 66 MB of mel."""


class AudioBackend(Protocol):
    """Runs the tower on one thread at a time. ``name`` and ``dtype`` go into logs and benchmarks."""

    name: str
    dtype: Dtype

    def embed(self, mels: Float32Array) -> Float32Array:
        """Log-mels float32 ``(n, 1001, 64)`` to embeddings float32 ``(n, projection)`` of length 1."""
        ...


class TorchBackend:
    """torch on ``device``. On a CPU windows run one by one: a batch of eight costs up to a quarter more per window."""

    name: str = "torch"

    def __init__(self, tower: LeanTower, device: torch.device, dtype: Dtype) -> None:
        self.dtype = dtype
        self._device = device
        self._tower = tower.to_dtype(TORCH_DTYPES[dtype]).to(device)
        self._batch = 1 if device.type == "cpu" else GPU_BATCH

    def embed(self, mels: Float32Array) -> Float32Array:
        with torch.inference_mode():
            parts = [
                self._tower(torch.tensor(mels[start : start + self._batch], device=self._device)).cpu().numpy()
                for start in range(0, mels.shape[0], self._batch)
            ]
        return np.concatenate(parts)


class OpenVinoBackend:
    """OpenVINO on the CPU, one window at a time; the extra ``cpu``. ``threads``: 0 for all cores."""

    name: str = "openvino"

    def __init__(self, tower: LeanTower, dtype: Dtype, threads: int = 0) -> None:
        """``tower`` in float32; OpenVINO rounds it to ``dtype`` (fp32 or bf16) itself."""
        import openvino  # noqa: PLC0415 - an extra, and half a second
        from openvino.frontend import FrontEndManager  # noqa: PLC0415 - see above
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415 - see above

        self.dtype = dtype
        # Not openvino.convert_model: that one reports its use over the network.
        frontend = FrontEndManager().load_by_framework("pytorch")
        with warnings.catch_warnings():
            # torch deprecates tracing, and its successor (torch.export) warns of its own parts.
            warnings.simplefilter("ignore")
            decoder = TorchScriptPythonDecoder(tower, example_input=torch.zeros(1, N_FRAMES, N_MELS))
        model = frontend.convert(frontend.load(decoder))
        model.reshape({0: openvino.PartialShape([1, N_FRAMES, N_MELS])})
        hints = {
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}[dtype],
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # It would pin the calling thread too, and with it every thread that one starts (torch's) to one core.
            "ENABLE_CPU_PINNING": False,
        }
        self._request: Any = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()

    def embed(self, mels: Float32Array) -> Float32Array:
        rows = [np.array(self._request.infer([mel[None]])[0][0], np.float32) for mel in mels]
        return np.stack(rows)


def has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def choose_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Raises SettingsError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"There is no {device}: torch sees {torch.cuda.device_count()} GPUs.", param="--device")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> Dtype:
    """``auto``: bf16 where the processor calculates with it (GPUs from sm_80 on), else fp16 on a GPU, fp32 on a CPU."""
    for named in get_args(Dtype):
        if dtype == named:
            return TORCH_NAMES[named]
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"
    return "bf16" if cpu_has_bf16() else "fp32"


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


def open_backend(tower: LeanTower, device: torch.device, dtype: Dtype) -> AudioBackend:
    """The fastest there is for ``device``: OpenVINO on a CPU where it is installed, else torch."""
    if device.type == "cpu" and dtype != "fp16" and has_openvino():
        return OpenVinoBackend(tower, dtype)
    return TorchBackend(tower, device, dtype)
