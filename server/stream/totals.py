"""Statistics of a whole recording in bounded memory: histograms of levels and sums over rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.measures import RecordingTotals
from server.values.rows import (
    MIN_PAUSE_ROWS,
    N_COLUMNS,
    BoolArray,
    Column,
    dropout_runs,
    is_far_end,
    is_gap,
    is_pause,
    is_silent,
    is_speech,
    runs,
    usual_peak,
)
from server.values.stored import amount, count, counts

BINS = 256
BIN_DB = 0.5
BOTTOM_DB = -120.0

EDGE_ROWS = 2
"""Rows kept before an open run of zeros; ``dropout_runs`` looks at the rows beside a run."""

LONGEST_OPEN_ROWS = 300
"""An open run of zeros is remembered for up to 3 s; a longer one counts as 3 s."""


def level_histogram(levels: Float32Array) -> npt.NDArray[np.int64]:
    """Rows per half decibel, int64 ``(256,)``; bin ``i`` holds ``[-120 + i/2, -120 + (i+1)/2)``, ends clamped."""
    bins = np.clip(((levels - BOTTOM_DB) / BIN_DB).astype(np.int64), 0, BINS - 1)
    return np.bincount(bins, minlength=BINS).astype(np.int64)


class Totals:
    """Sums over all rows of a recording, advanced once per hop; ``freeze`` may be called at any time."""

    def __init__(self) -> None:
        self._speech_levels = np.zeros(BINS, np.int64)
        self._pause_levels = np.zeros(BINS, np.int64)
        self._rows = 0
        self._speech_rows = 0
        self._clipped = 0.0
        self._dropout_rows = 0
        self._gap_rows = 0
        self._far_end_rows = 0
        self._pause_count = 0
        self._longest_pause_rows = 0
        self._pause_rows = 0
        self._silence: int | None = None
        self._edge = np.zeros((0, N_COLUMNS), np.float32)
        self._open_zeros = 0
        self._usual_peak: float | None = None

    def add(self, rows: Float32Array) -> None:
        """Take the rows of one hop, float32 ``(r, N_COLUMNS)``."""
        if rows.shape[0] == 0:
            return
        speech = is_speech(rows)
        gap = is_gap(rows)
        self._rows += rows.shape[0]
        self._speech_rows += int(np.count_nonzero(speech))
        self._gap_rows += int(np.count_nonzero(gap))
        far_end = is_far_end(rows) & ~gap
        self._far_end_rows += int(np.count_nonzero(far_end))
        self._clipped += float(rows[~gap & ~far_end, Column.CLIPPED].astype(np.float64).sum())
        self._speech_levels += level_histogram(rows[speech & ~gap & ~is_silent(rows), Column.LEVEL_DB])
        self._pause_levels += level_histogram(rows[is_pause(rows), Column.LEVEL_DB])
        self._add_silences(speech, gap | far_end)
        self._add_dropouts(rows)

    def _add_silences(self, speech: BoolArray, absent: BoolArray) -> None:
        """Count the silences that end in this hop.

        Silence before the first speech, silence that never ends and silence with an ``absent`` row (lost, or the far
        end's) do not count as pauses.
        """
        if speech[0]:
            self._end_silence()
        for start, end in runs(~speech):
            before = 0 if start > 0 else self._silence
            self._silence = None if before is None or absent[start:end].any() else before + int(end - start)
            if end < speech.shape[0]:
                self._end_silence()
        if speech[-1]:
            self._silence = 0

    def _end_silence(self) -> None:
        if self._silence is not None and self._silence >= MIN_PAUSE_ROWS:
            self._pause_count += 1
            self._pause_rows += self._silence
            self._longest_pause_rows = max(self._longest_pause_rows, self._silence)
        self._silence = 0

    def _add_dropouts(self, rows: Float32Array) -> None:
        """Count the dropouts that end in this hop; a run of zeros at its end is carried into the next."""
        usual = usual_peak(rows)
        self._usual_peak = self._usual_peak if usual is None else usual
        zeros = np.zeros((self._open_zeros, N_COLUMNS), np.float32)
        zeros[:, Column.ZERO] = 1.0
        joined = np.concatenate((self._edge, zeros, rows))
        silent = is_silent(joined)
        if self._usual_peak is not None and silent.any():
            self._dropout_rows += int(np.diff(dropout_runs(joined, self._usual_peak), axis=1).sum())
        sounding = np.flatnonzero(~silent)
        last = int(sounding[-1]) + 1 if sounding.size else 0
        self._open_zeros = min(joined.shape[0] - last, LONGEST_OPEN_ROWS)
        self._edge = joined[max(0, last - EDGE_ROWS) : last].copy()

    def freeze(self) -> RecordingTotals:
        """The totals so far; later ``add`` calls do not change what was returned."""
        return RecordingTotals(
            rows=self._rows,
            speech_rows=self._speech_rows,
            speech_levels=self._speech_levels.copy(),
            pause_levels=self._pause_levels.copy(),
            clipped=self._clipped,
            dropout_rows=self._dropout_rows,
            gap_rows=self._gap_rows,
            far_end_rows=self._far_end_rows,
            pause_count=self._pause_count,
            longest_pause_rows=self._longest_pause_rows,
            pause_rows=self._pause_rows,
        )

    def snapshot(self) -> dict[str, Any]:
        """Sums, pauses, histograms and what is still open at the edge, as JSON values."""
        return {
            "sums": [self._rows, self._speech_rows, self._clipped, self._dropout_rows],
            "absent": [self._gap_rows, self._far_end_rows],
            "pauses": [self._pause_count, self._longest_pause_rows, self._pause_rows, self._silence],
            "speech_levels": self._speech_levels.tolist(),
            "pause_levels": self._pause_levels.tolist(),
            "edge": self._edge.tolist(),
            "open_zeros": self._open_zeros,
            "usual_peak": self._usual_peak,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        rows, speech_rows, clipped, dropout_rows = state["sums"]
        self._rows, self._speech_rows, self._dropout_rows = counts((rows, speech_rows, dropout_rows))
        self._clipped = amount(clipped)
        self._gap_rows, self._far_end_rows = counts(state["absent"])
        *pauses, silence = state["pauses"]
        self._pause_count, self._longest_pause_rows, self._pause_rows = counts(pauses)
        self._silence = None if silence is None else count(silence)
        self._speech_levels = np.asarray(counts(state["speech_levels"]), np.int64).reshape(BINS)
        self._pause_levels = np.asarray(counts(state["pause_levels"]), np.int64).reshape(BINS)
        self._edge = np.asarray(state["edge"], np.float32).reshape(-1, N_COLUMNS)
        open_zeros, usual = count(state["open_zeros"]), state["usual_peak"]
        if open_zeros > LONGEST_OPEN_ROWS:
            raise ValueError(f"{open_zeros} open rows of zeros")
        self._open_zeros = open_zeros
        self._usual_peak = None if usual is None else amount(usual)
