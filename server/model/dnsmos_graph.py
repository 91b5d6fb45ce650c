"""DNSMOS's graph with its widest layers made a part at a time.

The convolutions before the first pooling hold 128 and 64 maps of 900 frames by 161 bins: 74 and 37 MB of the 112 that a
rating takes. Here each of ``PARTS`` stretches of frames goes through all of them, with the frames that its edges see of
its neighbours, before the next one does. Every value is the sum of the same products in the same order: ratings are the
same to the last bit, and take the same time (tests/model/test_dnsmos_graph.py holds the first).
"""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any

PARTS = 12
"""With 8 a rating takes 48 MB, with 12 it takes 30, with 18 it takes 25 and 3 % longer."""

SAMPLES = 144_160
FRAMES = 900
"""Of the model's fixed input."""

_TIME = 2
"""The axis of frames: batch, maps, frames, bins."""


def graph_in_parts(published: bytes, parts: int = PARTS) -> bytes:
    """``published`` with the same inputs and outputs. Needs the package ``onnx``.

    Raises ValueError if ``published`` is another graph. It takes 9.01 s, and before its first pooling, of 2 by 2, is a
    chain of convolutions of 3 by 3.
    """
    import onnx  # noqa: PLC0415 - only where a graph is made

    model = onnx.load_model_from_string(published)
    nodes = list(model.graph.node)
    pooling = next((at for at, node in enumerate(nodes) if node.op_type == "MaxPool"), 0)
    first = pooling
    while first > 0 and nodes[first - 1].output[0] == nodes[first].input[0] and nodes[first - 1].op_type in _CHAIN:
        first -= 1
    chain = nodes[first : pooling + 1]
    if len(chain) < 2 or not all(_is_known(node) for node in chain) or _samples(model.graph) != SAMPLES:
        raise ValueError("This is not DNSMOS's graph.")
    made = _in_parts(model.graph, chain, parts)
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:first], *made, *nodes[pooling + 1 :]])
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


_CHAIN = ("Conv", "Relu")
_KNOWN = {
    "Conv": {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1], "dilations": [1, 1]},
    "MaxPool": {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0], "strides": [2, 2]},
    "Relu": {},
}
"""What each node of the chain says of its neighbourhood, as far as it says it."""


def _is_known(node: Any) -> bool:
    said = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    known: dict[str, list[int]] = _KNOWN[node.op_type]
    required = known.keys() - {"pads", "dilations"}
    return said.keys() >= required and all(said.get(name, wanted) == wanted for name, wanted in known.items())


def _samples(graph: Any) -> int:
    return int(graph.input[0].type.tensor_type.shape.dim[-1].dim_value)


def _pads(node: Any) -> Any:
    """Before and behind in time and in frequency, as ONNX orders them: begins of both axes, then ends."""
    return next(attribute.ints for attribute in node.attribute if attribute.name == "pads")


def _in_parts(graph: Any, chain: Sequence[Any], parts: int) -> list[Any]:
    """The nodes that take the place of ``chain``, which ends with a pooling of two frames."""
    from onnx import helper  # noqa: PLC0415 - as above

    halo = sum(node.op_type == "Conv" for node in chain)
    edges = [2 * round(at * FRAMES / 2 / parts) for at in range(parts)] + [FRAMES]
    along = _constant(graph, "parts/axis", _TIME)
    made: list[Any] = []
    pooled = []
    for at, (begin, end) in enumerate(pairwise(edges)):
        prefix = f"parts/{at}/"
        bounds = [
            _constant(graph, f"{prefix}begin", max(0, begin - halo)),
            _constant(graph, f"{prefix}end", min(FRAMES, end + halo)),
        ]
        told = f"{prefix}frames"
        made.append(helper.make_node("Slice", [chain[0].input[0], *bounds, along], [told]))
        for node in chain:
            copy = deepcopy(node)
            copy.name = f"{prefix}{node.output[0]}"
            copy.input[0], copy.output[0] = told, copy.name
            if node.op_type == "Conv":
                # Padding stands for what lies outside the input; within it the neighbours' frames are there.
                _pads(copy)[0], _pads(copy)[2] = int(at == 0), int(at == parts - 1)
            told = copy.name
            made.append(copy)
        pooled.append(told)
    made.append(helper.make_node("Concat", pooled, [chain[-1].output[0]], axis=_TIME))
    return made


def _constant(graph: Any, name: str, value: int) -> str:
    from onnx import TensorProto, helper  # noqa: PLC0415 - as above

    graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    return name
