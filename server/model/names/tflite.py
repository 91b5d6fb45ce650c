"""YAMNet's weights out of a TensorFlow Lite file, without TensorFlow. Nothing in the file is run.

The format is a FlatBuffer (``tensorflow/compiler/mlir/lite/schema/schema.fbs``); the numbers below are its fields.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from flatbuffers import number_types as kinds
from flatbuffers.table import Table

from server.model.names.layers import Yamnet, assembled, wanted
from server.values.audio import Float32Array

MAGIC = b"TFL3"
"""At the fifth byte."""

_CONV, _DEPTHWISE, _DENSE = 3, 4, 9
_RELU6 = 3
_ACTIVATION = {_CONV: 3, _DEPTHWISE: 4}
"""Which field of an operator's options is its activation."""
_TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 9: "i1"}
_MISFITS = (struct.error, IndexError, KeyError, TypeError, ValueError, OverflowError)


def read_tflite(file: bytes) -> Yamnet:
    """The convolutions and the last layer, quantised ones as the numbers that they stand for.

    Raises ValueError if ``file`` is anything else than YAMNet.
    """
    try:
        return _read(_Model(file))
    except _MISFITS as error:
        raise ValueError(f"This is not YAMNet as TensorFlow Lite has it: {error}") from error


def _read(model: "_Model") -> Yamnet:
    convolutions: list[tuple[Float32Array, Float32Array]] = []
    last: tuple[Float32Array, Float32Array] | None = None
    six = False
    shapes = wanted()
    for step in model.steps():
        if step.code == _DENSE:
            kernel, bias = (model.weights(one) for one in step.inputs[1:3])
            last = np.ascontiguousarray(kernel.T), bias
        elif step.code in _ACTIVATION and len(convolutions) < len(shapes):
            kernel, bias = (model.weights(one) for one in step.inputs[1:3])
            apart = step.code == _DEPTHWISE
            laid = kernel.transpose(3, 0, 1, 2) if apart else kernel.transpose(0, 3, 1, 2)
            convolutions.append((np.ascontiguousarray(laid), bias))
            six = step.activation == _RELU6
    if last is None:
        raise ValueError("it has no last layer")
    return assembled(convolutions, last, six=six)


@dataclass(frozen=True, slots=True)
class _Step:
    """One operator. ``inputs``: numbers of tensors."""

    code: int
    inputs: list[int]
    activation: int


class _Model:
    def __init__(self, file: bytes) -> None:
        if file[4:8] != MAGIC:
            raise ValueError("it is no file of TensorFlow Lite")
        self._file = file
        self._root = Table(bytearray(file), struct.unpack_from("<I", file)[0])
        self._graph = self._tables(self._root, 2)[0]
        self._tensors = self._tables(self._graph, 0)
        self._buffers = self._tables(self._root, 4)

    def steps(self) -> list[_Step]:
        """The operators in order."""
        # Files from before 2020 keep the code in the first field, a byte; later ones in the fourth as well.
        codes = [
            max(self._number(one, 0, kinds.Int8Flags), self._number(one, 3, kinds.Int32Flags))
            for one in self._tables(self._root, 1)
        ]
        found = []
        for step in self._tables(self._graph, 3):
            code = codes[self._number(step, 0, kinds.Uint32Flags)]
            options = self._below(step, 4)
            activation = 0
            if options is not None and code in _ACTIVATION:
                activation = self._number(options, _ACTIVATION[code], kinds.Int8Flags)
            found.append(_Step(code, self._numbers(step, 1, "<i4").tolist(), activation))
        return found

    def weights(self, number: int) -> Float32Array:
        """A tensor's numbers, float32 of its shape. Raises KeyError or ValueError if it has none."""
        tensor = self._tensors[number]
        shape = self._numbers(tensor, 0, "<i4").tolist()
        kept = _TYPES[self._number(tensor, 1, kinds.Int8Flags)]
        buffer = self._buffers[self._number(tensor, 2, kinds.Uint32Flags)]
        raw = np.frombuffer(self._numbers(buffer, 0, "u1").tobytes(), kept).reshape(shape).astype(np.float64)
        stands_for = self._below(tensor, 4)
        if stands_for is None or kept.startswith("<f"):
            return raw.astype(np.float32)
        scale = self._numbers(stands_for, 2, "<f4").astype(np.float64)
        zero = self._numbers(stands_for, 3, "<i8").astype(np.float64)
        if scale.size == 0:
            raise ValueError("weights without a scale")
        along = [1] * len(shape)
        along[self._number(stands_for, 6, kinds.Int32Flags)] = -1
        return ((raw - zero.reshape(along)) * scale.reshape(along)).astype(np.float32)

    def _numbers(self, table: Any, field: int, kind: str) -> npt.NDArray[Any]:
        place = table.Offset(4 + 2 * field)
        if not place:
            return np.zeros(0, kind)
        return np.frombuffer(self._file, kind, table.VectorLen(place), table.Vector(place))

    @staticmethod
    def _number(table: Any, field: int, kind: Any) -> int:
        place = table.Offset(4 + 2 * field)
        return int(table.Get(kind, table.Pos + place)) if place else 0

    @staticmethod
    def _below(table: Any, field: int) -> Any:
        place = table.Offset(4 + 2 * field)
        return Table(table.Bytes, table.Indirect(table.Pos + place)) if place else None

    @staticmethod
    def _tables(table: Any, field: int) -> list[Any]:
        place = table.Offset(4 + 2 * field)
        if not place:
            return []
        start = table.Vector(place)
        return [Table(table.Bytes, table.Indirect(start + 4 * one)) for one in range(table.VectorLen(place))]
