"""GTCRN's graph over blocks of frames, built from the published one that takes a single frame.

The published file (see ``model.small``) holds a graph for one frame of 16 ms, with its memory as inputs and outputs: at
62.5 calls a second most of its cost is the calls. The same weights are laid out here with time as a dimension. What the
network remembers stays outside, so that a stream goes on at any frame; equal to the published graph within 1e-6.

Rong et al.: "GTCRN: A Speech Enhancement Model Requiring Ultralow Computational Resources" (ICASSP 2024). Three
encoder blocks look back 2, 4 and 10 frames, two dual-path recurrent blocks follow, and the decoder mirrors the encoder.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from server.model.graph_writer import GraphWriter
from server.model.gtcrn.frame_weights import Array, FrameWeights

CHANNELS = 16
BANDS = 33
"""Frequencies behind the two strided convolutions."""
LOW_BINS = 65
"""The lowest bins are kept; those above are merged into 64 bands."""
MERGED = 129
ENCODER_BACK = (1, 2, 5)
DECODER_BACK = (5, 2, 1)
"""Dilations in time; each block looks back by twice as many frames."""


def block_graph(frame_graph: bytes) -> bytes:
    """The graph for ``n`` frames at once, as ONNX. Needs the package ``onnx``.

    Input ``spectrum``, float32 ``(1, 2, n, 257)``: real and imaginary parts. Output ``enhanced``, of the same shape.
    Each memory ``x`` is an input ``x`` and an output ``x_out`` of the same shape, zeros at a stream's start.
    Raises ValueError if ``frame_graph`` is another graph.
    """
    import onnx  # noqa: PLC0415 - only where a graph is made

    try:
        source = onnx.load_model_from_string(frame_graph)
        built = _Builder(FrameWeights(source)).build()
        onnx.checker.check_model(built)
    except (KeyError, IndexError, StopIteration, onnx.checker.ValidationError) as error:
        raise ValueError(f"This is not GTCRN's graph for one frame: {error}.") from error
    except Exception as error:
        # A file that is no ONNX at all: protobuf's own error, which has no public name.
        raise ValueError("This is no ONNX graph.") from error
    return bytes(built.SerializeToString())


class _Builder:
    def __init__(self, weights: FrameWeights) -> None:
        self._weights = weights
        self._to = GraphWriter()

    def build(self) -> Any:
        shape: list[int | str] = [1, 2, "frames", 257]
        self._to.begins_with("spectrum", shape)
        self._to.ends_with("enhanced", shape)
        self._enhance()
        if left := list(self._weights.left()):
            raise KeyError(f"more {' and '.join(left)} than GTCRN has")
        return self._to.model("gtcrn")

    def _enhance(self) -> None:
        real, imaginary = self._to.split("spectrum", axis=1)
        power = self._to.op("Add", self._to.op("Mul", real, real), self._to.op("Mul", imaginary, imaginary))
        magnitude = self._to.op(
            "Sqrt", self._to.op("Add", power, self._to.constant(self._weights.named["onnx::Add_288"]))
        )
        features = self._to.op("Concat", magnitude, real, imaginary, axis=1)
        first = self._convolved(self._neighbours(self._merged(features)), strides=[1, 2], pads=[0, 2, 0, 2])
        second = self._convolved(first, group=2, strides=[1, 2], pads=[0, 2, 0, 2])
        encoded = [second]
        for place, back in enumerate(ENCODER_BACK):
            encoded.append(self._encoder(encoded[-1], place, back))
        x = self._dual_path(self._dual_path(encoded[-1], 1), 2)
        for place, back in enumerate(DECODER_BACK):
            x = self._decoder(self._to.op("Add", x, encoded.pop()), place, back)
        x = self._prelu(self._deconvolved(self._to.op("Add", x, second), 2, strides=[1, 2], pads=[0, 2, 0, 2]))
        mask = self._deconvolved(self._to.op("Add", x, first), 1, strides=[1, 2], pads=[0, 2, 0, 2])
        self._masked(real, imaginary, self._spread(self._to.op("Tanh", mask)))

    def _merged(self, x: str) -> str:
        (bands,) = self._weights.next("MatMul")
        high = self._to.op("MatMul", self._to.cut(x, 3, LOW_BINS, 257), self._to.constant(bands))
        return self._to.op("Concat", self._to.cut(x, 3, 0, LOW_BINS), high, axis=3)

    def _spread(self, x: str) -> str:
        (bins,) = self._weights.next("MatMul")
        high = self._to.op("MatMul", self._to.cut(x, 3, LOW_BINS, MERGED), self._to.constant(bins))
        return self._to.op("Concat", self._to.cut(x, 3, 0, LOW_BINS), high, axis=3)

    def _neighbours(self, x: str) -> str:
        """Each band with the one below and above it, as three channels."""
        padded = self._to.op("Pad", x, self._to.whole(0, 0, 0, 1, 0, 0, 0, 1))
        three = [
            self._to.op("Unsqueeze", self._to.cut(padded, 3, at, at + MERGED), self._to.whole(2)) for at in range(3)
        ]
        return self._to.op("Reshape", self._to.op("Concat", *three, axis=2), self._to.whole(1, 9, -1, MERGED))

    def _masked(self, real: str, imaginary: str, mask: str) -> None:
        """The complex product of spectrum and mask."""
        across, along = self._to.split(mask, axis=1)
        one = self._to.op("Sub", self._to.op("Mul", real, across), self._to.op("Mul", imaginary, along))
        other = self._to.op("Add", self._to.op("Mul", imaginary, across), self._to.op("Mul", real, along))
        self._to.op("Concat", one, other, outputs=["enhanced"], axis=1)

    def _encoder(self, x: str, place: int, back: int) -> str:
        first, second = self._to.split(x, axis=1)
        kernel, bias = self._weights.next("Conv")
        h = self._prelu(self._conv(first, kernel.reshape(CHANNELS, 8, 1, 3), bias, pads=[0, 1, 0, 1]))
        h = self._remembered(h, f"encoder_{place}", back)
        kernel, bias = self._weights.next("Conv")
        h = self._prelu(self._conv(h, kernel, bias, group=CHANNELS, dilations=[back, 1], pads=[0, 1, 0, 1]))
        return self._shuffled(self._attended(self._conv(h, *self._weights.next("Conv")), f"encoder_{place}"), second)

    def _decoder(self, x: str, place: int, back: int) -> str:
        first, second = self._to.split(x, axis=1)
        kernel, bias = self._point()
        h = self._prelu(self._conv(first, kernel.reshape(CHANNELS, 8, 1, 3), bias, pads=[0, 1, 0, 1]))
        h = self._remembered(h, f"decoder_{place}", back)
        pads = [2 * back, 1, 2 * back, 1]
        h = self._prelu(self._deconvolved(h, CHANNELS, dilations=[back, 1], pads=pads))
        kernel, bias = self._point()
        h = self._conv(h, kernel[:, :, np.newaxis, np.newaxis], bias)
        return self._shuffled(self._attended(h, f"decoder_{place}"), second)

    def _remembered(self, x: str, name: str, back: int) -> str:
        """``x`` behind its last frames of before."""
        shape = [1, CHANNELS, 2 * back, BANDS]
        joined = self._to.op("Concat", self._to.memory(f"{name}_past", shape), x, axis=2)
        self._to.keep(self._to.cut(joined, 2, -2 * back, 2**31), f"{name}_past", shape)
        return joined

    def _attended(self, x: str, name: str) -> str:
        """Each channel weighted by what its energy was so far."""
        energy = self._to.op("ReduceMean", self._to.op("Mul", x, x), axes=[-1], keepdims=0)
        memory, shape = f"{name}_attention", [1, 1, CHANNELS]
        series = self._to.op("Transpose", energy, perm=[2, 0, 1])
        told = self._to.op("Squeeze", self._recur(series, memory, shape, CHANNELS), self._to.whole(1))
        (kernel,) = self._weights.next("MatMul")
        bias = self._weights.named[next(self._weights.attention_biases)]
        weight = self._to.op("Add", self._to.op("MatMul", told, self._to.constant(kernel)), self._to.constant(bias))
        shaped = self._to.op("Transpose", self._to.op("Sigmoid", weight), perm=[1, 2, 0])
        return self._to.op("Mul", x, self._to.op("Unsqueeze", shaped, self._to.whole(3)))

    def _shuffled(self, x: str, other: str) -> str:
        """The channels of both, one of each in turn."""
        pair = [self._to.op("Unsqueeze", half, self._to.whole(2)) for half in (x, other)]
        return self._to.op("Reshape", self._to.op("Concat", *pair, axis=2), self._to.whole(1, CHANNELS, -1, BANDS))

    def _dual_path(self, x: str, number: int) -> str:
        """Along the bands, both ways, then along time; ``(1, 16, n, 33)`` each."""
        x = self._to.op("Transpose", x, perm=[0, 2, 3, 1])
        along = self._to.op("Transpose", self._to.op("Squeeze", x, self._to.whole(0)), perm=[1, 0, 2])
        told = [self._both_ways(half) for half in self._to.split(along, axis=2)]
        x = self._to.op("Add", x, self._projected(told, "intra", number))
        frames = self._to.split(self._to.op("Squeeze", x, self._to.whole(0)), axis=2)
        told = [self._along_time(half, f"path_{number}_{place}") for place, half in enumerate(frames)]
        x = self._to.op("Add", x, self._projected(told, "inter", number))
        return self._to.op("Transpose", x, perm=[0, 3, 1, 2])

    def _both_ways(self, half: str) -> str:
        """Over ``(33, n, 8)``, back and forth: ``(1, n, 33, 8)``."""
        n = self._to.op("Slice", self._to.op("Shape", half), self._to.whole(1), self._to.whole(2), self._to.whole(0))
        zeros = self._to.op("ConstantOfShape", self._to.op("Concat", self._to.whole(2), n, self._to.whole(4), axis=0))
        told, _ = self._gru(half, zeros, 4, direction="bidirectional")
        return self._to.op(
            "Reshape", self._to.op("Transpose", told, perm=[2, 0, 1, 3]), self._to.whole(1, -1, BANDS, 8)
        )

    def _along_time(self, half: str, memory: str) -> str:
        """Over ``(n, 33, 8)``: ``(1, n, 33, 8)``."""
        told = self._recur(half, memory, [1, BANDS, 8], 8)
        return self._to.op("Unsqueeze", self._to.op("Squeeze", told, self._to.whole(1)), self._to.whole(0))

    def _projected(self, halves: Sequence[str], which: str, number: int) -> str:
        name, named = f"dpgrnn{number}.{which}", self._weights.named
        (kernel,) = self._weights.next("MatMul")
        x = self._to.op("MatMul", self._to.op("Concat", *halves, axis=-1), self._to.constant(kernel))
        x = self._to.op("Add", x, self._to.constant(named[f"{name}_fc.bias"]))
        centred = self._to.op("Sub", x, self._to.op("ReduceMean", x, axes=[-2, -1]))
        spread = self._to.op("ReduceMean", self._to.op("Mul", centred, centred), axes=[-2, -1])
        x = self._to.op(
            "Div", centred, self._to.op("Sqrt", self._to.op("Add", spread, self._to.constant(named["onnx::Add_1567"])))
        )
        x = self._to.op("Mul", x, self._to.constant(named[f"{name}_ln.weight"]))
        return self._to.op("Add", x, self._to.constant(named[f"{name}_ln.bias"]))

    def _recur(self, x: str, memory: str, shape: list[int], hidden: int) -> str:
        told, last = self._gru(x, self._to.memory(memory, shape), hidden)
        self._to.keep(last, memory, shape)
        return told

    def _gru(self, x: str, memory: str, hidden: int, **more: Any) -> list[str]:
        weights = [self._to.constant(one) for one in self._weights.next("GRU")[:3]]
        outputs = [self._to.name("gru"), self._to.name("gru")]
        inputs = [x, *weights, "", memory]
        self._to.op("GRU", *inputs, outputs=outputs, hidden_size=hidden, linear_before_reset=1, **more)
        return outputs

    def _convolved(self, x: str, **more: Any) -> str:
        return self._prelu(self._conv(x, *self._weights.next("Conv"), **more))

    def _conv(self, x: str, kernel: Array, bias: Array, **more: Any) -> str:
        return self._to.op("Conv", x, self._to.constant(kernel), self._to.constant(bias), **more)

    def _point(self) -> tuple[Array, Array]:
        """The next transposed convolution of one point with its normalisation, as a plain one: ``(out, in)``, bias."""
        kernel, bias = self._weights.next("ConvTranspose")
        scale, shift = self._normalisation()
        return kernel[:, :, 0, 0].T * scale[:, np.newaxis], bias * scale + shift

    def _deconvolved(self, x: str, groups: int, **more: Any) -> str:
        """The next transposed convolution, with its normalisation folded into its weights."""
        kernel, bias = self._weights.next("ConvTranspose")
        scale, shift = self._normalisation()
        by_input = np.repeat(scale.reshape(groups, kernel.shape[1]), kernel.shape[0] // groups, axis=0)
        folded = kernel * by_input[:, :, np.newaxis, np.newaxis]
        inputs = [self._to.constant(folded), self._to.constant(bias * scale + shift)]
        return self._to.op("ConvTranspose", x, *inputs, group=groups, **more)

    def _normalisation(self) -> tuple[Array, Array]:
        gain, offset, mean, variance = self._weights.next("BatchNormalization")
        scale = gain / np.sqrt(variance + np.float32(1e-5))
        return scale, offset - mean * scale

    def _prelu(self, x: str) -> str:
        (slope,) = self._weights.next("PRelu")
        return self._to.op("PRelu", x, self._to.constant(slope.reshape(1, 1, 1)))
