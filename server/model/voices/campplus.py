"""The graph of CAM++, which makes 192 numbers of a stretch of speech that are alike for one person.

Laid out from the published weights (see ``model.small``). Wang et al.: "CAM++: A Fast and Efficient Network for Speaker
Verification Using Context-Aware Masking" (Interspeech 2023): a small residual network over frequency, then three blocks
of densely connected layers in time, each masked by what the whole stretch sounds like.
"""

from typing import Any

import numpy as np

from server.model.graph_writer import GraphWriter
from server.model.small.torch_weights import Array, read_weights

MELS = 80
SIZE = 192
MOST_FRAMES = 200
"""The network averages its context over 100 of its frames, two of the input each; up to here that is over all of it,
and so it is laid out."""

BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of the three blocks."""


def campplus_graph(weights_file: bytes) -> bytes:
    """The graph as ONNX. Needs the package ``onnx``.

    Input ``mel``, float32 ``(n, frames, 80)`` with 10 to 200 frames: log mel energies, each band's mean taken away.
    Output ``voice``, float32 ``(n, 192)``. Raises ValueError if the file holds other weights.
    """
    weights = read_weights(weights_file)
    try:
        model = _Builder(weights).build()
    except KeyError as error:
        raise ValueError(f"These are not the weights of CAM++: {error} is missing.") from error
    return bytes(model.SerializeToString())


class _Builder:
    def __init__(self, weights: dict[str, Array]) -> None:
        self._weights = weights
        self._to = GraphWriter()

    def build(self) -> Any:
        self._to.begins_with("mel", ["n", "frames", MELS])
        x = self._to.op("Transpose", "mel", perm=[0, 2, 1])
        x = self._head(self._to.op("Unsqueeze", x, self._to.whole(1)))
        x = self._relu(
            self._conv(x, "xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm", strides=[2], pads=[2, 2])
        )
        for number, (layers, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                told = self._layer(x, f"xvector.block{number}.tdnnd{layer}", dilation)
                x = self._to.op("Concat", x, told, axis=1)
            x = self._normed(x, f"xvector.transit{number}.nonlinear.batchnorm")
            x = self._conv(x, f"xvector.transit{number}.linear")
        x = self._statistics(self._normed(x, "xvector.out_nonlinear.batchnorm"))
        x = self._conv(x, "xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
        self._to.op("Squeeze", x, self._to.whole(2), outputs=["voice"])
        self._to.ends_with("voice", ["n", SIZE])
        return self._to.model("campplus")

    def _head(self, x: str) -> str:
        x = self._relu(self._conv(x, "head.conv1", "head.bn1", pads=[1] * 4))
        for name, stride in (("layer1.0", 2), ("layer1.1", 1), ("layer2.0", 2), ("layer2.1", 1)):
            x = self._residual(x, f"head.{name}", stride)
        x = self._relu(self._conv(x, "head.conv2", "head.bn2", strides=[2, 1], pads=[1] * 4))
        return self._to.op("Reshape", x, self._to.whole(0, 32 * MELS // 8, -1))

    def _residual(self, x: str, name: str, stride: int) -> str:
        told = self._relu(self._conv(x, f"{name}.conv1", f"{name}.bn1", strides=[stride, 1], pads=[1] * 4))
        told = self._conv(told, f"{name}.conv2", f"{name}.bn2", pads=[1] * 4)
        if stride != 1:
            x = self._conv(x, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=[stride, 1])
        return self._relu(self._to.op("Add", told, x))

    def _layer(self, x: str, name: str, dilation: int) -> str:
        x = self._normed(x, f"{name}.nonlinear1.batchnorm")
        x = self._relu(self._conv(x, f"{name}.linear1", f"{name}.nonlinear2.batchnorm"))
        local = self._conv(x, f"{name}.cam_layer.linear_local", dilations=[dilation], pads=[dilation] * 2)
        mean = self._to.op("ReduceMean", x, axes=[-1])
        context = self._relu(self._conv(self._to.op("Add", mean, mean), f"{name}.cam_layer.linear1"))
        mask = self._to.op("Sigmoid", self._conv(context, f"{name}.cam_layer.linear2"))
        return self._to.op("Mul", local, mask)

    def _statistics(self, x: str) -> str:
        """Mean and (unbiased) standard deviation over time, ``(n, 1024, 1)``."""
        mean = self._to.op("ReduceMean", x, axes=[-1])
        apart = self._to.op("Sub", x, mean)
        power = self._to.op("ReduceSum", self._to.op("Mul", apart, apart), self._to.whole(-1))
        frames = self._to.op("Slice", self._to.op("Shape", x), self._to.whole(2), self._to.whole(3), self._to.whole(0))
        less = self._to.op("Cast", self._to.op("Sub", frames, self._to.whole(1)), to=1)
        return self._to.op("Concat", mean, self._to.op("Sqrt", self._to.op("Div", power, less)), axis=1)

    def _conv(self, x: str, name: str, norm: str | None = None, **more: Any) -> str:
        """A convolution, with the normalisation that follows folded into its weights."""
        kernel, bias = self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias")
        if norm is not None:
            scale, shift = self._normalisation(norm)
            kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
            bias = shift if bias is None else bias * scale + shift
        inputs = [self._to.constant(one) for one in (kernel, bias) if one is not None]
        return self._to.op("Conv", x, *inputs, **more)

    def _normed(self, x: str, name: str) -> str:
        scale, shift = (self._to.constant(one[:, np.newaxis]) for one in self._normalisation(name))
        return self._relu(self._to.op("Add", self._to.op("Mul", x, scale), shift))

    def _normalisation(self, name: str) -> tuple[Array, Array]:
        mean, variance = self._weights[f"{name}.running_mean"], self._weights[f"{name}.running_var"]
        scale = self._weights.get(f"{name}.weight", np.ones_like(mean)) / np.sqrt(variance + np.float32(1e-5))
        return scale, self._weights.get(f"{name}.bias", np.zeros_like(mean)) - mean * scale

    def _relu(self, x: str) -> str:
        return self._to.op("Relu", x)
