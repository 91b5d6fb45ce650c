"""Spectra of a window, and the bandwidth of the speech in them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE, BoolArray

FRAME = 512
STRIDE = 1024
"""Only every other frame of 32 ms is read: that is enough for a long-term spectrum."""

ROW_SAMPLES = CORE_RATE // ROW_RATE

LEAST_FRAMES = 5
"""Frames with speech in them from which a spectrum is trusted: 0.32 s of speech."""

BAND_HZ = 250
EDGE_DB = -62.0
"""A band this far below the strongest contains no speech: good recordings keep -57 dB at 7.5 kHz, a telephone band's
edge falls to -80 dB (measured on the evaluation sources)."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Power spectra of 32 ms frames, one in 64 ms: float32 ``(k, 257)``; ``rows``: the row each frame ends in."""

    power: Float32Array
    rows: npt.NDArray[np.intp]


@cache
def _hann() -> Float32Array:
    return np.asarray(signal.get_window("hann", FRAME), np.float32)


def frame_spectra(pcm: Float32Array, n_rows: int) -> Spectrum:
    """Hann-windowed power spectra of 16 kHz ``pcm`` (float32 ``(m,)``), direct current removed."""
    k = pcm.shape[0] // STRIDE
    frames = pcm[: k * STRIDE].reshape(k, STRIDE)[:, :FRAME]
    centred = (frames - frames.mean(axis=1, keepdims=True)) * _hann()
    spectrum = fft.rfft(centred, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    ends = (np.arange(k) * STRIDE + FRAME - 1) // ROW_SAMPLES
    return Spectrum(np.asarray(power, np.float32), np.minimum(ends, max(n_rows - 1, 0)))


def _mean_spectrum(spectra: Spectrum, speech: BoolArray) -> npt.NDArray[np.float64] | None:
    chosen = speech[spectra.rows]
    if np.count_nonzero(chosen) < LEAST_FRAMES:
        return None
    return np.asarray(spectra.power[chosen].mean(axis=0, dtype=np.float64))


def high_band(spectra: Spectrum, speech: BoolArray) -> float | None:
    """Energy of 4–7.5 kHz against 100–1000 Hz in the speech frames, dB; ``None`` under 0.32 s of speech."""
    mean = _mean_spectrum(spectra, speech)
    if mean is None:
        return None
    frequencies = np.fft.rfftfreq(FRAME, 1 / CORE_RATE)
    high = mean[(frequencies >= 4000) & (frequencies < 7500)].sum()
    low = mean[(frequencies >= 100) & (frequencies < 1000)].sum()
    return float(10.0 * np.log10((high + 1e-20) / (low + 1e-20)))


def bandwidth(spectra: Spectrum, speech: BoolArray) -> float | None:
    """Upper edge of the speech spectrum, Hz, 250..8000; ``None`` under 0.32 s of speech."""
    mean = _mean_spectrum(spectra, speech)
    if mean is None:
        return None
    per_band = int(BAND_HZ * FRAME / CORE_RATE)
    bands = mean[1 : 1 + per_band * (CORE_RATE // 2 // BAND_HZ)].reshape(-1, per_band).mean(axis=1)
    levels = 10.0 * np.log10(bands + 1e-20)
    held = np.flatnonzero(levels >= levels.max() + EDGE_DB)
    return float((held[-1] + 1) * BAND_HZ)
