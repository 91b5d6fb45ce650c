"""GTCRN frame by frame in numpy, as its authors describe it, with the weights of a graph: slow and plain.

It shares nothing with ``server.model.gtcrn.graph`` but the weights, so that the two can be compared.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float64]

KINDS = ("Conv", "ConvTranspose", "BatchNormalization", "PRelu", "MatMul", "GRU")


class _Drawn:
    """Nodes and weights of a graph, drawn at random."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, kind: str, *shapes: tuple[int, ...]) -> None:
        names = [f"{kind}_{len(self.weights) + place}" for place in range(len(shapes))]
        for name, shape in zip(names, shapes, strict=True):
            self.named(name, shape)
        inputs = ["x", *names, *(["", "memory"] if kind == "GRU" else [])]
        self.nodes.append(helper.make_node(kind, inputs, [f"out_{len(self.nodes)}"]))

    def named(self, name: str, shape: tuple[int, ...], value: float | None = None) -> None:
        drawn = self._rng.standard_normal(shape) / np.sqrt(max(1, math.prod(shape[1:])))
        values = drawn if value is None else np.full(shape, value)
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))

    def normalised(self, channels: int) -> None:
        self.add("BatchNormalization", *[(channels,)] * 3)
        self.named(f"variance_{len(self.weights)}", (channels,), 0.8)
        self.nodes[-1].input.append(self.weights[-1].name)

    def attention(self, name: str) -> None:
        self.named(f"{name}.tra.att_fc.bias", (8,))
        self.add("GRU", (1, 48, 8), (1, 48, 16), (1, 96))
        self.add("MatMul", (16, 8))

    def encoder(self, place: int) -> None:
        self.add("Conv", (16, 24, 1, 1), (16,))
        self.add("PRelu", (1, 1, 1))
        self.add("Conv", (16, 1, 3, 3), (16,))
        self.add("PRelu", (1, 1, 1))
        self.add("Conv", (8, 16, 1, 1), (8,))
        self.attention(f"encoder.en_convs.{place + 2}")

    def dual_path(self, number: int) -> None:
        for which, gru in (("intra", ((2, 12, 8), (2, 12, 4), (2, 24))), ("inter", ((1, 24, 8), (1, 24, 8), (1, 48)))):
            self.add("GRU", *gru)
            self.add("GRU", *gru)
            self.add("MatMul", (16, 16))
            self.named(f"dpgrnn{number}.{which}_fc.bias", (16,))
            self.named(f"dpgrnn{number}.{which}_ln.weight", (33, 16))
            self.named(f"dpgrnn{number}.{which}_ln.bias", (33, 16))

    def decoder(self, place: int) -> None:
        for kernel, channels in (((24, 16, 1, 1), 16), ((16, 1, 3, 3), 16), ((16, 8, 1, 1), 8)):
            self.add("ConvTranspose", kernel, (channels,))
            self.normalised(channels)
            if channels == 16:
                self.add("PRelu", (1, 1, 1))
        self.attention(f"decoder.de_convs.{place}")


def random_frame_graph(seed: int) -> bytes:
    """What holds GTCRN's weights, as the published file does, drawn by ``seed``: nodes in their order, not runnable."""
    drawn = _Drawn(seed)
    drawn.named("onnx::Add_288", (), 1e-12)
    drawn.named("onnx::Add_1567", (), 1e-8)
    drawn.add("MatMul", (192, 64))
    for channels in (9, 8):
        drawn.add("Conv", (16, channels, 1, 5), (16,))
        drawn.add("PRelu", (1, 1, 1))
    for place in range(3):
        drawn.encoder(place)
    for number in (1, 2):
        drawn.dual_path(number)
    for place in range(3):
        drawn.decoder(place)
    drawn.add("ConvTranspose", (16, 8, 1, 5), (16,))
    drawn.normalised(16)
    drawn.add("PRelu", (1, 1, 1))
    drawn.add("ConvTranspose", (16, 2, 1, 5), (2,))
    drawn.normalised(2)
    drawn.add("MatMul", (64, 192))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "out_0")]
    graph = helper.make_graph(drawn.nodes, "frame", ends[:1], ends[1:], drawn.weights)
    return bytes(helper.make_model(graph).SerializeToString())


