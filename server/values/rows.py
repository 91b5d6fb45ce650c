"""Functions of feature rows that the running totals and the scorers share, so that they cannot differ.

Rows are float32 ``(n, N_COLUMNS)``, 100 per second (``values.Column``). Pure functions; imports only values.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.percentiles import percentile

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

ROW_RATE = 100
"""Feature rows per second: one row is 10 ms."""


class Column(IntEnum):
    """Columns of a feature row (10 ms, float32). dB values are floored at -120.

    The first block comes from the 16 kHz stream, the second from the decoded input-rate samples of the same
    10 ms (before DC removal, levelling and resampling).
    """

    LEVEL_DB = 0
    """RMS after a 65 Hz high-pass (server/stream/features.py), dBFS, before levelling."""
    SPEECH = 1
    """VAD speech probability 0..1 of the last VAD frame that ended in or before the row (causal)."""
    SYLLABLE_DB = 2
    """Energy of 300–2500 Hz, dB."""
    LOW_DB = 3
    """Energy of 100–1000 Hz, dB."""
    HIGH_DB = 4
    """Energy of 4000–7500 Hz, dB."""
    FLUX = 5
    """Spectral change from the previous row, dB (mean absolute change of band energies)."""
    PEAK = 6
    """Largest absolute sample, linear 0..1 (input rate)."""
    CLIPPED = 7
    """Number of clipped samples, as a fraction of the row's samples 0..1 (input rate)."""
    ZERO = 8
    """Fraction of the row's samples that are exactly zero, 0..1 (input rate)."""
    DC = 9
    """Mean of the row's samples, linear (input rate)."""
    GAP = 10
    """1.0 if ``audio.gap`` declared the row lost (network), else 0.0."""
    OVERLAP = 11
    """Probability that two people speak at once, 0..1; -1 where it was not judged (no model, lost audio, far end)."""
    FAR_END = 12
    """1.0 while the far end speaks (the doctor, from the loudspeaker), and for 300 ms after it; else 0.0."""
    LOSS = 13
    """Signs of audio that was lost before it reached us: the peak, linear 0..1, of the sound that a run of exact zeros
    cuts off in this row (input rate); ``REPEATED`` if the row repeats what came before; 0 if neither."""


N_COLUMNS = len(Column)

REPEATED = -1.0
"""LOSS of a row that is a copy of what was heard shortly before, as receivers conceal a lost packet."""


SPEECH_THRESHOLD = 0.5
"""Speech probability from which a row counts as speech (Silero VAD's own default)."""

MIN_PAUSE_ROWS = ROW_RATE // 4
"""A silence of at least 0.25 s between two stretches of speech is a pause (``values.Pauses``)."""

MARGIN_AFTER_ROWS = 3
"""Rows after speech that do not count as a pause: 30 ms, as the pause-based SNR requires."""

MARGIN_BEFORE_ROWS = 7
"""Rows before speech that do not count as a pause: 30 ms, plus 40 ms by which the causal VAD column lags the onset."""

UNHEARD_ROWS = 3
"""Rows at a stream's start before the detector's first frame is complete (30 or 32 ms); its column is exactly zero."""

WARM_UP_ROWS = 35
LATEST_ONSET_ROWS = 40
"""Silero detects a first word up to 0.35 s late, and up to 0.4 s late after a long silence (measured on the recordings
behind docs/accuracy.md).
"""

AFTER_GAP_ROWS = 120
"""Rows after lost audio in which a word that goes on may not be detected yet (measured: up to 1.1 s late): no pause, or
it would read as noise."""

ONSET_RISE_DB = 10.0
"""Decibels by which an undetected word exceeds the quiet pauses (their lower quartile, or the quietest tenth of all
rows).
"""

DIGITAL_SILENCE = 0.999
"""Fraction of exact zeros from which a row has no signal. A lost 20 ms packet fills at least one row."""

CUT_PEAK_RATIO = 0.1
"""A run of zeros is a dropout if the signal beside it peaks within 20 dB of the stretch's usual speech peak."""


def is_speech(rows: Float32Array) -> BoolArray:
    """Rows in which the patient speaks, bool ``(n,)``: while the far end speaks, nothing counts as the patient's."""
    return np.asarray((rows[:, Column.SPEECH] >= SPEECH_THRESHOLD) & ~is_far_end(rows))


def is_gap(rows: Float32Array) -> BoolArray:
    """Rows lost by the network (``audio.gap``), bool ``(n,)``; nothing may be measured in them."""
    return np.asarray(rows[:, Column.GAP] >= 0.5)


def is_far_end(rows: Float32Array) -> BoolArray:
    """Rows in which the far end speaks, bool ``(n,)``."""
    return np.asarray(rows[:, Column.FAR_END] >= 0.5)


