"""The log mel energies that CAM++ reads: Kaldi's, as its authors computed them. Pure functions."""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array

Float64Array = npt.NDArray[np.float64]

FRAME, STEP, POINTS = 400, 160, 512
"""25 ms every 10 ms, of which a spectrum of 512 points is made."""
BANDS, LOW_HZ = 80, 20.0
PRE_EMPHASIS = 0.97
FLOOR = 1.1920929e-7
"""The least energy of a band."""


@cache
def _window() -> Float32Array:
    """Povey's: a Hann window to the power of 0.85, float32 ``(400,)``."""
    return (np.hanning(FRAME) ** 0.85).astype(np.float32)


@cache
def _bands() -> Float32Array:
    """Triangles, equally wide on the mel scale from 20 Hz to 8 kHz; float32 ``(257, 80)``."""
    edges = np.linspace(float(_mel(LOW_HZ)), float(_mel(CORE_RATE / 2)), BANDS + 2)
    points = _mel(np.arange(POINTS // 2 + 1) * CORE_RATE / POINTS)[:, np.newaxis]
    rising = (points - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - points) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: float | Float64Array) -> Float64Array:
    return np.asarray(1127.0 * np.log(1.0 + np.asarray(hz, np.float64) / 700.0))


def log_mel(pcm: Float32Array) -> Float32Array:
    """``pcm``, float32 ``(n,)`` at 16 kHz: float32 ``(frames, 80)``, of the whole frames of 25 ms in it."""
    frames = np.lib.stride_tricks.sliding_window_view(pcm, FRAME)[::STEP].astype(np.float32)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate((frames[:, :1], frames[:, :-1]), axis=1)
    spectrum = fft.rfft((frames - np.float32(PRE_EMPHASIS) * before) * _window(), POINTS, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.asarray(np.log(np.maximum(power @ _bands(), FLOOR)), np.float32)