class Reference:
    """``enhance`` takes one frame after another, complex ``(257,)``, and returns it enhanced."""

    def __init__(self, frame_graph: bytes) -> None:
        model = onnx.load_model_from_string(frame_graph)
        self._named = {one.name: numpy_helper.to_array(one).astype(np.float64) for one in model.graph.initializer}
        self._nodes = {kind: [node for node in model.graph.node if node.op_type == kind] for kind in KINDS}
        self._memory: dict[str, Any] = {}
        self._next: dict[str, Iterator[list[Array]]] = {}

    def enhance(self, frame: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        self._next = {kind: iter([self._weights(node) for node in nodes]) for kind, nodes in self._nodes.items()}
        magnitude = np.sqrt(np.abs(frame) ** 2 + self._named["onnx::Add_288"])
        features = np.stack((magnitude, frame.real, frame.imag))
        (merge,) = next(self._next["MatMul"])
        merged = np.concatenate((features[:, :65], features[:, 65:] @ merge), axis=1)
        first = self._prelu(self._convolve(_with_neighbours(merged), 1))
        second = self._prelu(self._convolve(first, 2))
        encoded = [second]
        for place, back in enumerate((1, 2, 5)):
            encoded.append(self._block(encoded[-1], f"encoder {place}", back))
        x = encoded[-1]
        for path in (1, 2):
            x = self._dual_path(x, path)
        for place, back in enumerate((5, 2, 1)):
            x = self._block(x + encoded.pop(), f"decoder {place}", back)
        x = self._prelu(self._spread(x + second, 2))
        mask = np.tanh(self._spread(x + first, 1))
        (split,) = next(self._next["MatMul"])
        mask = np.concatenate((mask[:, :65], mask[:, 65:] @ split), axis=1)
        return np.asarray(frame * (mask[0] + 1j * mask[1]))

    def _weights(self, node: Any) -> list[Array]:
        return [self._named[name] for name in node.input[1:] if name in self._named]

    def _prelu(self, x: Array) -> Array:
        (slope,) = next(self._next["PRelu"])
        return np.where(x > 0, x, x * float(slope.reshape(())))

    def _convolve(self, x: Array, groups: int) -> Array:
        """Five bands wide, every other band."""
        kernel, bias = next(self._next["Conv"])
        padded = np.pad(x, ((0, 0), (2, 2)))
        out, per = kernel.shape[0], kernel.shape[1]
        made = np.zeros((out, (x.shape[1] + 1) // 2))
        for channel in range(out):
            source = padded[channel // (out // groups) * per :][:per]
            for band in range(made.shape[1]):
                made[channel, band] = (source[:, 2 * band : 2 * band + 5] * kernel[channel, :, 0]).sum() + bias[channel]
        return made

    def _spread(self, x: Array, groups: int) -> Array:
        """The reverse of ``_convolve``: each band is added to five."""
        kernel, bias = next(self._next["ConvTranspose"])
        per = kernel.shape[1]
        made = np.zeros((groups * per, 2 * x.shape[1] + 3))
        for source in range(x.shape[0]):
            group = source // (x.shape[0] // groups)
            for band in range(x.shape[1]):
                made[group * per : (group + 1) * per, 2 * band : 2 * band + 5] += x[source, band] * kernel[source, :, 0]
        return self._normalised(made[:, 2:-2] + bias[:, np.newaxis])

    def _normalised(self, x: Array) -> Array:
        gain, offset, mean, variance = (one[:, np.newaxis] for one in next(self._next["BatchNormalization"]))
        return gain * (x - mean) / np.sqrt(variance + 1e-5) + offset

    def _block(self, x: Array, name: str, back: int) -> Array:
        decoder = name.startswith("decoder")
        mine, other = x[:8], x[8:]
        h = self._prelu(self._point(_with_neighbours(mine), decoder))
        past = self._memory.setdefault(name, [np.zeros_like(h)] * (2 * back))
        frames = [past[0], past[back], h]
        self._memory[name] = [*past[1:], h]
        kernel, bias = next(self._next["ConvTranspose" if decoder else "Conv"])
        if decoder:
            # The transposed kernel meets the newest frame first, and its bands the other way round.
            frames.reverse()
            kernel = kernel[:, :, :, ::-1]
        h = np.stack([_banded(frames, kernel[channel, 0], channel) + bias[channel] for channel in range(16)])
        h = self._prelu(self._normalised(h) if decoder else h)
        h = self._point(h, decoder)
        weight = self._attention((h**2).mean(axis=1), name)
        return np.stack((h * weight[:, np.newaxis], other), axis=1).reshape(16, -1)

    def _point(self, x: Array, decoder: bool) -> Array:
        if decoder:
            kernel, bias = next(self._next["ConvTranspose"])
            return self._normalised(kernel[:, :, 0, 0].T @ x + bias[:, np.newaxis])
        kernel, bias = next(self._next["Conv"])
        return kernel[:, :, 0, 0] @ x + bias[:, np.newaxis]

    def _attention(self, energy: Array, name: str) -> Array:
        number = int(name.split()[1])
        path = f"decoder.de_convs.{number}" if name.startswith("decoder") else f"encoder.en_convs.{number + 2}"
        told = self._step(next(self._next["GRU"]), 0, energy, f"{name} attention")
        (kernel,) = next(self._next["MatMul"])
        return 1 / (1 + np.exp(-(told @ kernel + self._named[f"{path}.tra.att_fc.bias"])))

    def _dual_path(self, x: Array, path: int) -> Array:
        x = x.T
        halves = []
        for half in (x[:, :8], x[:, 8:]):
            weights = next(self._next["GRU"])
            ways = []
            for way, order in enumerate((range(33), range(32, -1, -1))):
                hidden, told = np.zeros(4), np.zeros((33, 4))
                for band in order:
                    hidden = _gru(weights, way, half[band], hidden)
                    told[band] = hidden
                ways.append(told)
            halves.append(np.concatenate(ways, axis=1))
        x = x + self._projected(np.concatenate(halves, axis=1), f"dpgrnn{path}.intra")
        halves = []
        for place, half in enumerate((x[:, :8], x[:, 8:])):
            weights = next(self._next["GRU"])
            halves.append(
                np.stack([self._step(weights, 0, half[band], f"path {path} {place} {band}", 8) for band in range(33)])
            )
        return (x + self._projected(np.concatenate(halves, axis=1), f"dpgrnn{path}.inter")).T

    def _projected(self, x: Array, name: str) -> Array:
        (kernel,) = next(self._next["MatMul"])
        x = x @ kernel + self._named[f"{name}_fc.bias"]
        x = (x - x.mean()) / np.sqrt(x.var() + self._named["onnx::Add_1567"])
        return x * self._named[f"{name}_ln.weight"] + self._named[f"{name}_ln.bias"]

    def _step(self, weights: list[Array], way: int, x: Array, name: str, hidden: int = 16) -> Array:
        self._memory[name] = _gru(weights, way, x, self._memory.get(name, np.zeros(hidden)))
        return np.asarray(self._memory[name])


def _with_neighbours(x: Array) -> Array:
    """Each channel as three: of the band below, the band, the band above."""
    padded = np.pad(x, ((0, 0), (1, 1)))
    return np.stack((padded[:, :-2], x, padded[:, 2:]), axis=1).reshape(-1, x.shape[1])


def _banded(frames: list[Array], kernel: Array, channel: int) -> Array:
    """Three frames against a kernel of three by three."""
    made = np.zeros(33)
    for place, frame in enumerate(frames):
        padded = np.pad(frame[channel], 1)
        made += sum(kernel[place, tap] * padded[tap : tap + 33] for tap in range(3))
    return made


def _gru(weights: list[Array], way: int, x: Array, hidden: Array) -> Array:
    """One step, gates in ONNX's order (update, reset, new), the reset after the product."""
    kernel, recurrent, bias = (one[way] for one in weights)
    n = hidden.shape[0]
    ours, theirs = kernel @ x + bias[: 3 * n], recurrent @ hidden + bias[3 * n :]
    update = 1 / (1 + np.exp(-(ours[:n] + theirs[:n])))
    reset = 1 / (1 + np.exp(-(ours[n : 2 * n] + theirs[n : 2 * n])))
    new = np.tanh(ours[2 * n :] + reset * theirs[2 * n :])
    return np.asarray((1 - update) * new + update * hidden)
