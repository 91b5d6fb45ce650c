"""Feature rows of one stream: 100 per second, made once per hop from the 16 kHz signal.

Sans-IO and causal: a row depends on samples up to its end only, so rows cannot depend on how audio was chunked.
"""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array
from server.values.high_pass import HighPass
from server.values.rows import N_COLUMNS, ROW_RATE, Column
from server.values.stretches import stretches

ROW_SAMPLES = CORE_RATE // ROW_RATE
"""Samples of one row at 16 kHz: 160 (10 ms)."""

FRAME_SAMPLES = 400
"""Spectral frame: 25 ms Hann, ending with the row (the usual frame of speech features)."""

FFT_SIZE = 512

FLOOR_DB = -120.0

HIGH_PASS_HZ, HIGH_PASS_ORDER = 65.0, 3
"""Direct current and rumble are left out of levels, and of mains hum most of its fundamental: to hear 50 Hz takes 40 dB
more than 1 kHz (ISO 226), and a handset's loudspeaker does not play it. The harmonics of a hum stay in."""

FLUX_EDGES_HZ = (100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400)
"""Bark band edges from 100 Hz (Zwicker 1961); up to 4.4 kHz, so that a narrow band changes the flux little."""

FLUX_FLOOR_DB = -90.0
"""Band energies below this are quantisation noise of 16-bit audio; their flicker is not spectral change."""

_HISTORY = FRAME_SAMPLES - ROW_SAMPLES
_INPUT_COLUMNS = slice(Column.PEAK, Column.GAP + 1)


@cache
def _band_matrix() -> Float32Array:
    """Weights from a power spectrum to mean squares: the three energy columns, then the flux bands."""
    frequencies = np.fft.rfftfreq(FFT_SIZE, 1 / CORE_RATE)
    bands = [(300.0, 2500.0), (100.0, 1000.0), (4000.0, 7500.0)]
    bands += list(pairwise(FLUX_EDGES_HZ))
    window = _window()
    # Parseval: a one-sided power spectrum sums to the windowed mean square times FFT_SIZE * sum(w^2) / 2.
    scale = 2.0 / (FFT_SIZE * float(np.sum(window.astype(np.float64) ** 2)))
    weights = [(frequencies >= low) & (frequencies < high) for low, high in bands]
    return np.asarray(np.array(weights, np.float64).T * scale, np.float32)


@cache
def _window() -> Float32Array:
    return np.hanning(FRAME_SAMPLES + 1)[:-1].astype(np.float32)


def _decibels(mean_square: npt.NDArray[np.floating[Any]]) -> Float32Array:
    return np.maximum(np.asarray(10.0 * np.log10(np.maximum(mean_square, 1e-12)), np.float32), np.float32(FLOOR_DB))


class HopFeatures:
    """Makes the rows of one stream, hop by hop; keeps the high-pass filter's state and 15 ms of history.

    Call ``advance`` once per hop, in order; ``snapshot``/``restore`` carry the memory as JSON-able values.
    """

    def __init__(self) -> None:
        self._high_pass = HighPass(HIGH_PASS_ORDER, HIGH_PASS_HZ)
        self._history = np.zeros(_HISTORY, np.float32)
        self._last_bands: Float32Array | None = None

    def advance(self, pcm: Float32Array, speech: Float32Array, input_rows: Float32Array) -> Float32Array:
        """Rows of one hop: float32 ``(r, N_COLUMNS)`` with ``r = n // 160``.

        ``pcm``: float32 ``(n,)`` at 16 kHz, -1..1, unlevelled, any direct current still in it; samples beyond the last
        whole row (only at a stream's end) are left out. ``speech``: float32 ``(r,)``, probabilities 0..1.
        ``input_rows``: float32 ``(r, 5)``, the columns PEAK, CLIPPED, ZERO, DC, GAP.
        """
        r = pcm.shape[0] // ROW_SAMPLES
        assert speech.shape == (r,), (speech.shape, r)
        assert input_rows.shape == (r, 5), (input_rows.shape, r)
        rows = np.zeros((r, N_COLUMNS), np.float32)
        if r == 0:
            return rows
        filtered = self._high_pass(pcm[: r * ROW_SAMPLES])
        rows[:, Column.LEVEL_DB] = _decibels(np.mean(np.square(filtered.reshape(r, ROW_SAMPLES)), axis=1))
        rows[:, Column.SPEECH] = speech
        rows[:, _INPUT_COLUMNS] = input_rows
        bands = self._band_levels(filtered)
        rows[:, Column.SYLLABLE_DB] = bands[:, 0]
        rows[:, Column.LOW_DB] = bands[:, 1]
        rows[:, Column.HIGH_DB] = bands[:, 2]
        rows[:, Column.FLUX] = self._flux(np.maximum(bands[:, 3:], FLUX_FLOOR_DB))
        return rows

    def _band_levels(self, filtered: Float32Array) -> Float32Array:
        """Band energies of the frames that end with each row, dB, float32 ``(r, 3 + flux bands)``."""
        joined = np.concatenate((self._history, filtered))
        self._history = joined[-_HISTORY:].copy()
        frames = stretches(joined, FRAME_SAMPLES, ROW_SAMPLES) * _window()
        spectrum = fft.rfft(frames, FFT_SIZE, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        return _decibels(power @ _band_matrix())

    def _flux(self, bands: Float32Array) -> Float32Array:
        before = bands[0] if self._last_bands is None else self._last_bands
        change = np.abs(np.diff(bands, axis=0, prepend=before[np.newaxis]))
        self._last_bands = bands[-1].copy()
        return np.asarray(change.mean(axis=1), np.float32)

    def snapshot(self) -> dict[str, Any]:
        """The filter, the tail of the last hop and its last spectrum, as JSON values."""
        return {
            "filter": self._high_pass.snapshot(),
            "history": self._history.tolist(),
            "bands": None if self._last_bands is None else self._last_bands.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        self._high_pass.restore(state["filter"])
        self._history = np.asarray(state["history"], np.float32).reshape(_HISTORY)
        bands = state["bands"]
        self._last_bands = None if bands is None else np.asarray(bands, np.float32).reshape(len(FLUX_EDGES_HZ) - 1)
