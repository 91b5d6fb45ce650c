"""The graph of the overlap network, from its weights: one call of ONNX Runtime instead of forty of numpy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from server.model.graph_writer import GraphWriter
from server.values.audio import Float32Array

BANDS = 192
CHANNELS = (1, 8, 16, 32)
BANDS_LEFT = 22
"""Behind two convolutions with a stride of 3."""


def overlap_graph(weights: Mapping[str, Float32Array], time_stride: int) -> bytes:
    """As ONNX; ``weights`` as written by ``training/fit_overlap.py``. Needs the package ``onnx``.

    Input ``levels``: ``relative`` levels, float32 ``(t, 192)``. Output ``overlap``: float32 ``(ceil(t / stride),)``,
    0..1. Raises KeyError if a weight is missing.
    """
    to = GraphWriter()
    to.begins_with("levels", ["frames", BANDS])
    to.ends_with("overlap", ["answers"])
    x = to.op("Reshape", "levels", to.whole(1, 1, -1, BANDS))
    first = weights["first"].reshape(3, 7, *CHANNELS[:2]).transpose(3, 2, 0, 1)
    second = weights["second"].reshape(3, 5, *CHANNELS[1:3]).transpose(3, 2, 0, 1)
    x = _layer(to, x, first, weights["first_bias"], strides=[time_stride, 3], pads=[1, 3, 1, 3])
    x = _layer(to, x, second, weights["second_bias"], strides=[1, 3], pads=[1, 2, 1, 2])
    project = weights["project"].reshape(BANDS_LEFT, *CHANNELS[2:]).transpose(2, 1, 0)[:, :, np.newaxis]
    x = to.op("Squeeze", _layer(to, x, project, weights["project_bias"]), to.whole(3))
    for place, (kernel, bias) in enumerate(zip(weights["dilated"], weights["dilated_bias"], strict=True)):
        by = 2**place
        wide = kernel.reshape(3, CHANNELS[3], CHANNELS[3]).transpose(2, 1, 0)
        x = to.op("Add", x, _layer(to, x, wide, bias, dilations=[by], pads=[by, by]))
    out = to.constant(weights["out"].reshape(1, -1, 1)), to.constant(np.reshape(weights["out_bias"], 1))
    to.op("Sigmoid", to.op("Reshape", to.op("Conv", x, *out), to.whole(-1)), outputs=["overlap"])
    return bytes(to.model("overlap").SerializeToString())


def _layer(to: GraphWriter, x: str, kernel: Float32Array, bias: Float32Array, **shape: Any) -> str:
    return to.op("Relu", to.op("Conv", x, to.constant(kernel), to.constant(bias), **shape))