def is_present(rows: Float32Array) -> BoolArray:
    """Rows in which the patient can be measured, bool ``(n,)``: neither lost nor the far end's."""
    return ~(is_gap(rows) | is_far_end(rows))


def is_silent(rows: Float32Array) -> BoolArray:
    """Rows of digital silence (exact zeros at the input rate), bool ``(n,)``, without gaps and far end."""
    return np.asarray((rows[:, Column.ZERO] >= DIGITAL_SILENCE) & is_present(rows))


def runs(mask: BoolArray) -> IndexArray:
    """Runs of true values: int ``(k, 2)``, half-open ``[start, end)``, in order."""
    padded = np.zeros(mask.shape[0] + 2, np.bool_)
    padded[1:-1] = mask
    return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)


def spread(mask: BoolArray, before: int, after: int) -> BoolArray:
    """``mask`` with every run extended by ``before`` rows at its start and ``after`` rows at its end."""
    out = np.zeros(mask.shape[0], np.bool_)
    for start, end in runs(mask).tolist():
        out[max(0, start - before) : end + after] = True
    return out


def is_pause(rows: Float32Array) -> BoolArray:
    """Rows with only room sound, bool ``(n,)``: away from any speech and from a gap, not lost and not digital silence.

    A detector finds the first word of a stream late, so rows that rise above the room's level in the first third of a
    second, or continue into the first speech, are excluded as well.
    """
    return pause_rows(rows, is_speech(rows), is_far_end(rows), is_gap(rows))


def pause_rows(rows: Float32Array, speech: BoolArray, far_end: BoolArray, gap: BoolArray) -> BoolArray:
    """``is_pause`` where the masks of the rows are known already."""
    near_speech = spread(speech | far_end, MARGIN_BEFORE_ROWS, MARGIN_AFTER_ROWS)
    unheard = spread(gap, MARGIN_BEFORE_ROWS, AFTER_GAP_ROWS)
    pause = np.asarray(~near_speech & ~unheard & (rows[:, Column.ZERO] < DIGITAL_SILENCE))
    if not rows[:UNHEARD_ROWS, Column.SPEECH].any() and pause[: WARM_UP_ROWS + LATEST_ONSET_ROWS].any():
        pause &= ~_unheard_word(rows, pause, int(np.argmax(speech)))
    return pause


def _unheard_word(rows: Float32Array, pause: BoolArray, onset: int) -> BoolArray:
    """Rows at a stream's start that rise above the room; ``onset``: first row of speech, 0 if there is none."""
    levels = rows[:, Column.LEVEL_DB]
    quietest = percentile(levels[is_present(rows) & ~is_silent(rows)], 10.0)
    risen = np.asarray(levels > min(percentile(levels[pause], 25.0), quietest) + ONSET_RISE_DB)
    last = max(onset - MARGIN_BEFORE_ROWS, 0)
    first = max(last - LATEST_ONSET_ROWS, 0)
    quiet = np.flatnonzero(~risen[first:last])
    run_on = first + (int(quiet[-1]) + 1 if quiet.size else 0)
    risen[WARM_UP_ROWS:run_on] = False
    risen[max(WARM_UP_ROWS, last) :] = False
    return risen


def usual_peak(rows: Float32Array) -> float | None:
    """Median PEAK of the speech rows with signal, linear 0..1; ``None`` without any."""
    return median(rows[is_speech(rows) & ~is_silent(rows) & ~is_gap(rows), Column.PEAK])


def median(values: Float32Array) -> float | None:
    """The middle of ``values``, or the mean of the two; ``None`` without any. numpy's own takes five times as long."""
    if not values.size:
        return None
    low, high = (values.size - 1) // 2, values.size // 2
    placed = np.partition(values, (low, high))
    return float((placed[low] + placed[high]) / np.float32(2)) if low < high else float(placed[low])


def dropout_runs(rows: Float32Array, usual: float | None = None) -> IndexArray:
    """Runs of digital silence that cut off sound: int ``(k, 2)``, half-open.

    A natural silence fades, and so does the digital silence of an edited file or a noise gate; a lost packet cuts off.
    So a run of zeros counts if the signal within 20 ms before or after it still peaks within 20 dB of ``usual``, the
    peak of a usual speech row (by default of these rows). Runs that touch either end, or the far end, may continue and
    do not count.
    """
    usual = usual_peak(rows) if usual is None else usual
    if usual is None:
        return np.zeros((0, 2), np.intp)
    peaks = rows[:, Column.PEAK]
    n = rows.shape[0]
    far = is_far_end(rows)
    kept = [
        (start, end)
        for start, end in runs(is_silent(rows))
        if 0 < start < end < n
        and not (far[start - 1] or far[end])
        and max(peaks[max(0, start - 2) : start].max(), peaks[end : end + 2].max()) >= CUT_PEAK_RATIO * usual
    ]
    return np.asarray(kept, np.intp).reshape(-1, 2)
