"""Whether the talker whispers: words without a voice. A pure function of a window's spectra."""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.model.acoustic.levels import under_echo
from server.model.acoustic.spectrum import FRAME, Spectrum
from server.values.audio import CORE_RATE
from server.values.marked import MarkedRows
from server.values.percentiles import percentile

FLAT_DB = -15.0
"""A whisper has as much above 4 kHz as below 1 kHz, within this many dB (-8 to +11 measured); voices, traffic and
babble have 20 to 35 dB less. Looked at first, it spares the rest for almost all speech."""

OVER_DIPS_DB = 16.0
"""Between whispered words the room is heard. Noise in which words are lost leaves no such dips."""

VOICED = 0.6
"""Autocorrelation at the pitch, 0..1, from which a frame is voiced."""
LEAST_VOICED = 0.5
"""Voiced share of the loud frames of speech: 0.6 and more in clean, far, covered and suppressed voices, at most 0.45 in
whispers (docs/measures.md)."""

LOUD_DB = 22.0
LEAST_FRAMES = 20
"""Loud frames, one in 64 ms, under which a share means nothing."""

LOW_BINS, HIGH_BINS = slice(3, 32), slice(128, 240)
"""100–1000 Hz and 4–7.5 kHz."""
VOICE_BINS = slice(2, 48)
"""62–1500 Hz."""
SHORTEST_LAG, LONGEST_LAG = CORE_RATE // 400, CORE_RATE // 72
"""Pitch periods of 400 to 72 Hz, in samples."""


def is_whispered(spectra: Spectrum, rows: MarkedRows, speech_db: float | None) -> bool:
    """``spectra``: of ``rows``; ``speech_db``: level of the speech, dBFS."""
    if speech_db is None:
        return False
    power = spectra.power[rows.sounding_speech[spectra.rows]]
    low, high = (float(power[:, bins].sum(dtype=np.float64)) for bins in (LOW_BINS, HIGH_BINS))
    if high < low * 10.0 ** (FLAT_DB / 10.0) or speech_db - under_echo(rows) < OVER_DIPS_DB:
        return False
    energy = power[:, VOICE_BINS].sum(axis=1)
    if energy.size < LEAST_FRAMES:
        return False
    loud = power[energy >= percentile(energy, 95.0) * 10.0 ** (-LOUD_DB / 10.0)]
    return loud.shape[0] >= LEAST_FRAMES and voiced_share(loud[:, VOICE_BINS]) < LEAST_VOICED


def voiced_share(power: npt.NDArray[np.float32]) -> float:
    """Share of frames with a pitch, 0..1. ``power``: their spectra within ``VOICE_BINS``, float32 ``(k, 46)``."""
    band = np.zeros((power.shape[0], FRAME // 2 + 1))
    band[:, VOICE_BINS] = power
    correlation = fft.irfft(band, FRAME, axis=1)[:, :LONGEST_LAG]
    at_pitch = (correlation / _taper())[:, SHORTEST_LAG:].max(axis=1)
    return float(np.mean(at_pitch >= VOICED * correlation[:, 0]))


@cache
def _taper() -> npt.NDArray[np.float64]:
    """What the window leaves of a steady tone's autocorrelation at each lag, 0.2..1."""
    window = np.hanning(FRAME + 1)[:-1]
    power = np.square(np.abs(fft.rfft(window, 2 * FRAME)))
    taper = fft.irfft(power)[:LONGEST_LAG]
    return np.asarray(np.maximum(taper / taper[0], 0.2))
