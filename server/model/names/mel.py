"""The log mel spectrogram that YAMNet reads: TensorFlow's, as its authors computed it. Pure functions.

Source: ``research/audioset/yamnet/features.py`` of TensorFlow Models: magnitudes (not powers) of a short-time Fourier
transform with periodic Hann windows, ``tf.signal.linear_to_mel_weight_matrix`` (HTK's mel scale, the triangles' heights
1), and ``log(x + 0.001)``. So the level matters: what lies below -60 dB of full scale is nearly silence to the network.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array

FRAME, STEP, POINTS = 400, 160, 512
"""25 ms every 10 ms, of which a spectrum of 512 points is made."""
BANDS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
OFFSET = 0.001

PATCH_ROWS = 96
PATCH_SAMPLES = FRAME + (PATCH_ROWS - 1) * STEP
"""15,600: 0.975 s, what one patch of 96 rows is made of."""


def log_mel(pcm: Float32Array) -> Float32Array:
    """``pcm``, float32 ``(..., n)`` at 16 kHz, -1..1: float32 ``(..., rows, 64)`` of its whole frames of 25 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(pcm, FRAME, axis=-1)[..., ::STEP, :]
    magnitudes = np.abs(fft.rfft(frames * _window(), POINTS, axis=-1))
    return np.asarray(np.log(magnitudes @ _bands() + np.float32(OFFSET)), np.float32)


@cache
def _window() -> Float32Array:
    """Periodic Hann, float32 ``(400,)``."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@cache
def _bands() -> Float32Array:
    """Triangles, equally wide on the mel scale; the bin of 0 Hz counts nowhere. Float32 ``(257, 64)``."""
    edges = np.linspace(_mel(np.array(LOW_HZ)), _mel(np.array(HIGH_HZ)), BANDS + 2)
    bins = _mel(np.linspace(0.0, CORE_RATE / 2, POINTS // 2 + 1))[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0.0, np.minimum(rising, falling))
    bands[0] = 0.0
    return bands.astype(np.float32)


def _mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))
