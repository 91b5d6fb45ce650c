"""Audio that was lost before it reached us: cut out, or concealed by repeating what came before.

The waveform tells a lost packet from a fade into digital silence; the column LOSS knows the rest.
"""

import numpy as np

from server.values.audio import CORE_RATE, Float32Array
from server.values.marked import MarkedRows
from server.values.rows import (
    CUT_PEAK_RATIO,
    DIGITAL_SILENCE,
    REPEATED,
    ROW_RATE,
    BoolArray,
    Column,
    dropout_runs,
    median,
    runs,
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

CUT_SHORT_RATIO = 0.15
"""A short run of zeros was cut out if the sound beside it reaches 15 % of the usual peak of 10 ms of speech. A gate or
a codec that sends nothing in pauses closes where the sound is faint."""

COARSE_STEP = 1 / 256
FEW_STEPS = 2.5

ROUNDED = 0.2
"""Fraction of exact zeros from which a row contains little but rounding: a faint voice fades out like this."""

ROOM_PEAKS = 2.0
"""Steady noise hardly peaks over twice its usual peak of 10 ms."""

BEFORE_ROWS = 3
"""Rows before a silence in which it shows whether the sound faded: a loss cuts one and leaves the others intact."""

LONGEST_REPEAT_ROWS = 12
"""Receivers conceal up to 120 ms by repetition; what repeats for longer is a periodic sound."""


def lost_rows(rows: MarkedRows, pcm: Float32Array) -> BoolArray:
    """Rows that were lost, network gaps aside: bool ``(n,)``. ``pcm``: float32 at 16 kHz, the same stretch."""
    faintest = _faintest(rows)
    lost = repeated_rows(rows, faintest) | cut_rows(rows, faintest)
    if rows.usual_peak is None or not rows.silent.any():
        return lost
    silences = dropout_runs(rows.array, rows.usual_peak)
    loud = _loud(rows, faintest) if silences.shape[0] else 0.0
    for start, end in silences:
        if not has_faded(rows, int(start)) and is_cut(pcm, int(start) * ROW_SAMPLES, int(end) * ROW_SAMPLES, loud):
            lost[start:end] = True
    return lost


def _loud(rows: MarkedRows, faintest: float) -> float:
    """Peak, linear 0..1, over which sound that stops is speech: an editor cuts the room's noise between two takes."""
    speech = max(CUT_PEAK_RATIO * (rows.usual_peak or 0.0), faintest)
    pause = rows.pause
    room = median(rows.peak[pause])
    return speech if room is None else max(speech, ROOM_PEAKS * room)


def has_faded(rows: MarkedRows, start: int) -> bool:
    """Whether the sound had been rounded to almost nothing before the silence from row ``start`` on.

    16 bits round the pauses of a faint recording to zeros; the next word then starts at once, as after a loss.
    """
    zeros = rows.array[max(0, start - BEFORE_ROWS) : start, Column.ZERO]
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
    edge = float(magnitude[max(0, last - EDGE_SAMPLES) : last].max())
    return edge / peak if edge > loud else 0.0


def repeated_rows(rows: MarkedRows, faintest: float) -> BoolArray:
    """Rows of speech that repeat what came before, bool ``(n,)``; what repeats for long is a periodic sound.

    ``faintest``: peak, linear, up to which sound may come from rounding.
    """
    copies = (rows.array[:, Column.LOSS] == REPEATED) & ~rows.gap & (rows.peak > faintest)
    if not copies.any():
        return np.asarray(copies)
    for start, end in runs(copies):
        if end - start > LONGEST_REPEAT_ROWS:
            copies[start:end] = False
    return np.asarray(copies)


def cut_rows(rows: MarkedRows, faintest: float) -> BoolArray:
    """Rows in which a run of zeros, however short, cuts off loud sound, bool ``(n,)``. ``faintest``: as above."""
    if rows.usual_peak is None:
        return np.zeros(len(rows), np.bool_)
    loud = max(CUT_SHORT_RATIO * rows.usual_peak, faintest)
    return np.asarray((rows.array[:, Column.LOSS] > loud) & ~rows.gap)


def _faintest(rows: MarkedRows) -> float:
    """Peak, linear, up to which sound may come from rounding: samples of 8 bits leave zeros beside steps of 1/128."""
    sounding = rows.peak[rows.peak > 0]
    step = float(sounding.min()) if sounding.size else 0.0
    return FEW_STEPS * step if step >= COARSE_STEP else 0.0
