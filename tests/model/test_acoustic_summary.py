"""Measures of a whole recording."""

import numpy as np
import pytest

from server.model.acoustic import summarise
from server.stream.totals import Totals
from server.values.measures import Measures
from server.values.rows import Column
from tests.model.hearing import made_rows


def totals(speech_db: float = -25, noise_db: float = -60, *, gaps: int = 0) -> Totals:
    made = Totals()
    for _ in range(10):
        rows = made_rows(100, level=noise_db)
        rows[20:70, Column.SPEECH] = 0.9
        rows[20:70, Column.LEVEL_DB] = speech_db
        rows[:, Column.CLIPPED] = 0.002
        rows[100 - gaps :, Column.GAP] = 1 if gaps else 0
        made.add(rows)
    return made


def test_levels_come_from_all_rows_within_half_a_decibel() -> None:
    measured = summarise(totals().freeze(), [])
    assert measured.speech_dbfs == pytest.approx(-25, abs=0.5)
    assert measured.noise_dbfs == pytest.approx(-60, abs=0.5)
    assert measured.snr_db == pytest.approx(35, abs=1)
    assert measured.speech_ratio == pytest.approx(0.5)


def test_clipping_is_counted_over_what_arrived() -> None:
    assert summarise(totals(gaps=10).freeze(), []).clipping_ratio == pytest.approx(0.002)


def test_what_only_windows_tell_is_the_median_weighted_by_speech() -> None:
    windows = [
        (Measures(speech_rate_sps=3.0, noise_dbfs=-60), 1.0),
        (Measures(speech_rate_sps=5.0, noise_dbfs=-60), 9.0),
        (Measures(noise_dbfs=-60), 9.0),
    ]
    assert summarise(totals().freeze(), windows).speech_rate_sps == 5.0


def test_what_processing_hid_from_every_window_stays_hidden() -> None:
    measured = summarise(totals().freeze(), [(Measures(clipping_ratio=0.0), 5.0)])
    assert measured.snr_db is None
    assert measured.noise_dbfs is None
    assert measured.speech_dbfs is None


def test_an_empty_recording_has_no_measures() -> None:
    assert summarise(Totals().freeze(), []) == Measures()


def test_a_recording_without_speech_has_noise_but_no_snr() -> None:
    made = Totals()
    made.add(made_rows(500, level=-50))
    measured = summarise(made.freeze(), [])
    assert measured.snr_db is None
    assert measured.pauses is None
    assert measured.noise_dbfs == pytest.approx(-50, abs=0.5)
    assert np.isfinite(measured.noise_dbfs or 0)
