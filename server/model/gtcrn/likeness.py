"""How alike two spectra are as speech is understood: ESTOI, of a sound against the voice that a denoiser hears in it.

Jensen and Taal: "An Algorithm for Predicting the Intelligibility of Speech Masked by Modulated Noise Maskers" (IEEE/ACM
TASLP 24(11), 2016) compares a sound with the clean voice, which nobody has here; what a denoiser leaves stands in for
it. Pure functions.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from server.model.gtcrn.spectra import BINS, FRAME
from server.values.audio import CORE_RATE, Float32Array

BANDS = 15
LOWEST_HZ = 150.0
"""15 third-octave bands from 150 Hz on, as in the paper."""
SEGMENT = 24
"""Frames of 16 ms: 384 ms, as in the paper."""
SILENCE = 1e-9
"""Amplitude under which a segment has no envelope to compare."""


@cache
def _bands() -> Float32Array:
    """Which bins belong to which band, float32 ``(257, 15)`` of 0 and 1."""
    centres = LOWEST_HZ * 2.0 ** (np.arange(BANDS) / 3.0)
    bins = np.arange(BINS)[:, np.newaxis] * CORE_RATE / FRAME
    low, high = centres * 2.0 ** (-1 / 6), centres * 2.0 ** (1 / 6)
    return np.asarray((bins >= low) & (bins < high), np.float32)


def likeness(heard: Float32Array, voice: Float32Array) -> Float32Array:
    """ESTOI of each segment of 24 frames, -1..1, NaN where either is silent: float32 ``(n - 23,)``, of frames ``k`` to
    ``k + 23``.

    ``heard``, ``voice``: spectra of ``n`` frames, float32 ``(1, 2, n, 257)``.
    """
    if heard.shape[2] < SEGMENT:
        return np.zeros(0, np.float32)
    x, y = (_normalised(_envelopes(spectrum)) for spectrum in (heard, voice))
    return np.asarray((x * y).sum(axis=(1, 2)) / SEGMENT, np.float32)


def _envelopes(spectrum: Float32Array) -> npt.NDArray[np.float32]:
    """Amplitude in each band, segment by segment: float32 ``(n - 23, 15, 24)``."""
    amplitude = np.sqrt(np.square(spectrum[0]).sum(axis=0) @ _bands())
    return np.lib.stride_tricks.sliding_window_view(amplitude, SEGMENT, axis=0)


def _normalised(segments: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each band over its time, then each frame over its bands, to mean 0 and length 1."""
    rows = segments - segments.mean(axis=2, keepdims=True)
    rows = rows / _length(rows, 2)
    columns = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(columns / _length(columns, 1))


def _length(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    found = np.sqrt(np.square(values).sum(axis=axis, keepdims=True))
    return np.where(found > SILENCE, found, np.float32(np.nan))
