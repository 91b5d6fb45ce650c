"""The graph of pyannote's segmentation 3.0: who of up to three people in some seconds of audio speaks when.

Laid out from the published weights (see ``model.small``), so that ONNX Runtime runs it without PyTorch. Bredin:
"pyannote.audio 2.1 speaker diarization pipeline" and Plaquet and Bredin: "Powerset multi-class cross entropy loss for
neural speaker diarization" (Interspeech 2023): learned band-pass filters (SincNet, Ravanelli and Bengio 2018), four
bidirectional LSTM layers and two linear ones; its classes are nobody, one of three, or two of three at once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from server.model.graph_writer import GraphWriter
from server.model.small.torch_weights import Array, read_weights

FIRST_KERNEL, FIRST_STRIDE = 251, 10
STEP = 270
"""Samples from frame to frame: the first stride times three poolings by three."""
RECEPTIVE = 991
"""Samples that a frame is made of; the first frame begins with the first sample."""
LEAST_SAMPLES = 16_000
SPEAKERS = 3
CLASSES = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""Who speaks, for each output."""

LAYERS, HIDDEN = 4, 128
_MIN_HZ = 50.0
_RATE = 16_000


def segmentation_graph(weights_file: bytes) -> bytes:
    """The graph as ONNX. Needs the package ``onnx``.

    Input ``pcm``, float32 ``(1, 1, samples)``, at 16 kHz, of any level. Output ``classes``, float32 ``(frames, 7)``:
    probabilities of ``CLASSES``. Raises ValueError if the file holds other weights.
    """
    weights = read_weights(weights_file, inside="state_dict")
    try:
        model = _laid_out(weights)
    except KeyError as error:
        raise ValueError(f"These are not the weights of segmentation 3.0: {error} is missing.") from error
    return bytes(model.SerializeToString())


def _laid_out(weights: dict[str, Array]) -> Any:
    to = GraphWriter()
    to.begins_with("pcm", [1, 1, "samples"])
    x = _normed(to, "pcm", weights, "sincnet.wav_norm1d")
    x = to.op("Abs", to.op("Conv", x, to.constant(band_passes(weights)), strides=[FIRST_STRIDE]))
    x = _pooled(to, x, weights, 0)
    for place in (1, 2):
        kernel, bias = (to.constant(weights[f"sincnet.conv1d.{place}.{one}"]) for one in ("weight", "bias"))
        x = _pooled(to, to.op("Conv", x, kernel, bias), weights, place)
    x = to.op("Transpose", x, perm=[2, 0, 1])
    for layer in range(LAYERS):
        x = _both_ways(to, x, weights, layer)
    x = to.op("Squeeze", x, to.whole(1))
    for name in ("linear.0", "linear.1"):
        x = to.op("LeakyRelu", _linear(to, x, weights, name))
    to.op("Softmax", _linear(to, x, weights, "classifier"), outputs=["classes"], axis=-1)
    to.ends_with("classes", ["frames", len(CLASSES)])
    return to.model("segmentation")


def band_passes(weights: dict[str, Array]) -> Array:
    """SincNet's filters, float32 ``(80, 1, 251)``: 40 even and 40 odd ones, each a difference of two low-passes."""
    name = "sincnet.conv1d.0.filterbank."
    low = _MIN_HZ + np.abs(weights[f"{name}low_hz_"].astype(np.float64))
    high = np.clip(low + _MIN_HZ + np.abs(weights[f"{name}band_hz_"]), _MIN_HZ, _RATE / 2)
    times, window = weights[f"{name}n_"].astype(np.float64), weights[f"{name}window_"].astype(np.float64)
    even = (np.sin(high * times) - np.sin(low * times)) / (times / 2) * window
    odd = (np.cos(low * times) - np.cos(high * times)) / (times / 2) * window
    band = high - low
    filters = np.concatenate(
        (_mirrored(even, 2 * band, 1) / (2 * band), _mirrored(odd, np.zeros_like(band), -1) / (2 * band))
    )
    return filters[:, np.newaxis].astype(np.float32)


def _mirrored(left: npt.NDArray[np.float64], centre: npt.NDArray[np.float64], sign: int) -> npt.NDArray[np.float64]:
    return np.concatenate((left, centre, sign * left[:, ::-1]), axis=1)


def _normed(to: GraphWriter, x: str, weights: dict[str, Array], name: str) -> str:
    scale, bias = (to.constant(weights[f"{name}.{one}"]) for one in ("weight", "bias"))
    return to.op("InstanceNormalization", x, scale, bias, epsilon=1e-5)


def _pooled(to: GraphWriter, x: str, weights: dict[str, Array], place: int) -> str:
    x = to.op("MaxPool", x, kernel_shape=[3], strides=[3])
    return to.op("LeakyRelu", _normed(to, x, weights, f"sincnet.norm1d.{place}"))


def _both_ways(to: GraphWriter, x: str, weights: dict[str, Array], layer: int) -> str:
    """``(frames, 1, n)`` to ``(frames, 1, 256)``."""
    ways = [f"l{layer}", f"l{layer}_reverse"]
    inputs, memory = (
        np.stack([_reordered(weights[f"lstm.weight_{kind}_{way}"]) for way in ways]) for kind in ("ih", "hh")
    )
    bias = np.stack(
        [np.concatenate([_reordered(weights[f"lstm.bias_{kind}_{way}"]) for kind in ("ih", "hh")]) for way in ways]
    )
    told = to.op(
        "LSTM", x, *(to.constant(one) for one in (inputs, memory, bias)), direction="bidirectional", hidden_size=HIDDEN
    )
    return to.op("Reshape", to.op("Transpose", told, perm=[0, 2, 1, 3]), to.whole(0, 1, 2 * HIDDEN))


def _reordered(gates: Array) -> Array:
    """From PyTorch's order (input, forget, cell, output) to ONNX's (input, output, forget, cell)."""
    one, two, three, four = np.split(gates, 4)
    return np.concatenate((one, four, two, three))


def _linear(to: GraphWriter, x: str, weights: dict[str, Array], name: str) -> str:
    kernel = to.constant(weights[f"{name}.weight"].T)
    return to.op("Add", to.op("MatMul", x, kernel), to.constant(weights[f"{name}.bias"]))
