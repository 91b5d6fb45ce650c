"""The weights in GTCRN's published graph for one frame, in the order in which the network uses them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class FrameWeights:
    """The published weights in the order in which the network uses them; taken once each."""

    def __init__(self, model: Any) -> None:
        from onnx import numpy_helper  # noqa: PLC0415 - only where a graph is made

        self.named: dict[str, Array] = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        kinds: dict[str, list[Any]] = {}
        for node in model.graph.node:
            kinds.setdefault(node.op_type, []).append(node)
        self._kinds = {kind: iter(nodes) for kind, nodes in kinds.items()}
        biases = [name for name in self.named if name.endswith("tra.att_fc.bias")]
        self.attention_biases = iter(sorted(biases, key=lambda name: (name.startswith("decoder"), name)))

    def next(self, kind: str) -> list[Array]:
        """The weights of the next node of a kind, without its data."""
        node = next(self._kinds[kind])
        return [self.named[name] for name in node.input[1:] if name in self.named]

    def left(self) -> Iterator[str]:
        """Kinds of which a node was not used, of those that hold weights."""
        for kind in ("Conv", "ConvTranspose", "BatchNormalization", "PRelu", "MatMul", "GRU"):
            if next(self._kinds[kind], None) is not None:
                yield kind
