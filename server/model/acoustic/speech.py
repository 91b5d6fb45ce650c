"""What the speech itself tells: pauses, syllables per second, the room's echo. Pure functions of feature rows."""

import math

import numpy as np
from scipy import signal

from server.model.acoustic.levels import mean_power_db, sounding_speech
from server.rows import MIN_PAUSE_ROWS, is_gap, is_pause, is_speech, runs, spread
from server.values import ROW_RATE, Column, Float32Array, Pauses

SMOOTHING_ROWS = 11
PROMINENCE_DB = 1.5
RATE_SLOPE = 1.44
RATE_OFFSET_SPS = -1.1
"""Syllable nuclei as peaks of the 300–2500 Hz envelope: 11-row Hann, at least 1.5 dB prominent, and the line from
peaks per second of speech to true syllables per second (facts/quality.md, fitted on transcribed clips)."""

LEAST_RATE_S = 3.0
"""Under 3 s of speech a rate is a guess."""

FALL_ROWS = 5
FALL_PERCENTILE = 90.0
ECHO_MARGIN_BEFORE = 5
ECHO_MARGIN_AFTER = 20
LEAST_ECHO_ROWS = 100
"""A room is judged from a second of speech on."""

HIGHEST_ECHO_SNR_DB = 30.0
LEAST_ECHO_SNR_DB = 12.0
"""Noise fills the dips of speech as echo does; under this no echo is told from it."""

ECHO_MODEL = (4.464, -0.786, 0.183, -0.406)
"""Intercept, and weights of the spread (dB), the SNR of the syllable band (dB, at most 30) and the steep falls (dB in
50 ms): logistic regression, fitted on mixes of other seeds than the shipped evaluation set (docs/measures.md)."""


def pauses(rows: Float32Array) -> Pauses:
    """Silences of at least 0.25 s between two stretches of speech; one with a network gap in it is none."""
    n = rows.shape[0]
    silences = runs(~is_speech(rows))
    gap = is_gap(rows)
    lengths = [
        int(end - start)
        for start, end in silences
        if start > 0 and end < n and end - start >= MIN_PAUSE_ROWS and not gap[start:end].any()
    ]
    longest = max(lengths, default=0)
    return Pauses(count=len(lengths), longest_s=longest / ROW_RATE, ratio=sum(lengths) / n if n else 0.0)


def syllable_rate(rows: Float32Array) -> float | None:
    """Syllables per second of speech; ``None`` under 3 s of it."""
    speech = is_speech(rows) & ~is_gap(rows)
    seconds = np.count_nonzero(speech) / ROW_RATE
    if seconds < LEAST_RATE_S:
        return None
    window = np.hanning(SMOOTHING_ROWS + 2)[1:-1]
    power = np.power(10.0, rows[:, Column.SYLLABLE_DB].astype(np.float64) / 10.0)
    envelope = 10.0 * np.log10(np.convolve(power, window / window.sum(), "same") + 1e-12)
    peaks, _ = signal.find_peaks(envelope, prominence=PROMINENCE_DB)
    per_second = np.count_nonzero(speech[peaks]) / seconds
    return float(max(0.0, RATE_SLOPE * per_second + RATE_OFFSET_SPS))


def reverberation(rows: Float32Array) -> float | None:
    """How far echo fills the dips of speech, 0 (dry) .. 1 (washed out); ``None`` where noise would fill them first.

    A room's echo narrows the spread of the 300–2500 Hz level within speech and slows its falls.
    """
    speech = sounding_speech(rows)
    if np.count_nonzero(speech) < LEAST_ECHO_ROWS:
        return None
    band = rows[:, Column.SYLLABLE_DB]
    within = band[speech]
    pause = is_pause(rows)
    floor = mean_power_db(band[pause]) if np.count_nonzero(pause) >= 15 else float(np.percentile(within, 10.0))
    snr = mean_power_db(within) - floor
    if snr < LEAST_ECHO_SNR_DB:
        return None
    smooth = np.convolve(band.astype(np.float64), np.full(3, 1 / 3), "same")
    near = spread(is_speech(rows), ECHO_MARGIN_BEFORE, ECHO_MARGIN_AFTER)[:-FALL_ROWS]
    falls = np.percentile((smooth[:-FALL_ROWS] - smooth[FALL_ROWS:])[near], FALL_PERCENTILE)
    features = (1.0, float(np.std(within, dtype=np.float64)), min(snr, HIGHEST_ECHO_SNR_DB), float(falls))
    x = sum(weight * value for weight, value in zip(ECHO_MODEL, features, strict=True))
    return 1.0 / (1.0 + math.exp(-min(max(x, -50.0), 50.0)))
