"""Readings of feature rows that both the running totals and the scorers need, so that they cannot differ.

Rows are float32 ``(n, N_COLUMNS)``, 100 per second (``values.Column``). Pure functions; imports only values.
"""

import numpy as np
import numpy.typing as npt

from server.values import ROW_RATE, Column, Float32Array

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

SPEECH_THRESHOLD = 0.5
"""Speech probability from which a row counts as speech (Silero VAD's own default)."""

MIN_PAUSE_ROWS = ROW_RATE // 4
"""A silence of at least 0.25 s between two stretches of speech is a pause (``values.Pauses``)."""

MARGIN_AFTER_ROWS = 3
"""Rows after speech that are no pause: 30 ms, the recipe of the pause-based SNR."""

MARGIN_BEFORE_ROWS = 7
"""Rows before speech that are no pause: 30 ms, and 40 ms by which the causal VAD column lags behind an onset."""

DIGITAL_SILENCE = 0.999
"""Fraction of exact zeros from which a row holds no signal. A lost 20 ms packet fills at least one row."""

CUT_PEAK_RATIO = 0.1
"""A zero run is a cut where the signal beside it peaks within 20 dB of the stretch's typical speech peak."""


def is_speech(rows: Float32Array) -> BoolArray:
    """Rows of speech, bool ``(n,)``."""
    return np.asarray(rows[:, Column.SPEECH] >= SPEECH_THRESHOLD)


def is_gap(rows: Float32Array) -> BoolArray:
    """Rows the network lost (``audio.gap``), bool ``(n,)``; nothing may be measured in them."""
    return np.asarray(rows[:, Column.GAP] >= 0.5)


def is_silent(rows: Float32Array) -> BoolArray:
    """Rows of digital silence (exact zeros at the input rate), bool ``(n,)``, gaps left out."""
    return np.asarray((rows[:, Column.ZERO] >= DIGITAL_SILENCE) & ~is_gap(rows))


def runs(mask: BoolArray) -> IndexArray:
    """Stretches of true: int ``(k, 2)``, half-open ``[start, end)``, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges.reshape(-1, 2)


def spread(mask: BoolArray, before: int, after: int) -> BoolArray:
    """``mask`` widened by ``before`` rows to earlier and ``after`` rows to later times."""
    marks = np.zeros(mask.shape[0] + 1, np.int64)
    stretches = runs(mask)
    np.add.at(marks, np.maximum(stretches[:, 0] - before, 0), 1)
    np.add.at(marks, np.minimum(stretches[:, 1] + after, mask.shape[0]), -1)
    return np.asarray(np.cumsum(marks[:-1]) > 0)


def is_pause(rows: Float32Array) -> BoolArray:
    """Rows in which only the room is heard, bool ``(n,)``: away from speech, neither lost nor digital silence."""
    near_speech = spread(is_speech(rows), MARGIN_BEFORE_ROWS, MARGIN_AFTER_ROWS)
    return np.asarray(~near_speech & ~is_gap(rows) & (rows[:, Column.ZERO] < DIGITAL_SILENCE))


def usual_peak(rows: Float32Array) -> float | None:
    """Median PEAK of the speech rows that hold signal, linear 0..1; ``None`` without any."""
    speech = is_speech(rows) & ~is_silent(rows) & ~is_gap(rows)
    return float(np.median(rows[speech, Column.PEAK])) if speech.any() else None


def dropout_runs(rows: Float32Array, usual: float | None = None) -> IndexArray:
    """Stretches of digital silence that cut into sound: int ``(k, 2)``, half-open.

    A natural silence, also the digital silence of an edited file or a noise gate, fades; a lost packet cuts. So a zero
    run counts where the signal within 20 ms before or after it still peaks within 20 dB of ``usual``, the peak of a
    usual speech row (by default that of these rows). Runs that touch either end are open, and not counted.
    """
    usual = usual_peak(rows) if usual is None else usual
    if usual is None:
        return np.zeros((0, 2), np.intp)
    peaks = rows[:, Column.PEAK]
    n = rows.shape[0]
    kept = [
        (start, end)
        for start, end in runs(is_silent(rows))
        if 0 < start < end < n
        and max(peaks[max(0, start - 2) : start].max(), peaks[end : end + 2].max()) >= CUT_PEAK_RATIO * usual
    ]
    return np.asarray(kept, np.intp).reshape(-1, 2)
