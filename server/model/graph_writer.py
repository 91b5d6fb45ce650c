"""Writes an ONNX graph node by node. Needs the package ``onnx``."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET = 13
IR_VERSION = 8


class GraphWriter:
    """Each method adds nodes and returns the name of what they give."""

    def __init__(self) -> None:
        from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - only where a graph is made

        self._helper, self._numpy, self._float = helper, numpy_helper, TensorProto.FLOAT
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._numbers = count()

    def model(self, name: str) -> Any:
        """All that was written, as an ``onnx.ModelProto``."""
        graph = self._helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        model = self._helper.make_model(graph, opset_imports=[self._helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        return model

    def begins_with(self, name: str, shape: Sequence[int | str]) -> None:
        """A float32 input; a size that is a name varies."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._float, list[int | str | None](shape)))

    def ends_with(self, name: str, shape: Sequence[int | str]) -> None:
        """A float32 output that some node gives."""
        self._outputs.append(self._helper.make_tensor_value_info(name, self._float, list[int | str | None](shape)))

    def memory(self, name: str, shape: Sequence[int]) -> str:
        """An input that holds what the call before has kept under this name."""
        self.begins_with(name, shape)
        return name

    def keep(self, x: str, name: str, shape: Sequence[int]) -> None:
        """``x`` for the next call: the output ``<name>_out``."""
        self.op("Identity", x, outputs=[f"{name}_out"])
        self.ends_with(f"{name}_out", shape)

    def op(self, kind: str, *inputs: str, outputs: Sequence[str] = (), **attributes: Any) -> str:
        """One node; its first output."""
        made = list(outputs) or [self.name(kind.lower())]
        self._nodes.append(self._helper.make_node(kind, list(inputs), made, **attributes))
        return made[0]

    def split(self, x: str, axis: int) -> list[str]:
        """Two halves."""
        outputs = [self.name("half"), self.name("half")]
        self.op("Split", x, outputs=outputs, axis=axis)
        return outputs

    def cut(self, x: str, axis: int, start: int, end: int) -> str:
        """``x[start:end]`` along an axis."""
        return self.op("Slice", x, self.whole(start), self.whole(end), self.whole(axis))

    def whole(self, *values: int) -> str:
        """Whole numbers, int64."""
        return self.constant(np.array(values, np.int64))

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Whole numbers as they are, anything else as float32."""
        name = self.name("constant")
        kept = values if values.dtype == np.int64 else values.astype(np.float32)
        self._constants.append(self._numpy.from_array(np.ascontiguousarray(kept), name))
        return name

    def name(self, kind: str) -> str:
        """One that nothing has yet."""
        return f"{kind}_{next(self._numbers)}"
