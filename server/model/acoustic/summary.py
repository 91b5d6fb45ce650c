"""Measures of a whole recording: levels from its histograms, the rest from its windows."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from server.model.acoustic.levels import FLOOR_DB, LEAST_PAUSE_ROWS, LEAST_SPEECH_ROWS, signal_to_noise
from server.values.measures import Measures, Pauses, RecordingTotals
from server.values.rows import ROW_RATE

BIN_DB = 0.5


def summarise(totals: RecordingTotals, windows: Sequence[tuple[Measures, float]]) -> Measures:
    """Measures over a whole recording. ``windows``: (measures, speech_s) of the windows that were aggregated.

    Levels, clipping and pauses come from the totals and cover every sample once. Measures that only windows have (rate,
    echo, bandwidth, DNSMOS) are medians over the windows, weighted by their speech; dropouts are the mean. A measure
    that is absent from every window, for example because of processing, is absent here too.
    """
    levels_known = not windows or any(measures.noise_dbfs is not None for measures, _ in windows)
    speech_db = _mean_level(totals.speech_levels, LEAST_SPEECH_ROWS) if levels_known else None
    noise_db = _mean_level(totals.pause_levels, LEAST_PAUSE_ROWS) if levels_known else None
    if noise_db is None:
        noise_db = _median(windows, lambda measures: measures.noise_dbfs)
    present = totals.rows - totals.gap_rows - totals.far_end_rows
    return Measures(
        snr_db=None if speech_db is None or noise_db is None else signal_to_noise(speech_db, noise_db),
        noise_dbfs=noise_db,
        speech_dbfs=speech_db,
        clipping_ratio=totals.clipped / present if present else None,
        dropout_ratio=_mean(windows, lambda measures: measures.dropout_ratio),
        speech_ratio=totals.speech_rows / totals.rows if totals.rows else None,
        speech_rate_sps=_median(windows, lambda measures: measures.speech_rate_sps),
        reverberation=_median(windows, lambda measures: measures.reverberation),
        bandwidth_hz=_median(windows, lambda measures: measures.bandwidth_hz),
        pauses=_pauses(totals),
        mos_signal=_median(windows, lambda measures: measures.mos_signal),
        mos_background=_median(windows, lambda measures: measures.mos_background),
        mos_overall=_median(windows, lambda measures: measures.mos_overall),
    )


def _pauses(totals: RecordingTotals) -> Pauses | None:
    if totals.speech_rows < LEAST_SPEECH_ROWS:
        return None
    return Pauses(
        count=totals.pause_count,
        longest_s=totals.longest_pause_rows / ROW_RATE,
        ratio=totals.pause_rows / totals.rows,
    )


def _mean(windows: Sequence[tuple[Measures, float]], get: Callable[[Measures], float | None]) -> float | None:
    values = [value for measures, _ in windows if (value := get(measures)) is not None]
    return float(np.mean(values)) if values else None


def _mean_level(histogram: npt.NDArray[np.int64], least: int) -> float | None:
    """Mean power of a level histogram, dBFS; ``None`` under ``least`` rows."""
    count = int(histogram.sum())
    if count < least:
        return None
    centres = FLOOR_DB + BIN_DB * (np.arange(histogram.shape[0]) + 0.5)
    power = float(np.dot(histogram, np.power(10.0, centres / 10.0))) / count
    return max(FLOOR_DB, 10.0 * float(np.log10(power)))


def _median(windows: Sequence[tuple[Measures, float]], get: Callable[[Measures], float | None]) -> float | None:
    """Median over the windows that have the measure, weighted by their seconds of speech (plain if none has any)."""
    pairs = [(value, weight) for measures, weight in windows if (value := get(measures)) is not None]
    if not pairs:
        return None
    pairs.sort()
    weights = np.array([weight for _, weight in pairs])
    if weights.sum() <= 0:
        weights = np.ones(len(pairs))
    middle = int(np.searchsorted(np.cumsum(weights), weights.sum() / 2.0))
    return pairs[min(middle, len(pairs) - 1)][0]
