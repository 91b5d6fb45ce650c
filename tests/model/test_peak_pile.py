"""Clipping that was turned down afterwards shows as a ceiling of the level, and a few vowels at one level do not."""

from dataclasses import replace

import numpy as np
import pytest

from server.model.acoustic.loudness import carried_pile, peak_pile
from server.model.acoustic.names import Internal
from server.model.acoustic.scorer import readings
from server.stream.peaks import SpeechPeaks
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.rows import Column
from server.values.windows import PEAK_BINS, Window
from tests.model.hearing import RATE, made_rows

CEILING = 0.045
"""`peak_pile` at which `no_clipping` fails (labels/telemedicine.toml)."""


def talking(seed: int, n: int) -> Float32Array:
    """Rows of speech: vowels of 80–200 ms, each at a level of its own, the louder the rarer."""
    rng = np.random.default_rng(seed)
    rows = made_rows(n, level=-30, speech=0.99)
    at = 0
    while at < n:
        length = int(rng.integers(8, 21))
        rows[at : at + length, Column.PEAK] = 10 ** ((rng.normal(-26, 5) + rng.normal(0, 0.7, length)[: n - at]) / 20)
        at += length
    rows[:, Column.PEAK] = np.minimum(rows[:, Column.PEAK], 0.9)
    return rows


def one_level(rows: Float32Array, start: int) -> None:
    """From row ``start`` on two thirds of the vowels are as loud as each other."""
    rows[start:, Column.PEAK] = np.where(np.arange(rows.shape[0] - start) % 45 < 30, 0.2, 0.03)


def window_of(rows: Float32Array) -> Window:
    return Window(0, 10 * RATE, RATE, False, rows, np.zeros(10 * RATE, np.float32))


def test_the_last_four_seconds_alone_prove_no_ceiling() -> None:
    rows = talking(1, 1000)
    rows[:600, Column.PEAK] *= 2.0
    one_level(rows, 600)
    whole, recent = readings(window_of(rows), None)
    assert recent.values[Internal.PEAK_PILE] == whole.values[Internal.PEAK_PILE] < CEILING


def test_a_ceiling_of_the_whole_window_counts_in_recent_too() -> None:
    rows = talking(1, 1000)
    rows[:, Column.PEAK] = np.minimum(4 * rows[:, Column.PEAK], 0.2)
    assert readings(window_of(rows), None)[1].values[Internal.PEAK_PILE] > CEILING


@pytest.mark.parametrize("rows", [250, 399])
def test_under_four_seconds_of_speech_no_ceiling_is_known(rows: int) -> None:
    assert peak_pile(MarkedRows(talking(1, rows))) is None
    assert peak_pile(MarkedRows(talking(1, 400))) is not None


def test_a_ceiling_that_the_session_before_does_not_show_is_not_in_recent() -> None:
    """Ten seconds of one talker may look like a ceiling; half a minute does not."""
    rows = talking(1, 1000)
    rows[:, Column.PEAK] = np.minimum(4 * rows[:, Column.PEAK], 0.2)
    before, peaks = SpeechPeaks(), np.zeros(0, np.float32)
    loud = talking(2, 3000)
    loud[:, Column.PEAK] *= 1.5
    for at in range(0, 3000, 100):
        peaks = before.advance(loud[at : at + 100])
    whole, recent = readings(replace(window_of(rows), carried_peaks=peaks), None)
    assert recent.values[Internal.PEAK_PILE] < CEILING < whole.values[Internal.PEAK_PILE]


def test_a_ceiling_of_the_whole_session_is_carried() -> None:
    rows = talking(1, 3000)
    rows[:, Column.PEAK] = np.minimum(4 * rows[:, Column.PEAK], 0.2)
    carried = SpeechPeaks()
    for at in range(0, 3000, 100):
        counts = carried.advance(rows[at : at + 100])
    found, alone = carried_pile(counts), peak_pile(MarkedRows(rows))
    assert found is not None
    assert alone is not None
    assert abs(found - alone) < 0.05


def test_four_seconds_of_speech_make_the_carried_ceiling_known() -> None:
    carried = SpeechPeaks()
    assert [carried_pile(carried.advance(talking(at, 100))) is None for at in range(6)] == [True] * 4 + [False] * 2


def test_the_carried_peaks_forget_a_loud_start() -> None:
    carried = SpeechPeaks()
    loud, usual = made_rows(100, level=-20, speech=0.99), made_rows(100, level=-40, speech=0.99)
    first = float(carried.advance(loud).sum())
    for _ in range(60):
        counts = carried.advance(usual)
    assert float(counts[: PEAK_BINS // 3].sum()) < 0.2 * first


def test_what_is_not_the_patients_speech_is_not_counted() -> None:
    carried = SpeechPeaks()
    rows = made_rows(100, level=-20, speech=0.99)
    rows[:, Column.FAR_END] = 1.0
    assert carried.advance(rows).sum() == carried.advance(made_rows(100, level=-20)).sum() == 0.0
