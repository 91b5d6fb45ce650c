"""The layers of YAMNet, whatever file they come from: Google's MobileNet v1 over patches of a log mel spectrogram.

Source: ``research/audioset/yamnet/yamnet.py`` of TensorFlow Models; Howard and others: "MobileNets" (arXiv 1704.04861).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from server.model.graph_writer import GraphWriter
from server.model.names.mel import BANDS, PATCH_ROWS
from server.values.audio import Float32Array

CLASSES = 521
FIRST = 32
BLOCKS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
)
"""Stride of the depthwise convolution and outputs of the pointwise one, of the 13 blocks after the first layer."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution with its normalisation folded in. ``kernel``: float32 ``(outputs, inputs per group, h, w)``;
    ``bias``: float32 ``(outputs,)``; ``apart``: depthwise, each channel by itself."""

    kernel: Float32Array
    bias: Float32Array
    stride: int
    apart: bool


@dataclass(frozen=True, slots=True)
class Yamnet:
    """All weights. ``kernel``, ``bias``: of the last layer, float32 ``(1024, 521)`` and ``(521,)``. ``six``: outputs of
    every convolution end at 6, as in the versions made for Coral's chips."""

    layers: tuple[Layer, ...]
    kernel: Float32Array
    bias: Float32Array
    six: bool


def wanted() -> list[tuple[tuple[int, int, int, int], int, bool]]:
    """Kernel shape, stride and ``apart`` of each of the 27 convolutions, in order."""
    shapes: list[tuple[tuple[int, int, int, int], int, bool]] = [((FIRST, 1, 3, 3), 2, False)]
    before = FIRST
    for stride, outputs in BLOCKS:
        shapes += [((before, 1, 3, 3), stride, True), ((outputs, before, 1, 1), 1, False)]
        before = outputs
    return shapes


def assembled(
    convolutions: Sequence[tuple[Float32Array, Float32Array]], last: tuple[Float32Array, Float32Array], *, six: bool
) -> Yamnet:
    """``convolutions``: kernels and biases in order, shaped as in ``Layer``; ``last``: as in ``Yamnet``.

    Raises ValueError if they are not YAMNet's, or not finite.
    """
    if len(convolutions) != len(wanted()):
        raise ValueError(f"This is not YAMNet: {len(convolutions)} convolutions instead of {len(wanted())}.")
    layers = []
    for number, ((kernel, bias), (shape, stride, apart)) in enumerate(zip(convolutions, wanted(), strict=True)):
        if kernel.shape != shape or bias.shape != shape[:1]:
            raise ValueError(f"This is not YAMNet: convolution {number} has the shape {kernel.shape}, not {shape}.")
        layers.append(Layer(kernel, bias, stride, apart))
    kernel, bias = last
    if kernel.shape != (BLOCKS[-1][1], CLASSES) or bias.shape != (CLASSES,):
        raise ValueError(f"This is not YAMNet: its last layer has the shape {kernel.shape}.")
    if not all(np.isfinite(array).all() for one in layers for array in (one.kernel, one.bias)):
        raise ValueError("These weights of YAMNet are not finite.")
    return Yamnet(tuple(layers), kernel, bias, six)


def yamnet_graph(net: Yamnet) -> bytes:
    """The graph as ONNX. Needs the package ``onnx``.

    Input ``patches``, float32 ``(n, 96, 64)``, as ``mel.log_mel`` gives. Output ``scores``, float32 ``(n, 521)``, 0..1
    each, independent of the others: AudioSet's classes in the order of ``yamnet_class_map.csv``.
    """
    to = GraphWriter()
    to.begins_with("patches", ["n", PATCH_ROWS, BANDS])
    x = to.op("Unsqueeze", "patches", to.whole(1))
    for layer in net.layers:
        x = _convolved(to, x, layer, six=net.six)
    x = to.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    x = to.op("Add", to.op("MatMul", x, to.constant(net.kernel)), to.constant(net.bias))
    to.op("Sigmoid", x, outputs=["scores"])
    to.ends_with("scores", ["n", CLASSES])
    model: Any = to.model("yamnet")
    return bytes(model.SerializeToString())


def _convolved(to: GraphWriter, x: str, layer: Layer, *, six: bool) -> str:
    groups = layer.kernel.shape[0] if layer.apart else 1
    # TensorFlow's "same": what is uneven is padded below and on the right.
    x = to.op(
        "Conv",
        x,
        to.constant(layer.kernel),
        to.constant(layer.bias),
        strides=[layer.stride, layer.stride],
        group=groups,
        auto_pad="SAME_UPPER",
    )
    if six:
        return to.op("Clip", x, to.constant(np.array(0.0)), to.constant(np.array(6.0)))
    return to.op("Relu", x)
