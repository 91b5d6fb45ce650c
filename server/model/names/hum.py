"""Mains hum: narrow lines at the multiples of 50 or 60 Hz, as nothing else in a room makes them. Pure functions.

No model: a voice's harmonics move within a second, music keeps to other frequencies, and a motor has few such lines.
"""

from functools import cache

import numpy as np
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array

MAINS_HZ = (50, 60)
HARMONICS = 12
STICKS_OUT_DB = 6.0
"""By how much a line must exceed the loudest of its neighbours, 6 to 20 Hz away."""
LINES = 6
"""So many of the twelve lines at once. On 75 noises, alone and under speech at 8 to -3 dB, and on voices alone, what is
no hum had five at most (some motors)."""
SEGMENTS = 4
"""In so many seconds, overlapping by half; speech covers the lines in the others."""

RATE = 2_000
"""Above the highest line and its neighbours; a second at this rate costs an eighth."""
_STEP = CORE_RATE // RATE
_TAPS = 96
_HALF = RATE // 2


def hums(pcm: Float32Array) -> bool:
    """Whether mains hum is heard in ``pcm``, float32 ``(n,)`` at 16 kHz; never in under 2.5 s."""
    low = _lowered(pcm) if pcm.shape[0] >= _TAPS else pcm[:0]
    if low.shape[0] < RATE:
        return False
    seconds = np.lib.stride_tricks.sliding_window_view(low, RATE)[::_HALF]
    spectrum = fft.rfft(seconds * _window(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return any(_segments_with_lines(power, base) >= SEGMENTS for base in MAINS_HZ)


def _segments_with_lines(power: Float32Array, base: int) -> int:
    """``power``: float32 ``(segments, bins of 1 Hz)``."""
    ratio = 10.0 ** (STICKS_OUT_DB / 10.0)
    lines = np.zeros(power.shape[0], np.int64)
    for hz in range(base, base * (HARMONICS + 1), base):
        line = power[:, hz - 1 : hz + 2].max(axis=1)
        beside = np.maximum(power[:, hz - 20 : hz - 5].max(axis=1), power[:, hz + 6 : hz + 21].max(axis=1))
        lines += line > ratio * beside
    return int(np.count_nonzero(lines >= LINES))


def _lowered(pcm: Float32Array) -> Float32Array:
    """At 2 kHz, what is above 1.25 kHz taken away."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(pcm, _TAPS)[::_STEP] @ _low_pass(), np.float32)


@cache
def _low_pass() -> Float32Array:
    """A windowed sinc that ends at 1 kHz, float32 ``(96,)``."""
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(at / _STEP) * np.hanning(_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)


@cache
def _window() -> Float32Array:
    return np.asarray(np.hanning(RATE), np.float32)
