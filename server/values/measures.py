"""Physical quantities measured in a window or over a whole recording."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE_SLOPE, RATE_OFFSET_SPS = 1.44, -1.1
"""From syllable nuclei per second of speech to true syllables per second (fitted to transcribed clips;
docs/accuracy.md)."""


def syllables_per_second(nuclei_per_second: float) -> float:
    """The pace of speech of which so many syllable nuclei were found per second, at least 0."""
    return max(0.0, RATE_SLOPE * nuclei_per_second + RATE_OFFSET_SPS)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses in the speech: silences of at least 0.25 s between two stretches of speech."""

    count: int
    longest_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Physical quantities of a window or a whole recording; ``None`` = not measurable.

    Units: ``*_db`` dB, ``*_dbfs`` dB re full scale (floored at -120), ratios 0..1, ``speech_rate_sps`` syllables per
    second, ``reverberation`` 0 (dry) .. 1 (washed out), ``bandwidth_hz`` Hz, ``mos_*`` 1..5 (DNSMOS P.835).
    """

    snr_db: float | None = None
    noise_dbfs: float | None = None
    speech_dbfs: float | None = None
    clipping_ratio: float | None = None
    dropout_ratio: float | None = None
    speech_ratio: float | None = None
    speech_rate_sps: float | None = None
    reverberation: float | None = None
    bandwidth_hz: float | None = None
    pauses: Pauses | None = None
    mos_signal: float | None = None
    mos_background: float | None = None
    mos_overall: float | None = None


@dataclass(frozen=True, slots=True)
class Mos:
    """DNSMOS P.835, each 1..5. ``end_sample`` is the end of the window it was computed on."""

    signal: float
    background: float
    overall: float
    end_sample: int


@dataclass(frozen=True, slots=True)
class RecordingTotals:
    """Statistics of a whole recording so far, in bounded memory; advanced once per hop.

    Histograms count rows per decibel bin: bin ``i`` of ``speech_levels``/``pause_levels`` holds rows whose
    ``LEVEL_DB`` lies in ``[-120 + i/2, -120 + (i+1)/2)``; int64, shape ``(256,)``. The rest are sums over
    rows. ``far_end_rows``: those of the far end that were not lost; nothing else is counted in them.
    """

    rows: int
    speech_rows: int
    speech_levels: npt.NDArray[np.int64]
    pause_levels: npt.NDArray[np.int64]
    clipped: float
    dropout_rows: int
    gap_rows: int
    far_end_rows: int
    pause_count: int
    longest_pause_rows: int
    pause_rows: int
