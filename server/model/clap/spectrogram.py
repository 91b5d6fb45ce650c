"""The log-mel spectrogram that CLAP was trained on, bit for bit that of transformers' ``ClapFeatureExtractor``.

Recipe (transformers ``audio_utils.spectrogram`` with the preprocessor settings of laion/clap-htsat-fused): 48 kHz,
reflect padding by 512, periodic Hann window of 1,024, hop 480, spectra in float64, rounded to complex64, power, 64
triangular HTK bands from 50 to 14,000 Hz without norm, floor 1e-10, decibels, float32.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array

CLAP_RATE = 48_000
CLAP_SAMPLES = 480_000
"""Exactly 10 s: from 480,480 samples on the extractor crops at random."""

FRAME_STEP = 480
FRAME_LENGTH = 1_024
HALF = FRAME_LENGTH // 2
N_FRAMES = CLAP_SAMPLES // FRAME_STEP + 1
N_MELS = 64
FREQUENCY_MIN = 50.0
FREQUENCY_MAX = 14_000.0
FLOOR_POWER = 1e-10
FLOOR_DB = -100.0
"""The value of silence in every band."""

Float64Array = npt.NDArray[np.float64]

_BLOCK_FRAMES = 128
"""Frames whose spectra are in memory at once (1 MB of float64)."""

_PRODUCT_FRAMES = 12
"""Frames per product: under 2^18 multiplications OpenBLAS stays on the calling thread. After a larger one its workers
spin for tens of milliseconds on the cores that the tower needs next (measured: half its speed)."""


def log_mel(pcm: Float32Array) -> Float32Array:
    """The log-mel of one window: float32 ``(480000,)`` at 48 kHz to float32 ``(1001, 64)``, dB, at least -100."""
    assert pcm.shape == (CLAP_SAMPLES,), pcm.shape
    padded = np.pad(pcm, HALF, mode="reflect")
    return mel_frames(np.lib.stride_tricks.sliding_window_view(padded, FRAME_LENGTH)[::FRAME_STEP])


def repeat_to_window(pcm: Float32Array) -> Float32Array:
    """Repeat ``pcm`` (float32 ``(n,)``, n > 0) from its start to 480,000 samples; cut if it is longer."""
    assert pcm.shape[0] > 0, "nothing cannot be repeated"
    return np.resize(pcm, CLAP_SAMPLES)


def mel_frames(frames: npt.NDArray[np.float32]) -> Float32Array:
    """Each frame's log-mel: float32 ``(n, 1024)`` at 48 kHz to float32 ``(n, 64)``, dB."""
    window, bank, low, high = _constants()
    out = np.empty((frames.shape[0], N_MELS), np.float32)
    for start in range(0, frames.shape[0], _BLOCK_FRAMES):
        block = frames[start : start + _BLOCK_FRAMES]
        spectra = np.fft.rfft(block.astype(np.float64) * window, axis=1)[:, low:high].astype(np.complex64)
        power = np.abs(spectra, dtype=np.float64) ** 2.0
        mel = np.concatenate([part @ bank for part in np.array_split(power, -(-power.shape[0] // _PRODUCT_FRAMES))])
        out[start : start + _BLOCK_FRAMES] = 10.0 * np.log10(np.maximum(FLOOR_POWER, mel))
    return out


@cache
def _constants() -> tuple[Float64Array, Float64Array, int, int]:
    """(Hann window, filter bank over the bins that any band reads, first such bin, one past the last)."""
    window: Float64Array = np.hanning(FRAME_LENGTH + 1)[:-1]
    bank = mel_bank()
    used = np.flatnonzero(bank.any(axis=1))
    low, high = int(used[0]), int(used[-1]) + 1
    return window, np.ascontiguousarray(bank[low:high]), low, high


def mel_bank() -> Float64Array:
    """HTK triangles without norm, float64 ``(513, 64)``, as in ``transformers.audio_utils.mel_filter_bank``."""
    limits = [2595.0 * np.log10(1.0 + frequency / 700.0) for frequency in (FREQUENCY_MIN, FREQUENCY_MAX)]
    mels: Any = np.linspace(limits[0], limits[1], N_MELS + 2)
    centres = 700.0 * (np.power(10, mels / 2595.0) - 1.0)
    bins = np.linspace(0, CLAP_RATE // 2, HALF + 1)
    widths = np.diff(centres)
    slopes = np.expand_dims(centres, 0) - np.expand_dims(bins, 1)
    down = -slopes[:, :-2] / widths[:-1]
    up = slopes[:, 2:] / widths[1:]
    bank: Float64Array = np.maximum(np.zeros(1), np.minimum(down, up))
    return bank
