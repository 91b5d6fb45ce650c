"""YAMNet with weights drawn at random, as a file of TensorFlow Lite, and what PyTorch makes of the same weights."""

from dataclasses import dataclass
from functools import cache

import flatbuffers
import numpy as np
import numpy.typing as npt
import torch
from flatbuffers import number_types
from torch.nn import functional

from server.model.names.layers import CLASSES, wanted
from server.values.audio import Float32Array

CONV, DEPTHWISE, DENSE, RELU, RELU6 = 3, 4, 9, 1, 3
FLOAT, INT32, INT8 = 0, 2, 9


@dataclass(frozen=True, eq=False)
class Toy:
    """``kernels``: as PyTorch has them, exactly what the file stands for."""

    kernels: list[Float32Array]
    biases: list[Float32Array]
    last: Float32Array
    last_bias: Float32Array


def drawn(seed: int) -> Toy:
    rng = np.random.default_rng(seed)
    kernels, biases = [], []
    for shape, _, _ in wanted():
        scale = np.sqrt(2.0 / np.prod(shape[1:])) * 1.4
        whole = np.clip(np.round(rng.standard_normal(shape) * 40), -127, 127)
        kernels.append((whole * np.float32(scale / 40)).astype(np.float32))
        biases.append(rng.standard_normal(shape[0]).astype(np.float32) * np.float32(0.05))
    whole = np.clip(np.round(rng.standard_normal((1024, CLASSES)) * 40), -127, 127)
    last = (whole * np.float32(0.002)).astype(np.float32)
    return Toy(kernels, biases, last, rng.standard_normal(CLASSES).astype(np.float32))


def scores(toy: Toy, patches: Float32Array, *, six: bool) -> Float32Array:
    """Float32 ``(n, 96, 64)`` to ``(n, 521)``, layer by layer as Google describes it."""
    x = torch.from_numpy(patches)[:, None]
    for (_, stride, apart), kernel, bias in zip(wanted(), toy.kernels, toy.biases, strict=True):
        if kernel.shape[2] == 3:
            # TensorFlow's "same" for even sizes: nothing above and one row below where every other row is taken.
            x = functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        groups = kernel.shape[0] if apart else 1
        x = functional.conv2d(x, torch.from_numpy(kernel), torch.from_numpy(bias), stride=stride, groups=groups)
        x = x.clamp(0, 6) if six else x.clamp(0)
    return torch.sigmoid(x.mean((2, 3)) @ torch.from_numpy(toy.last) + torch.from_numpy(toy.last_bias)).numpy()


@cache
def tflite(toy: Toy, *, whole: bool, activation: int) -> bytes:
    """``whole``: kernels as whole numbers with a scale for each output, as Coral's; or as float32."""
    file = _Writer(whole=whole)
    for (_, _, apart), kernel, bias in zip(wanted(), toy.kernels, toy.biases, strict=True):
        laid = kernel.transpose(1, 2, 3, 0) if apart else kernel.transpose(0, 2, 3, 1)
        file.step(DEPTHWISE if apart else CONV, laid, bias, 3 if apart else 0, activation)
    file.step(DENSE, toy.last.T, toy.last_bias, 0, 0)
    return file.done()


class _Writer:
    def __init__(self, *, whole: bool) -> None:
        self._to = flatbuffers.Builder(1 << 22)
        self._whole = whole
        self._buffers: list[int] = []
        self._tensors: list[int] = []
        self._steps: list[int] = []

    def step(self, code: int, kernel: Float32Array, bias: Float32Array, along: int, activation: int) -> None:
        inputs = self._ints([0, self._tensor(kernel, along), self._bias(bias)])
        options = None
        if code != DENSE:
            self._to.StartObject(7)
            self._to.PrependInt8Slot(3 if code == CONV else 4, activation, 0)
            options = self._to.EndObject()
        self._to.StartObject(9)
        self._to.PrependUint32Slot(0, (CONV, DEPTHWISE, DENSE).index(code), 0)
        self._to.PrependUOffsetTRelativeSlot(1, inputs, 0)
        if options is not None:
            self._to.PrependUOffsetTRelativeSlot(4, options, 0)
        self._steps.append(self._to.EndObject())

    def done(self) -> bytes:
        codes = []
        for code in (CONV, DEPTHWISE, DENSE):
            self._to.StartObject(4)
            self._to.PrependInt8Slot(0, code, 0)
            codes.append(self._to.EndObject())
        tensors, steps = self._tables(self._tensors), self._tables(self._steps)
        self._to.StartObject(5)
        self._to.PrependUOffsetTRelativeSlot(0, tensors, 0)
        self._to.PrependUOffsetTRelativeSlot(3, steps, 0)
        graph = self._tables([self._to.EndObject()])
        codes_at, buffers = self._tables(codes), self._tables(self._buffers)
        self._to.StartObject(5)
        self._to.PrependUOffsetTRelativeSlot(1, codes_at, 0)
        self._to.PrependUOffsetTRelativeSlot(2, graph, 0)
        self._to.PrependUOffsetTRelativeSlot(4, buffers, 0)
        self._to.Finish(self._to.EndObject(), file_identifier=b"TFL3")
        return bytes(self._to.Output())

    def _bias(self, bias: Float32Array) -> int:
        return self._kept(bias, FLOAT, None)

    def _tensor(self, kernel: Float32Array, along: int) -> int:
        if not self._whole:
            return self._kept(kernel, FLOAT, None)
        others = tuple(axis for axis in range(kernel.ndim) if axis != along)
        step = np.abs(kernel).max(axis=others) / 127
        # The weights are whole multiples of one step; a scale that divides by it keeps them exact.
        exact = np.unique(np.abs(kernel[kernel != 0])).min()
        scales = np.full_like(step, exact)
        whole = np.round(kernel / exact).astype(np.int8)
        return self._kept(whole, INT8, (scales, along))

    def _kept(self, values: npt.NDArray[np.generic], kind: int, stands_for: tuple[Float32Array, int] | None) -> int:
        raw = self._to.CreateNumpyVector(np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8))
        self._to.StartObject(1)
        self._to.PrependUOffsetTRelativeSlot(0, raw, 0)
        self._buffers.append(self._to.EndObject())
        shape = self._ints(list(values.shape))
        scaled = None
        if stands_for is not None:
            scale = self._to.CreateNumpyVector(stands_for[0].astype(np.float32))
            zero = self._to.CreateNumpyVector(np.zeros(stands_for[0].size, np.int64))
            self._to.StartObject(7)
            self._to.PrependUOffsetTRelativeSlot(2, scale, 0)
            self._to.PrependUOffsetTRelativeSlot(3, zero, 0)
            self._to.PrependInt32Slot(6, stands_for[1], 0)
            scaled = self._to.EndObject()
        self._to.StartObject(8)
        self._to.PrependUOffsetTRelativeSlot(0, shape, 0)
        self._to.PrependInt8Slot(1, kind, 0)
        self._to.PrependUint32Slot(2, len(self._buffers) - 1, 0)
        if scaled is not None:
            self._to.PrependUOffsetTRelativeSlot(4, scaled, 0)
        self._tensors.append(self._to.EndObject())
        return len(self._tensors) - 1

    def _ints(self, values: list[int]) -> int:
        return int(self._to.CreateNumpyVector(np.array(values, np.int32)))

    def _tables(self, tables: list[int]) -> int:
        self._to.StartVector(number_types.UOffsetTFlags.bytewidth, len(tables), 4)
        for one in reversed(tables):
            self._to.PrependUOffsetTRelative(one)
        return int(self._to.EndVector())
