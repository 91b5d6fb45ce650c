"""Detects two people speaking at once: a small convolutional network on the fine spectrum of the last 1.5 s.

Overlapping voices superpose two series of harmonics. The network reads 0.06–3.1 kHz in bins of 15.6 Hz, which resolve
the harmonics of one voice, and gives the probability of two voices every 40 ms. It was fitted by
``training/fit_overlap.py`` on mixes of public recordings (docs/decisions/0011-hearing-two-people.md); its 23,000
weights lie beside this file.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.model.onnx import one_thread_session
from server.model.overlap_graph import overlap_graph
from server.values.audio import CORE_RATE, Float32Array
from server.values.percentiles import percentile
from server.values.rows import ROW_RATE
from server.values.stretches import stretches

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
    frames = stretches(pcm, FRAME, STEP)
    power = np.empty((frames.shape[0], END_BIN - FIRST_BIN), np.float32)
    for start in range(0, frames.shape[0], _BLOCK):
        spectra = fft.rfft(frames[start : start + _BLOCK] * _window(), axis=1)[:, FIRST_BIN:END_BIN]
        power[start : start + _BLOCK] = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(10.0 * np.log10(power + np.float32(POWER_FLOOR)), np.float32)


def relative(levels: Float32Array) -> Float32Array:
    """``spectrum``'s dB as the network reads them: float32 ``(t, 192)``, -2.5..2.2, whatever the gain."""
    loud = np.float32(percentile(levels.max(axis=1), LOUD_PERCENTILE))
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
        self._session = one_thread_session(overlap_graph(weights, TIME_STRIDE))

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
        told: list[Float32Array] = self._session.run(None, {"levels": x})
        return told[0]


def load_overlap(path: Path = WEIGHTS) -> OverlapNetwork:
    """The shipped network, or one with other weights. Raises OSError or KeyError if they are missing."""
    with np.load(path, allow_pickle=False) as arrays:
        weights: dict[str, npt.NDArray[np.float32]] = {name: arrays[name].astype(np.float32) for name in arrays.files}
    return OverlapNetwork(weights)
