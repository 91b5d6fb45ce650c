"""The peaks of the speech of a session, by their level: a ceiling shows in many phrases, not in a few vowels."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.rows import ROW_RATE, Column, is_gap, is_silent, is_speech
from server.values.windows import PEAK_BINS, PEAKS_PER_DB

FADES_S = 30.0
"""Seconds of speech over which a peak loses two thirds of its weight."""

_LOWEST = 1e-6


class SpeechPeaks:
    """Counts of speech rows by the level of their peak; advanced once per hop."""

    def __init__(self) -> None:
        self._counts = np.zeros(PEAK_BINS)

    def advance(self, rows: Float32Array) -> Float32Array:
        """Take the rows of one hop, float32 ``(r, N_COLUMNS)``; returns ``Window.carried_peaks``."""
        peaks = rows[is_speech(rows) & ~is_silent(rows) & ~is_gap(rows), Column.PEAK]
        if peaks.size:
            under_db = -20.0 * np.log10(np.clip(peaks, _LOWEST, 1.0))
            places = np.minimum((under_db * PEAKS_PER_DB).astype(np.intp), PEAK_BINS - 1)
            self._counts *= math.exp(-peaks.size / (FADES_S * ROW_RATE))
            self._counts += np.bincount(places, minlength=PEAK_BINS)
        carried: Float32Array = self._counts.astype(np.float32)
        carried.flags.writeable = False
        return carried

    def snapshot(self) -> dict[str, Any]:
        """The counts as JSON values, without the empty levels at the end."""
        filled = np.flatnonzero(self._counts)
        return {"counts": self._counts[: filled[-1] + 1 if filled.size else 0].tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        counts: npt.NDArray[np.float64] = np.asarray(state["counts"], np.float64)
        if counts.ndim != 1 or counts.size > PEAK_BINS or not np.isfinite(counts).all() or (counts < 0.0).any():
            raise ValueError("counts of peaks that no stream wrote")
        self._counts = np.zeros(PEAK_BINS)
        self._counts[: counts.size] = counts
