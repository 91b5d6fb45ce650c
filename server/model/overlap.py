"""Detects two people speaking at once: a small convolutional network on the fine spectrum of the last 1.5 s.

Overlapping voices superpose two series of harmonics. The network reads 0.06–3.1 kHz in bins of 15.6 Hz, which resolve
the harmonics of one voice, and gives the probability of two voices every 40 ms. It was fitted by
``training/fit_overlap.py`` on mixes of public recordings (docs/decisions/0011-hearing-two-people.md); its 23,000
weights lie beside this file. Inference is numpy.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE

WEIGHTS = Path(__file__).with_name("overlap.npz")

FRAME = 1024
"""64 ms: harmonics of the deepest voices (70 Hz) are resolved."""

STEP = 320
"""20 ms."""

FIRST_BIN, END_BIN = 4, 196
"""62 Hz to 3.06 kHz: within a telephone's band."""

RANGE_DB = 60.0
HEADROOM_DB = 10.0
SCALE_DB = 15.0
"""A spectrum is read relative to the loudest of its second, from -60 to 10 dB, in units of 15 dB."""

LOUD_PERCENTILE = 90.0
POWER_FLOOR = 1e-9

TIME_STRIDE = 2
"""Frames per answer of the network."""

LEAST_FRAMES = 12
"""Below 0.3 s the network gives no answer."""

NOT_JUDGED = -1.0
"""The value of the column OVERLAP where it was not judged (``values.rows.Column``)."""

_ROW = CORE_RATE // ROW_RATE

_BLOCK = 16
"""Frames per block: arrays of over 128 KB come fresh from the system each time, which costs more than the work."""

Weights = Mapping[str, Float32Array]


def spectrum(pcm: Float32Array) -> Float32Array:
    """Log power of 64 ms Hann frames, one in 20 ms: float32 ``(t, 192)``, dB. ``pcm``: float32 ``(n,)`` at 16 kHz."""
    frames = np.lib.stride_tricks.sliding_window_view(pcm, FRAME)[::STEP]
    power = np.empty((frames.shape[0], END_BIN - FIRST_BIN), np.float32)
    for start in range(0, frames.shape[0], _BLOCK):
        spectra = fft.rfft(frames[start : start + _BLOCK] * _window(), axis=1)[:, FIRST_BIN:END_BIN]
        power[start : start + _BLOCK] = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(10.0 * np.log10(power + np.float32(POWER_FLOOR)), np.float32)


def relative(levels: Float32Array) -> Float32Array:
    """``spectrum``'s dB as the network reads them: float32 ``(t, 192)``, -2.5..2.2, whatever the gain."""
    loud = np.percentile(levels.max(axis=1), LOUD_PERCENTILE).astype(np.float32)
    return np.asarray(np.clip(levels - loud, -RANGE_DB, HEADROOM_DB) / SCALE_DB + 1.5, np.float32)


@cache
def _window() -> Float32Array:
    return np.hanning(FRAME + 1)[:-1].astype(np.float32)


class OverlapNetwork:
    """``stream.events.OverlapModel``: a pure function of what it is given; shared by all streams and threads."""

    context_samples: int = CORE_RATE // 2
    """Half a second before the hop: the network looks back and ahead by about as much."""

    def __init__(self, weights: Weights) -> None:
        """``weights``: as written by ``training/fit_overlap.py``. Raises KeyError if one is missing."""
        self._first = (weights["first"], weights["first_bias"])
        self._second = (weights["second"], weights["second_bias"])
        self._project = (weights["project"], weights["project_bias"])
        self._dilated = list(zip(weights["dilated"], weights["dilated_bias"], strict=True))
        self._out = (weights["out"], weights["out_bias"])

    def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
        """Probability of two voices at once in the last ``rows`` rows of ``pcm``: float32 ``(rows,)``, 0..1.

        ``pcm``: float32 ``(n,)`` at 16 kHz, -1..1, a hop (16,000 samples) or a stream's shorter last one, and up to
        ``context_samples`` before it; -1 in all rows if that is too short.
        """
        if pcm.shape[0] < FRAME + (LEAST_FRAMES - 1) * STEP:
            return np.full(rows, NOT_JUDGED, np.float32)
        probabilities = self.probabilities(relative(spectrum(pcm)))
        heard_at = (np.arange(probabilities.shape[0]) * STEP * TIME_STRIDE + FRAME / 2) / _ROW - 0.5
        wanted = np.arange(pcm.shape[0] // _ROW - rows, pcm.shape[0] // _ROW)
        return np.interp(wanted, heard_at, probabilities).astype(np.float32)

    def probabilities(self, x: Float32Array) -> Float32Array:
        """Of each frame of ``relative`` levels, float32 ``(t, 192)``: float32 ``(ceil(t / 2),)``, 0..1."""
        hidden = _convolve(x[:, :, np.newaxis], (3, 7), (TIME_STRIDE, 3), *self._first)
        hidden = _convolve(hidden, (3, 5), (1, 3), *self._second)
        weights, bias = self._project
        flat = hidden.reshape(hidden.shape[0], -1)
        # In parts: small products stay on the calling thread (see clap/spectrogram.py).
        parts = [flat[start : start + _BLOCK] @ weights for start in range(0, flat.shape[0], _BLOCK)]
        state = np.maximum(np.concatenate(parts) + bias, 0.0)
        for place, (kernel, kernel_bias) in enumerate(self._dilated):
            state = state + np.maximum(_dilate(state, 2**place) @ kernel + kernel_bias, 0.0)
        logits = state @ self._out[0] + self._out[1]
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


def load_overlap(path: Path = WEIGHTS) -> OverlapNetwork:
    """The shipped network, or one with other weights. Raises OSError or KeyError if they are missing."""
    with np.load(path, allow_pickle=False) as arrays:
        weights: dict[str, npt.NDArray[np.float32]] = {name: arrays[name].astype(np.float32) for name in arrays.files}
    return OverlapNetwork(weights)
