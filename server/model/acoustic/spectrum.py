"""Spectra of a window, and the bandwidth of the voice in them: what the speech has and the room has not."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import ROW_RATE, BoolArray

FRAME = 512
STRIDE = 1024
"""Only every other frame of 32 ms is read: that is enough for a long-term spectrum."""

ROW_SAMPLES = CORE_RATE // ROW_RATE

LEAST_FRAMES = 5
"""Frames with speech in them from which a spectrum is trusted: 0.32 s of speech."""

LEAST_QUIET_FRAMES = 3

STEADY_BINS = slice(64, None)
QUIETER_HALF = 1.05
"""The room's floor is the quieter half of the pauses by what lies over 2 kHz, which has 5 % less power than all of them
where noise is steady: a cry in the pauses does not hide the voice."""

SURE = 2.0
"""Standard errors of a mean power by which the speech frames must exceed the room to count as voice."""

HIDDEN = 0.01
"""A voice 20 dB under the room in a band is beyond what a window can tell: it may be there."""

EDGE_HIDDEN = 0.2
"""In the narrow band of a line's edge a window tells less: noise there must not look like an empty band."""

LINE_HEARD_DB = -42.0
"""2.5–3.3 kHz of a voice on a line keeps -30 dB; under a hand it falls to -45 dB and less."""

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
    return np.hanning(FRAME + 1)[:-1].astype(np.float32)


def frame_spectra(pcm: Float32Array, n_rows: int) -> Spectrum:
    """Hann-windowed power spectra of 16 kHz ``pcm`` (float32 ``(m,)``), direct current removed."""
    k = pcm.shape[0] // STRIDE
    frames = pcm[: k * STRIDE].reshape(k, STRIDE)[:, :FRAME]
    centred = frames - frames.mean(axis=1, keepdims=True)
    centred *= _hann()
    parts = fft.rfft(centred, axis=1).view(np.float32)
    np.square(parts, out=parts)
    power = parts[:, 0::2] + parts[:, 1::2]
    ends = (np.arange(k) * STRIDE + FRAME - 1) // ROW_SAMPLES
    return Spectrum(power, np.minimum(ends, max(n_rows - 1, 0)))


@dataclass(frozen=True, slots=True)
class VoiceSpectrum:
    """Mean power of the speech frames, float64 ``(257,)``, with the share of it that the room explains taken off.

    ``voice``: without the room. ``low``: 100–1000 Hz of the voice.
    """

    voice: npt.NDArray[np.float64]
    floor: npt.NDArray[np.float64]
    doubt: float

    def band(self, low_hz: float, high_hz: float, hidden: float = HIDDEN) -> float:
        """Power of the voice in a band; at least ``hidden`` of the room's there, under which no voice can be told."""
        first, last = (round(hz * FRAME / CORE_RATE) for hz in (low_hz, high_hz))
        floor = float(np.add.reduce(self.floor[first:last]))
        sure = 1.0 + self.doubt / float(np.sqrt(last - first))
        above = float(np.add.reduce(self.voice[first:last])) - sure * floor
        return max(above, 0.0) + hidden * floor

    def bands(self, width: int) -> npt.NDArray[np.float64]:
        """``band`` of each ``width`` bins from 0 Hz on, float64 ``(256 // width,)``."""
        voice, floor = (power[: FRAME // 2].reshape(-1, width).sum(axis=1) for power in (self.voice, self.floor))
        sure = 1.0 + self.doubt / float(np.sqrt(width))
        return np.asarray(np.maximum(voice - sure * floor, 0.0) + HIDDEN * floor)

    def against_low(self, low_hz: float, high_hz: float) -> float:
        """Power of the voice in a band against 100–1000 Hz, dB."""
        return _decibels(self.band(low_hz, high_hz), self.band(100, 1000))


def voice_spectrum(spectra: Spectrum, speech: BoolArray, pause: BoolArray) -> VoiceSpectrum | None:
    """``speech``, ``pause``: rows, bool. ``None`` under 0.32 s of speech. Without 0.2 s of pause the floor is zero."""
    spoken, quiet = speech[spectra.rows], pause[spectra.rows]
    n_spoken, n_quiet = np.count_nonzero(spoken), np.count_nonzero(quiet)
    if n_spoken < LEAST_FRAMES:
        return None
    voice = spectra.power[spoken].mean(axis=0, dtype=np.float64)
    if n_quiet < LEAST_QUIET_FRAMES:
        return VoiceSpectrum(voice, np.zeros_like(voice), 0.0)
    pauses = spectra.power[quiet]
    kept = max(LEAST_QUIET_FRAMES, int(n_quiet) // 2)
    steady = pauses[np.argsort(pauses[:, STEADY_BINS].sum(axis=1))[:kept]]
    floor = QUIETER_HALF * steady.mean(axis=0, dtype=np.float64)
    return VoiceSpectrum(voice, floor, SURE * float(np.sqrt(1.0 / kept + 1.0 / n_spoken)))


def high_band(spectrum: VoiceSpectrum) -> float:
    """Energy of 4–7.5 kHz against 100–1000 Hz in the voice, dB."""
    return spectrum.against_low(4000, 7500)


def line_band(spectrum: VoiceSpectrum) -> float:
    """Energy of 2.5–3.3 kHz, the highest that every telephone line carries, against 100–1000 Hz in the voice, dB."""
    return spectrum.against_low(2500, 3300)


def line_edge(spectrum: VoiceSpectrum) -> float | None:
    """How far the voice stops at 4 kHz, as that of a telephone line, dB: 3.9–4.1 against 2.5–3.3 kHz, per hertz.

    Whatever made 16 kHz of the line's 8, its images leave 4 kHz empty. ``None`` if the voice does not reach
    2.5–3.3 kHz: then something covers the microphone.
    """
    if line_band(spectrum) < LINE_HEARD_DB:
        return None
    return _decibels(spectrum.band(3875, 4125, EDGE_HIDDEN) / 250.0, spectrum.band(2500, 3300) / 800.0)


def bandwidth(spectrum: VoiceSpectrum) -> float:
    """Upper edge of the voice's spectrum, Hz, 250..8000."""
    levels = spectrum.bands(BAND_HZ * FRAME // CORE_RATE)
    held = np.flatnonzero(levels >= levels.max() * 10.0 ** (EDGE_DB / 10.0))
    return float((held[-1] + 1) * BAND_HZ)


def _decibels(power: float, reference: float) -> float:
    return float(10.0 * np.log10((power + 1e-20) / (reference + 1e-20)))
