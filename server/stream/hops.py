"""The rows of a stream, computed once per hop, and all sums over them."""

from typing import Any

import numpy as np

from server.stream.features import HopFeatures
from server.stream.noise_floor import NoiseFloor
from server.stream.peaks import SpeechPeaks
from server.stream.ring import Ring
from server.stream.totals import Totals
from server.values.audio import Float32Array
from server.values.measures import RecordingTotals
from server.values.rows import N_COLUMNS, ROW_RATE, BoolArray, Column
from server.values.stored import count, number
from server.values.windows import PEAK_BINS, WINDOW_S

_DECIBELS = [Column.LEVEL_DB, Column.SYLLABLE_DB, Column.LOW_DB, Column.HIGH_DB]
_TOTALS_BLOCK = 60

KEPT_ROWS = (WINDOW_S - 1) * ROW_RATE
"""Rows that the next window shares with the past: what a snapshot must carry."""


def idle_rows(hops: int) -> Float32Array:
    """Rows of hops in an idle gap: silent, lost; float32 ``(100 * hops, N_COLUMNS)``."""
    rows = np.zeros((hops * ROW_RATE, N_COLUMNS), np.float32)
    rows[:, _DECIBELS] = -120.0
    rows[:, [Column.ZERO, Column.GAP]] = 1.0
    rows[:, Column.OVERLAP] = -1.0
    return rows


class HopRows:
    """Features, noise floor and totals of one stream, and the rows of its last 10 s.

    ``advance`` or ``advance_idle`` once per hop, in order; ``window`` cuts rows. With memory: ``snapshot``/``restore``.
    """

    def __init__(self) -> None:
        self._features = HopFeatures()
        self._floor = NoiseFloor()
        self._totals = Totals()
        self._rows = Ring(WINDOW_S * ROW_RATE, N_COLUMNS)
        self._peaks = SpeechPeaks()
        self.carried_noise_db: float | None = None
        self.carried_peaks: Float32Array = np.zeros(PEAK_BINS, np.float32)

    @property
    def end(self) -> int:
        """Rows made so far."""
        return self._rows.end

    def advance(
        self,
        pcm: Float32Array,
        speech: Float32Array,
        input_rows: Float32Array,
        overlap: Float32Array,
        far_end: BoolArray,
        lost: Float32Array,
    ) -> None:
        """One hop: see HopFeatures.advance for the arrays; ``overlap``, ``far_end``, ``lost``: ``(r,)``, the last
        columns."""
        rows = self._features.advance(pcm, speech, input_rows)
        rows[:, Column.OVERLAP] = np.where(far_end, -1.0, overlap)
        rows[:, Column.FAR_END] = far_end
        rows[:, Column.LOSS] = lost
        self.carried_noise_db = self._floor.advance(rows)
        self.carried_peaks = self._peaks.advance(rows)
        self._totals.add(rows)
        self._rows.write(rows)

    def repeat(self) -> None:
        """One hop that is as the one before, which was whole; features do not see it."""
        rows = self._rows.read(self._rows.end - ROW_RATE, self._rows.end)
        self.carried_noise_db = self._floor.advance(rows)
        self.carried_peaks = self._peaks.advance(rows)
        self._totals.add(rows)
        self._rows.write(rows)

    def advance_idle(self, hops: int) -> None:
        """Any number of hops in an idle gap; features and noise floor do not see them."""
        for done in range(0, hops, _TOTALS_BLOCK):
            self._totals.add(idle_rows(min(_TOTALS_BLOCK, hops - done)))
        shown = min(hops, WINDOW_S)
        if hops > shown:
            self._rows.forget(self._rows.end + (hops - shown) * ROW_RATE)
        self._rows.write(idle_rows(shown))

    def window(self, first_row: int) -> Float32Array:
        """Rows from ``first_row`` to the newest, read-only float32 ``(n, N_COLUMNS)``; at most 10 s."""
        return self._rows.read(first_row, self._rows.end)

    def totals(self) -> RecordingTotals:
        """Sums over all rows so far; they do not change as the stream goes on."""
        return self._totals.freeze()

    def snapshot(self) -> tuple[dict[str, Any], Float32Array]:
        """(JSON-able memory, rows of the last 9 s: float32 ``(n, N_COLUMNS)``)."""
        end = self._rows.end
        state = {
            "features": self._features.snapshot(),
            "floor": self._floor.snapshot(),
            "peaks": self._peaks.snapshot(),
            "totals": self._totals.snapshot(),
            "carried_noise_db": self.carried_noise_db,
            "end": end,
        }
        return state, self._rows.read(max(0, end - KEPT_ROWS), end)

    def restore(self, state: dict[str, Any], rows: Float32Array) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        end = count(state["end"])
        if rows.shape != (min(end, KEPT_ROWS), N_COLUMNS):
            raise ValueError(f"{rows.shape[0]} rows kept of {end}")
        self._features.restore(state["features"])
        self._floor.restore(state["floor"])
        self._peaks.restore(state["peaks"])
        self._totals.restore(state["totals"])
        carried = state["carried_noise_db"]
        self.carried_noise_db = None if carried is None else number(carried)
        self._rows.forget(end - rows.shape[0])
        self._rows.write(rows)
