"""The overlap network layer by layer in numpy, sharing only the weights with ``server.model.overlap_graph``.

Tests compare the two, and benchmarks take this one's time as a yardstick: it does not change with the product.
"""

import numpy as np

from server.model.overlap import LOUD_PERCENTILE, TIME_STRIDE, WEIGHTS, Weights, spectrum
from server.values.audio import Float32Array


def weights_of_the_network() -> Weights:
    """Those that the server ships."""
    with np.load(WEIGHTS) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def yardstick(weights: Weights, pcm: Float32Array) -> None:
    """The work of a hop as it was when QUIET_YARDSTICK_MS was measured; ``pcm``: 1.5 s at 16 kHz."""
    levels = spectrum(pcm)
    loud = np.percentile(levels.max(axis=1), LOUD_PERCENTILE).astype(np.float32)
    probabilities(weights, np.clip(levels - loud, -60.0, 10.0) / np.float32(15.0) + np.float32(1.5))


def probabilities(weights: Weights, x: Float32Array) -> Float32Array:
    """As ``OverlapNetwork.probabilities``."""
    hidden = _convolve(x[:, :, np.newaxis], (3, 7), (TIME_STRIDE, 3), weights["first"], weights["first_bias"])
    hidden = _convolve(hidden, (3, 5), (1, 3), weights["second"], weights["second_bias"])
    flat = hidden.reshape(hidden.shape[0], -1)
    state = np.maximum(flat @ weights["project"] + weights["project_bias"], 0.0)
    for place, (kernel, bias) in enumerate(zip(weights["dilated"], weights["dilated_bias"], strict=True)):
        state = state + np.maximum(_dilate(state, 2**place) @ kernel + bias, 0.0)
    logits = state @ weights["out"] + weights["out_bias"]
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32)


def _convolve(
    x: Float32Array, size: tuple[int, int], stride: tuple[int, int], weights: Float32Array, bias: Float32Array
) -> Float32Array:
    """Rectified 2-D convolution, zeros around: ``(t, f, c)`` to ``(ceil(t / stride), ceil(f / stride), d)``;
    ``weights``: ``(size * c, d)`` in the order time, frequency, channel."""
    (high, wide), (t, f, c) = size, x.shape
    padded = np.zeros((t + high - 1, f + wide - 1, c), np.float32)
    padded[high // 2 : high // 2 + t, wide // 2 : wide // 2 + f] = x
    views = np.lib.stride_tricks.sliding_window_view(padded, wide, axis=1)[:, :: stride[1]]
    out = np.broadcast_to(bias, (-(-t // stride[0]), views.shape[1], bias.shape[0]))
    for late, kernel in enumerate(weights.reshape(high, wide * c, -1)):
        patches = views[late : late + t : stride[0]].transpose(0, 1, 3, 2).reshape(out.shape[0], -1, wide * c)
        out = np.asarray(out + patches @ kernel, np.float32)
    return np.maximum(out, np.float32(0.0))


def _dilate(state: Float32Array, by: int) -> Float32Array:
    """Each frame with those ``by`` before and after it, zeros beyond the ends: ``(t, h)`` to ``(t, 3 * h)``."""
    t = state.shape[0]
    padded = np.pad(state, ((by, by), (0, 0)))
    return np.concatenate((padded[:t], padded[by : by + t], padded[2 * by :]), axis=1)
