"""Measures on the decoded input-rate samples, before DC removal, levelling and resampling."""

import math

import numpy as np
import numpy.typing as npt

from server.stream.losses import cut_sound
from server.values.audio import Float32Array
from server.values.rows import ROW_RATE

N_INPUT_COLUMNS = 5
GAP_INDEX = 4
"""PEAK, CLIPPED, ZERO, DC, GAP, in this order."""

NEAR_PEAK = 0.995
"""A clipped sample is within 0.5 % of the extreme of its side: clipping leaves runs at 99.5 % of the peak and above."""

FINEST_STEP = 1 / 32768

FLAT_STEP = 1.01 / 32768
"""Samples of a flat run differ by at most one step of 16 bits: a limiter's edge, after a gain and rounding."""

EDGE_DROP = 16 / 32768
"""A flat run counts where the signal leaves it by more than this in one sample on one side at least. A smooth, quiet
or heavily oversampled crest, flat only by rounding, falls off by less than nine steps beside a run of two. Samples of
fewer bits have larger steps, and as many of them count."""

PAIR_SKEW = 0.15
"""A run of two counts only if the signal falls off it unevenly, by this share of the steeper side: two samples astride
a smooth crest are equal by symmetry, and a steady tone has such a pair in every period."""

LONE_PAIR = 2
"""Two flat samples alone in a hop are chance: clean speech has such a pair in one second of a hundred, never more, and
at 8 kHz the pair alone would fail the 4 s that prompts read. What really clips does so again within the second."""

LOUDEST_UNCLIPPED = 0.05
"""Below -26 dBFS nothing counts as clipped: flat crests come from rounding there."""

LEVEL_CLIPPED = 1e-3
"""A level meter's 200 ms show clipping from this fraction of clipped samples on."""

FLOOR_DBFS = -120.0


def clipped_samples(samples: Float32Array) -> npt.NDArray[np.intp]:
    """Indices of clipped samples within ``samples`` (float32 ``(n,)``, one hop), rising.

    A clipped sample stands in a run of at least two that are flat, within 0.5 % of the highest (or of the lowest)
    sample of the hop, and left abruptly. The hop's own extremes are the reference, each side its own, so that clipping
    is seen below full scale (after a gain) and under an offset, and clean crests are not flagged. One run of two in all
    the hop is left out.
    """
    if samples.shape[0] < 2:
        return np.zeros(0, np.intp)
    tops = (samples.max(), -samples.min())
    sides = [
        _flat_runs(np.flatnonzero(side >= NEAR_PEAK * top), side)
        for side, top in zip((samples, -samples if tops[1] >= LOUDEST_UNCLIPPED else samples), tops, strict=True)
        if top >= LOUDEST_UNCLIPPED
    ]
    found = np.sort(np.concatenate(sides)) if sides else np.zeros(0, np.intp)
    return found if found.shape[0] > LONE_PAIR else found[:0]


def _flat_runs(near: npt.NDArray[np.intp], side: Float32Array) -> npt.NDArray[np.intp]:
    """Those of ``near`` that stand in flat runs of two or more with an abrupt edge; ``side`` has its peak on top."""
    values = side[near]
    joined = (near[1:] - near[:-1] == 1) & (np.abs(values[1:] - values[:-1]) <= FLAT_STEP)
    if not joined.any():
        return near[:0]
    coarser = _step(side, float(values.max())) / FINEST_STEP
    run = np.concatenate(([0], np.cumsum(~joined)))
    first = np.flatnonzero(np.diff(run, prepend=-1))
    last = np.flatnonzero(np.diff(run, append=run[-1] + 1))
    rise = values[first] - side[np.maximum(near[first] - 1, 0)]
    fall = values[last] - side[np.minimum(near[last] + 1, side.shape[0] - 1)]
    steeper = np.maximum(rise, fall)
    uneven = np.abs(rise - fall) > np.maximum(4 * FLAT_STEP * coarser, PAIR_SKEW * steeper)
    clipped = (steeper > EDGE_DROP * coarser) & ((last - first >= 2) | ((last - first == 1) & uneven))
    return np.asarray(near[clipped[run]], np.intp)


def _step(side: Float32Array, peak: float) -> float:
    """Distance of neighbouring values in the upper half of a side, linear: 1/32,768 for 16 bits, 1/128 for 8, and up to
    1/32 where the samples went through mu-law or A-law. At least ``FINEST_STEP``."""
    values = np.unique(side[side >= 0.5 * peak])
    return max(FINEST_STEP, float(np.diff(values).min())) if values.shape[0] > 1 else FINEST_STEP


class InputMeasures:
    """The input-rate columns of feature rows. Without memory; the rate fixes where rows begin."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._bounds = np.arange(ROW_RATE + 1, dtype=np.int64) * sample_rate // ROW_RATE

    def measure(self, samples: Float32Array, rows: int, gap: npt.NDArray[np.bool_]) -> Float32Array:
        """Columns PEAK, CLIPPED, ZERO, DC and GAP of the first ``rows`` rows of one hop, float32 ``(rows, 5)``.

        ``samples``: the hop's input, float32 ``(n,)`` with all of these rows; row ``i`` covers
        ``[i*sr//100, (i+1)*sr//100)``. ``gap``: bool ``(rows,)``.
        """
        out = np.zeros((rows, N_INPUT_COLUMNS), np.float32)
        if rows == 0:
            return out
        bounds = self._bounds[: rows + 1]
        starts, lengths = bounds[:-1], np.diff(bounds)
        within = samples[: bounds[-1]]
        out[:, 0] = np.maximum.reduceat(np.abs(within), starts)
        clipped = clipped_samples(samples)
        row_of = np.searchsorted(bounds, clipped, side="right") - 1
        out[:, 1] = np.bincount(row_of[row_of < rows], minlength=rows) / lengths
        out[:, 2] = np.add.reduceat((within == 0.0).astype(np.int64), starts) / lengths
        out[:, 3] = np.add.reduceat(within, starts, dtype=np.float64) / lengths
        out[:, GAP_INDEX] = gap
        return out

    def cut_sound(self, samples: Float32Array, rows: int) -> Float32Array:
        """Per row of one hop, the peak of the sound that a run of zeros cuts off; see ``losses.cut_sound``."""
        return cut_sound(samples, self._bounds[: rows + 1], self._rate)


def level_of(samples: Float32Array) -> tuple[float, float, bool]:
    """RMS and peak in dBFS (floored at -120), and whether it clips, of one meter reading (float32 ``(n,)``)."""
    if samples.shape[0] == 0:
        return FLOOR_DBFS, FLOOR_DBFS, False
    wide = samples.astype(np.float64)
    rms = math.sqrt(float(np.dot(wide, wide)) / samples.shape[0])
    peak = max(float(samples.max()), -float(samples.min()))
    clipping = clipped_samples(samples).shape[0] >= LEVEL_CLIPPED * samples.shape[0]
    return dbfs(rms), dbfs(peak), clipping


def dbfs(amplitude: float) -> float:
    """Linear amplitude to dB re full scale, floored at -120."""
    return max(FLOOR_DBFS, 20.0 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS
