"""Clipping that was turned down or resampled afterwards: its flat tops are gone, its level ceiling is not."""

import math

import numpy as np

from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.windows import PEAKS_PER_DB

LEAST_ROWS = 400
"""Rows of speech below which a distribution means nothing: a few vowels at one level look like a ceiling. In 30 made
visits without clipping 49 of 3,017 stretches of 4 s looked clipped, 14 of 3,589 windows of 10 s with 2.5 s of speech,
and 3 of 3,426 with 4 s of it. 6 dB of clipping stands out in 91 % of the windows, 10 dB in all."""

TOP_DB = 2.0
"""Ringing of a resampler and a soft amplifier spread what was clipped over this much."""

EXCEPTIONS = 2
"""So many rows may peak higher: ringing adds at a few places."""


def peak_pile(rows: MarkedRows) -> float | None:
    """Share of the speech rows that peak within 2 dB of the loudest, less the share within the next 2 dB and the
    standard error of the difference, -1..1.

    The louder, the rarer: in whole speech the difference is negative or small. Whatever limits the level piles its
    peaks up at one place. ``None`` under 4 s of speech.
    """
    peaks = rows.peak[rows.sounding_speech]
    if peaks.size < LEAST_ROWS:
        return None
    top = float(np.partition(peaks, -1 - EXCEPTIONS)[-1 - EXCEPTIONS])
    if top <= 0.0:
        return None
    step = 10.0 ** (-TOP_DB / 20.0)
    loudest = np.count_nonzero(peaks >= step * top)
    below = np.count_nonzero(peaks >= step * step * top) - loudest
    return float(loudest - below - np.sqrt(loudest + below)) / float(peaks.size)


def carried_pile(counts: Float32Array) -> float | None:
    """``peak_pile`` of a session's speech so far, from ``Window.carried_peaks``; ``None`` under 4 s of speech."""
    total = float(counts.sum(dtype=np.float64))
    if total < LEAST_ROWS:
        return None
    top = int(np.argmax(np.cumsum(counts, dtype=np.float64) > EXCEPTIONS))
    bins = round(TOP_DB * PEAKS_PER_DB)
    loudest = float(counts[: top + bins].sum(dtype=np.float64))
    below = float(counts[top + bins : top + 2 * bins].sum(dtype=np.float64))
    return (loudest - below - math.sqrt(loudest + below)) / total
