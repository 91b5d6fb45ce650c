"""Where a window lies, and what the judgement must know of it besides its scores."""

import math

import numpy as np
import numpy.typing as npt

from server.judge.judgement import LatestSound, WindowFacts
from server.scoring.denoising import TENTHS, UNKNOWN_LEVELS
from server.values.audio import Float32Array
from server.values.input_kind import input_kind
from server.values.measures import Measures
from server.values.percentiles import percentile
from server.values.rows import ROW_RATE, Column, is_gap, is_present, is_speech, runs
from server.values.windows import RECENT_S, Window

SMOOTHING_ROWS = 5
"""The level moves from syllable to syllable, over 50 ms."""
LEAST_SPEECH_ROWS = ROW_RATE // 4
LEAST_KNOWN = TENTHS // 2
"""Tenths of the last second whose noise must be known, that it may be compared."""
FLOOR = 1e-12


def window_facts(window: Window, measures: Measures, denoised: Float32Array = UNKNOWN_LEVELS) -> WindowFacts:
    """``measures``: those of the window, or only its share of speech if the acoustic scorer gave none. ``denoised``: as
    in ``ScoreRequest``."""
    return WindowFacts(
        start_sample=window.start_sample,
        end_sample=window.end_sample,
        sample_rate=window.sample_rate,
        partial=window.partial,
        speech_s=window.speech_s,
        speech_ratio=window.speech_ratio,
        measures=measures,
        input_kind=input_kind(window.rows[-RECENT_S * ROW_RATE :]),
        speech_by_second=_speech_by_second(window),
        lost=_lost(window),
        sound=_latest_sound(window.rows[-2 * ROW_RATE :], _noise_fell_db(window, denoised)),
    )


def _speech_by_second(window: Window) -> tuple[int, ...]:
    """Counted from the end; only the first second of a recording under 3 s may be shorter than the others."""
    speech = is_speech(window.rows)[::-1]
    seconds = (speech[start : start + ROW_RATE] for start in range(0, speech.size, ROW_RATE))
    return tuple(int(np.count_nonzero(second)) * 100 // ROW_RATE for second in seconds)[::-1]


def _lost(window: Window) -> tuple[tuple[int, int], ...]:
    """Runs of rows declared lost, in samples."""
    gap, rows = is_gap(window.rows), window.rows.shape[0]
    if not gap.any():
        return ()
    at = [window.start_sample + row * window.sample_rate // ROW_RATE for row in range(rows)] + [window.end_sample]
    return tuple((at[start], at[end]) for start, end in runs(gap))


def _noise_fell_db(window: Window, denoised: Float32Array) -> float | None:
    """Mean noise of the last 4 s over that of the last second: by what a denoiser takes away, and where that is unknown
    by what sounds while nobody speaks. ``None`` where too little of the last second is known."""
    noise = _noise_by_tenth(window, denoised)[-RECENT_S * TENTHS :]
    latest = noise[-TENTHS:]
    latest = latest[np.isfinite(latest)]
    if latest.size < LEAST_KNOWN:
        return None
    return _db(float(np.nanmean(noise))) - _db(float(latest.mean()))


def _noise_by_tenth(window: Window, denoised: Float32Array) -> npt.NDArray[np.float64]:
    """Power of the noise in each tenth of a second of the window, float64 ``(m,)``; NaN where unknown."""
    per_tenth = ROW_RATE // TENTHS
    tenths = window.rows.shape[0] // per_tenth
    rows = window.rows[: tenths * per_tenth]
    power = np.power(10.0, rows[:, Column.LEVEL_DB].astype(np.float64) / 10.0)
    power[is_speech(rows) | ~is_present(rows)] = np.nan
    found = np.asarray(power.reshape(tenths, per_tenth).mean(axis=1))
    known = denoised[:tenths, 1].astype(np.float64)
    parted = np.flatnonzero(np.isfinite(known))
    found[parted] = np.power(10.0, known[parted] / 10.0)
    return found


def _latest_sound(rows: Float32Array, noise_fell_db: float | None) -> LatestSound | None:
    """``rows``: the last 2 s, float32 ``(n, N_COLUMNS)``."""
    present = is_present(rows)
    if np.count_nonzero(present[-ROW_RATE:]) < ROW_RATE // 2:
        return None
    power = np.power(10.0, rows[:, Column.LEVEL_DB].astype(np.float64) / 10.0)
    latest = power[-ROW_RATE:]
    speech = is_speech(rows[-ROW_RATE:])
    smooth = np.convolve(power[present], np.full(SMOOTHING_ROWS, 1 / SMOOTHING_ROWS), "valid")
    low, high = percentile(smooth, 5.0), percentile(smooth, 95.0)
    return LatestSound(
        level_dbfs=_db(float(latest[present[-ROW_RATE:]].mean())),
        speech_dbfs=_db(float(latest[speech].mean())) if np.count_nonzero(speech) >= LEAST_SPEECH_ROWS else None,
        floor_dbfs=_db(low),
        swing_db=_db(high) - _db(low),
        noise_fell_db=noise_fell_db,
    )


def _db(power: float) -> float:
    return 10.0 * math.log10(max(power, FLOOR))
