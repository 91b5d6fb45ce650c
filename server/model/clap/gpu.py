"""The audio tower on a GPU. Written for CUDA and tested on a CPU; it has not run on a GPU yet."""

import logging
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from server.model.clap.devices import TORCH_DTYPES, Dtype
from server.model.clap.spectrogram import N_FRAMES, N_MELS
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array

log = logging.getLogger(__name__)

BATCH = 256
"""Windows per batch: 66 MB of mel."""

WARM_UPS = 3
"""Runs before a graph is captured, as torch's documentation of CUDA graphs requires."""

Mode = Literal["eager", "graphs", "compile"]
MODES: tuple[Mode, ...] = ("eager", "graphs", "compile")

Run = Callable[[], Tensor]


class GpuBackend:
    """``backends.AudioBackend``. Batches are padded to powers of two. Each size has a fixed input buffer, so that a
    captured graph can be replayed and copies use pinned memory.

    ``mode``: ``graphs`` (default) launches the tower as one graph, ``eager`` kernel by kernel, ``compile`` through
    ``torch.compile``, which takes minutes at first. ``bench/clap_device.py`` measures which is fastest.
    """

    name: str = "torch-gpu"
    side_by_side: int = 1

    def __init__(
        self, tower: LeanTower, device: torch.device, dtype: Dtype, *, mode: Mode = "graphs", batch: int = BATCH
    ) -> None:
        """``batch``: most windows at once, a power of two."""
        self.dtype = dtype
        self.batch = batch
        self.device = device
        self._mode: Mode = mode if device.type == "cuda" else "eager"
        self._tower = tower.to_dtype(TORCH_DTYPES[dtype]).to(device)
        self._call: Callable[[Tensor], Tensor] = torch.compile(self._tower) if mode == "compile" else self._tower
        self._slots: dict[int, _Slot] = {}

    def embed(self, mels: Float32Array) -> Float32Array:
        """In batches of at most ``batch``, or of half of that for good where the device's memory is too small: float32
        ``(n, 1001, 64)`` to ``(n, projection)``. Raises torch.OutOfMemoryError if it is too small for one window."""
        done: list[Float32Array] = []
        start = 0
        with torch.inference_mode():
            while start < mels.shape[0]:
                part = mels[start : start + self.batch]
                try:
                    done.append(self._slot(part.shape[0]).from_host(part))
                    start += part.shape[0]
                    continue
                except torch.OutOfMemoryError:
                    if part.shape[0] == 1:
                        raise
                self._shrink(part.shape[0])  # only now: what failed is held by its exception
        return np.concatenate(done)

    def _shrink(self, windows: int) -> None:
        """The device has no memory for so many, 2 at least: from now on half of them at once."""
        size = 1 << (windows - 1).bit_length()
        self._slots = {kept: slot for kept, slot in self._slots.items() if kept < size}
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.batch = size // 2
        log.warning("the device is out of memory: CLAP takes at most %d windows at once from now on", self.batch)

    def embed_there(self, mels: Tensor) -> Tensor:
        """The same for mels already on the device; the embeddings stay there, float32 ``(n, projection)``."""
        with torch.inference_mode():
            parts = [
                self._slot(part.shape[0]).on_device(part) for part in torch.split(mels, self.batch) if part.shape[0]
            ]
            return torch.cat(parts)

    def _slot(self, windows: int) -> "_Slot":
        size = 1 << (windows - 1).bit_length()
        if size not in self._slots:
            self._slots[size] = _Slot(self._call, self.device, size, graph=self._mode == "graphs")
        return self._slots[size]


class _Slot:
    """Buffers and, if captured, the graph of one batch size."""

    def __init__(self, call: Callable[[Tensor], Tensor], device: torch.device, size: int, *, graph: bool) -> None:
        cuda = device.type == "cuda"
        shape = (size, N_FRAMES, N_MELS)
        self._host = torch.zeros(shape, pin_memory=cuda)
        self._mels = torch.zeros(shape, device=device)
        self._run: Run = _captured(call, self._mels) if graph else lambda: call(self._mels)

    def from_host(self, mels: Float32Array) -> Float32Array:
        n = mels.shape[0]
        self._host[:n].copy_(torch.tensor(mels))
        self._mels[:n].copy_(self._host[:n], non_blocking=True)
        # To host memory that is not pinned, so it waits for the copy.
        return np.array(self._run()[:n].cpu().numpy(), np.float32)

    def on_device(self, mels: Tensor) -> Tensor:
        self._mels[: mels.shape[0]].copy_(mels)
        return self._run()[: mels.shape[0]].clone()


def _captured(call: Callable[[Tensor], Tensor], mels: Tensor) -> Run:
    """A CUDA graph of ``call(mels)``; the result is overwritten by the next run. Not run on a GPU yet."""
    beside = torch.cuda.Stream(mels.device)  # type: ignore[no-untyped-call]  # untyped in torch
    beside.wait_stream(torch.cuda.current_stream(mels.device))
    with torch.cuda.stream(beside):
        for _ in range(WARM_UPS):
            call(mels)
    torch.cuda.current_stream(mels.device).wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = call(mels)

    def run() -> Tensor:
        graph.replay()
        return made

    return run
