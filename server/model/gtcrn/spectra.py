"""The spectra that GTCRN reads, frame by frame of the stream's own clock. Pure functions."""

from functools import cache

import numpy as np
from scipy import fft

from server.values.audio import Float32Array
from server.values.high_pass import HighPass

FRAME = 512
"""32 ms."""

STEP = 256
"""16 ms: 62.5 frames a second."""

BINS = FRAME // 2 + 1

HIGH_PASS_HZ = 60.0
"""Second-order Butterworth. A microphone's direct current and rumble would read as noise."""

SETTLING = 1600
"""Samples before the first frame in which the high-pass settles: 100 ms."""


@cache
def window() -> Float32Array:
    """The square root of a periodic Hann window, float32 ``(512,)``: with itself again, it sums to one."""
    return np.sqrt(np.hanning(FRAME + 1)[:-1]).astype(np.float32)


def high_passed(pcm: Float32Array) -> Float32Array:
    """``pcm``, float32 ``(n,)`` at 16 kHz, without direct current and rumble; settled from its first sample on, as if
    that had lasted."""
    return HighPass(2, HIGH_PASS_HZ)(pcm)


def first_frame(sample: int) -> int:
    """The first frame that is not complete at ``sample`` of the stream: frame ``k`` is ``[256 k, 256 k + 512)``."""
    return max(0, (sample - FRAME) // STEP + 1)


def spectra(pcm: Float32Array) -> Float32Array:
    """Real and imaginary parts of the frames of ``pcm``: float32 ``(1, 2, n, 257)``.

    ``pcm``: float32 ``(256 n + 256,)`` at 16 kHz, -1..1; whole frames, from the first one's start.
    """
    frames = np.lib.stride_tricks.sliding_window_view(pcm, FRAME)[::STEP]
    spectrum = fft.rfft(frames * window(), axis=1)
    return np.stack((spectrum.real, spectrum.imag))[np.newaxis].astype(np.float32)


def powers(spectrum: Float32Array) -> Float32Array:
    """Mean square of each frame's samples: float32 ``(n,)``; a full-scale sine has 0.5. By Parseval, of the windowed
    frame, divided by the window's own mean square."""
    one_sided = np.square(spectrum).sum(axis=(0, 1, 3)) * 2.0
    return np.asarray(one_sided / (FRAME * np.square(window()).sum()), np.float32)
