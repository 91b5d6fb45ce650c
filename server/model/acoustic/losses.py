"""Audio that was lost before it reached us: cut out, or concealed by repeating what came before.

Both are read from the waveform: feature rows are too coarse to tell a lost packet from a fade into digital silence.
"""

import numpy as np

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import (
    CUT_PEAK_RATIO,
    DIGITAL_SILENCE,
    ROW_RATE,
    BoolArray,
    Column,
    dropout_runs,
    is_gap,
    is_pause,
    is_silent,
    is_speech,
    runs,
    usual_peak,
)

ROW_SAMPLES = CORE_RATE // ROW_RATE

EDGE_SAMPLES = CORE_RATE // 500
"""2 ms: how suddenly a lost packet ends the sound. An editor's or a noise gate's fade takes 5 ms and more."""

AROUND_SAMPLES = CORE_RATE // 50
"""20 ms: the stretch that the edge is compared with."""

SOUND_RATIO = 0.02
"""Samples under 2 % of the surrounding peak are ringing of a resampler, not sound."""

CUT_RATIO = 0.35
"""Sound stops dead if its last 2 ms reach 35 % of the peak of the last 20 ms; a fade of 10 ms leaves under 25 %."""

SUDDEN_RATIO = 0.5
"""Speech itself may begin suddenly, so sound after zeros must jump higher within 2 ms to count on its own."""

REPEAT_LAGS = (1, 2, 3, 6)
"""Rows after which packets of 10, 20, 30 and 60 ms would repeat."""

REPEAT_RESIDUAL = 1e-4
"""A row is a copy if less than -40 dB of it is not explained by the earlier row: voices stay above -25 dB."""

QUIETEST_REPEAT = 1e-7
"""Mean square of the differenced signal (about -60 dBFS of speech) below which a copy looks like rounding."""

ROUNDED = 0.2
"""Fraction of exact zeros from which a row contains little but rounding: a faint voice fades out like this."""

ROOM_PEAKS = 2.0
"""Steady noise hardly peaks over twice its usual peak of 10 ms."""

BEFORE_ROWS = 3
"""Rows before a silence in which it shows whether the sound faded: a loss cuts one and leaves the others intact."""

LONGEST_REPEAT_ROWS = 12
"""Receivers conceal up to 120 ms by repetition; what repeats for longer is a periodic sound."""


def lost_rows(rows: Float32Array, pcm: Float32Array) -> BoolArray:
    """Rows that were lost, network gaps aside: bool ``(n,)``. ``pcm``: float32 at 16 kHz, the same stretch."""
    lost = repeated_rows(rows, pcm)
    silences = dropout_runs(rows)
    loud = _loud(rows) if silences.shape[0] else 0.0
    for start, end in silences:
        if not has_faded(rows, int(start)) and is_cut(pcm, int(start) * ROW_SAMPLES, int(end) * ROW_SAMPLES, loud):
            lost[start:end] = True
    return lost


def _loud(rows: Float32Array) -> float:
    """Peak, linear 0..1, over which sound that stops is speech: an editor cuts the room's noise between two takes."""
    speech = CUT_PEAK_RATIO * (usual_peak(rows) or 0.0)
    pause = is_pause(rows)
    return max(speech, ROOM_PEAKS * float(np.median(rows[pause, Column.PEAK]))) if pause.any() else speech


def has_faded(rows: Float32Array, start: int) -> bool:
    """Whether the sound had been rounded to almost nothing before the silence from row ``start`` on.

    16 bits round the pauses of a faint recording to zeros; the next word then starts at once, as after a loss.
    """
    zeros = rows[max(0, start - BEFORE_ROWS) : start, Column.ZERO]
    sounding = zeros[zeros < DIGITAL_SILENCE]
    return bool(sounding.size and sounding.min() >= ROUNDED)


def is_cut(pcm: Float32Array, start: int, end: int, loud: float) -> bool:
    """Whether sound that peaks over ``loud`` (linear) stops dead at the silence ``[start, end)``, or starts at once."""
    before = np.abs(pcm[max(0, start - AROUND_SAMPLES) : start + ROW_SAMPLES])
    after = np.abs(pcm[max(0, end - ROW_SAMPLES) : end + AROUND_SAMPLES])[::-1]
    return _edge(before, loud) >= CUT_RATIO or _edge(after, loud) >= SUDDEN_RATIO


def _edge(magnitude: Float32Array, loud: float) -> float:
    """Peak of the last 2 ms of sound in ``magnitude``, relative to its peak, 0..1; 0 if that is under ``loud``."""
    peak = float(magnitude.max(initial=0.0))
    if peak <= loud:
        return 0.0
    sounding = np.flatnonzero(magnitude > SOUND_RATIO * peak)
    if not sounding.size:
        return 0.0
    last = int(sounding[-1]) + 1
    return float(magnitude[max(0, last - EDGE_SAMPLES) : last].max()) / peak


def repeated_rows(rows: Float32Array, pcm: Float32Array) -> BoolArray:
    """Rows of speech that are a scaled copy of the row one packet earlier, bool ``(n,)``.

    Compared after differencing, which removes direct current and most mains hum, because both repeat for ever.
    """
    n = min(rows.shape[0], pcm.shape[0] // ROW_SAMPLES)
    blocks = np.diff(pcm[: n * ROW_SAMPLES], prepend=pcm[:1]).reshape(n, ROW_SAMPLES)
    power = np.einsum("ij,ij->i", blocks, blocks)
    loud = (power > QUIETEST_REPEAT * ROW_SAMPLES) & (is_speech(rows) & ~is_gap(rows) & ~is_silent(rows))[:n]
    found = np.zeros(rows.shape[0], np.bool_)
    for lag in REPEAT_LAGS:
        if n <= lag:
            break
        product = np.einsum("ij,ij->i", blocks[lag:], blocks[:-lag])
        explained = np.square(product) >= (1.0 - REPEAT_RESIDUAL) * power[lag:] * power[:-lag]
        copies = explained & (product > 0) & loud[lag:] & loud[:-lag]
        for start, end in runs(copies):
            if end - start <= LONGEST_REPEAT_ROWS:
                found[start + lag : end + lag] = True
    return found
