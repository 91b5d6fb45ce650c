"""Measures of the speech itself: pauses, syllables per second, the room's echo. Pure functions of feature rows."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from server.model.acoustic.levels import LEAST_PAUSE_ROWS, mean_db
from server.model.acoustic.prominence import prominent_peaks
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Pauses, syllables_per_second
from server.values.percentiles import percentile
from server.values.rows import MIN_PAUSE_ROWS, ROW_RATE, BoolArray, Column, runs, spread

SMOOTHING_ROWS = 11
PROMINENCE_DB = 1.5
"""Syllable nuclei as peaks of the 300–2500 Hz envelope: 11-row Hann, at least 1.5 dB prominent."""

LEAST_RATE_S = 3.0
"""Seconds of speech below which a rate would be a guess."""

FALL_ROWS = 10
FALL_PERCENTILE = 90.0
ECHO_MARGIN_BEFORE = 5
ECHO_MARGIN_AFTER = 20
LEAST_ECHO_ROWS = 200
"""A room is judged from 2 s of speech on: with 1 s, clean speech of 4 s was called echoing eight times as often."""

QUIETEST_PERCENTILE = 5.0
HIGHEST_DIP_DB = 45.0
HIGHEST_ECHO_SNR_DB = 30.0
"""Outside these limits a room cannot be distinguished from the recorder's own noise."""

LEAST_ECHO_SNR_DB = 6.0
"""Noise fills the dips of speech as echo does; below this SNR, dB, the two cannot be distinguished."""

DIP_ROWS, DROWNED_DIP_DB = 5, 8.0
"""How far the quietest twentieth, smoothed over 50 ms, lies under the speech: 3.5 to 8.4 dB where noise at 3 dB SNR and
less has begun, 10 in the worst hall of the mixes and 14 and more in all others (docs/decisions/0044)."""

NOISY_ECHO_SNR_DB = 12.0
"""Below this SNR, dB, noise shows in the dips that echo fills, and the more of it there is, the more echo it takes."""

ECHO_MODEL = (6.177, -0.7357, 0.1495, -0.07185, -0.3313, 5.087, -3.167)
"""Intercept, and weights of: how far the 300–2500 Hz level falls within 100 ms (dB, 90th percentile), the speech over
the quietest twentieth in that band (dB, at most 45), over the pauses (dB, at most 30), by how much this is under 12 dB,
and the spectral change within speech (dB, 25th and 90th percentile). Echo slows the falls and smears sudden changes
while the room between two phrases is as quiet as before; noise lowers the levels' distance as well. Logistic regression
of whether C50 (ISO 3382-1) is under 8 dB; the intercept puts 0.6 between 8 and 10 dB (docs/measures.md)."""


def pauses(rows: MarkedRows) -> Pauses:
    """Silences of at least 0.25 s between two stretches of speech, without a network gap or the far end in them."""
    n = len(rows)
    silences = runs(~rows.speech)
    absent = ~rows.present
    lengths = [
        int(end - start)
        for start, end in silences
        if start > 0 and end < n and end - start >= MIN_PAUSE_ROWS and not absent[start:end].any()
    ]
    longest = max(lengths, default=0)
    return Pauses(count=len(lengths), longest_s=longest / ROW_RATE, ratio=sum(lengths) / n if n else 0.0)


@cache
def _smoothing() -> npt.NDArray[np.float64]:
    window = np.hanning(SMOOTHING_ROWS + 2)[1:-1]
    return np.asarray(window / window.sum())


def syllable_rate(rows: MarkedRows, no_words: BoolArray | None = None) -> float | None:
    """Syllables per second of speech; ``None`` under 3 s of it. ``no_words``: speech that is none."""
    speech = rows.speech & ~rows.gap
    if no_words is not None:
        speech &= ~no_words
    seconds = np.count_nonzero(speech) / ROW_RATE
    if seconds < LEAST_RATE_S:
        return None
    return syllables_per_second(np.count_nonzero(speech[_nuclei(rows.syllable_power)]) / seconds)


def _nuclei(syllable_power: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    envelope = 10.0 * np.log10(np.convolve(syllable_power, _smoothing(), "same") + 1e-12)
    return prominent_peaks(envelope, PROMINENCE_DB)


def syllable_nuclei(syllable_db: Float32Array) -> BoolArray:
    """Rows in the middle of a syllable, bool ``(n,)``. ``syllable_db``: ``Column.SYLLABLE_DB``, float32 ``(n,)``."""
    found = np.zeros(syllable_db.shape[0], np.bool_)
    if syllable_db.shape[0] > SMOOTHING_ROWS:
        found[_nuclei(np.power(10.0, syllable_db.astype(np.float64) / 10.0))] = True
    return found


def is_drowned(rows: MarkedRows) -> bool:
    """Whether noise fills the dips of the speech further than the tails of a room do; false under 2 s of speech."""
    speech = rows.sounding_speech
    if np.count_nonzero(speech) < LEAST_ECHO_ROWS:
        return False
    smooth = np.convolve(rows.level_power[rows.sounding], np.full(DIP_ROWS, 1 / DIP_ROWS), "valid")
    quietest = mean_db(np.array([percentile(smooth, QUIETEST_PERCENTILE)]))
    return mean_db(rows.level_power[speech]) - quietest < DROWNED_DIP_DB


def reverberation(rows: MarkedRows) -> float | None:
    """How far echo blurs the speech, 0 (dry) .. 1 (washed out); ``None`` under 2 s of speech, under loud noise,
    or where no word ends outside the far end's."""
    speech = rows.sounding_speech
    if np.count_nonzero(speech) < LEAST_ECHO_ROWS:
        return None
    band, pause = rows.syllable_db, rows.pause
    paused = np.count_nonzero(pause) >= LEAST_PAUSE_ROWS
    floor = mean_db(rows.level_power[pause]) if paused else percentile(rows.level_db[speech], 10.0)
    snr = mean_db(rows.level_power[speech]) - floor
    if snr < LEAST_ECHO_SNR_DB:
        return None
    dip = mean_db(rows.syllable_power[speech]) - percentile(band[rows.sounding], QUIETEST_PERCENTILE)
    smooth = np.convolve(band.astype(np.float64), np.full(3, 1 / 3), "same")
    near = spread(rows.speech, ECHO_MARGIN_BEFORE, ECHO_MARGIN_AFTER)[:-FALL_ROWS]
    # A word does not fall into the far end's voice.
    near &= ~spread(rows.far_end, FALL_ROWS + 1, 1)[:-FALL_ROWS]
    falls = (smooth[:-FALL_ROWS] - smooth[FALL_ROWS:])[near]
    if not falls.size:
        return None
    change = rows.array[speech, Column.FLUX]
    numbers = (
        1.0,
        percentile(falls, FALL_PERCENTILE),
        min(dip, HIGHEST_DIP_DB),
        min(snr, HIGHEST_ECHO_SNR_DB),
        max(NOISY_ECHO_SNR_DB - snr, 0.0),
        percentile(change, 25.0),
        percentile(change, 90.0),
    )
    x = sum(weight * number for weight, number in zip(ECHO_MODEL, numbers, strict=True))
    return 1.0 / (1.0 + math.exp(-min(max(x, -50.0), 50.0)))
