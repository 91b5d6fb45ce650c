"""Coughs between clean words say nothing of the room, the pace or the level of the voice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.model.acoustic import AcousticScorer
from server.model.acoustic.levels import noise, speech_level
from server.model.acoustic.names import Internal
from server.model.acoustic.outbursts import CLEAN_WORDS_DB, no_words, noise_beside_words
from server.model.acoustic.ratings import trusted_mos
from server.model.acoustic.speech import syllable_rate
from server.model.acoustic.words import by_row
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Capture, CaptureSource, Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Measures
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import last_window, made_rows, telemedicine


def spoken() -> Float32Array:
    """Six seconds of speech at -30 dBFS, then four of a room at -65."""
    rows = made_rows(1000, level=-65)
    rows[:, Column.SPEECH] = 0.0
    rows[:600, Column.SPEECH], rows[:600, Column.LEVEL_DB] = 1.0, -30.0
    return rows


def parted(words_db: float, n: int = 1000) -> Float32Array:
    return by_row(np.tile(np.array([[-30.0, -30.0 - words_db, np.nan]], np.float32), (n // 10, 1)), n)


def test_a_cough_in_a_pause_counts_by_what_lasts_of_it_where_words_are_clean() -> None:
    coughing = spoken()
    coughing[700:780, Column.LEVEL_DB] = -25.0
    rows = MarkedRows(coughing)
    room = noise(rows)
    assert room is not None
    clean, unclean = (no_words(rows, parted(db), db) for db in (CLEAN_WORDS_DB, CLEAN_WORDS_DB - 0.1))
    assert clean is not None
    assert unclean is None
    assert noise_beside_words(rows, room, unclean) == (room.mean_db, False)
    heard, outburst = noise_beside_words(rows, room, clean)
    assert heard == pytest.approx(-53.0, abs=0.1), "12 dB over the quietest tenth, not -32"
    assert outburst
    assert room.mean_db == pytest.approx(-32.0, abs=0.5)


def test_noise_that_lasts_counts_whole_beside_clean_words() -> None:
    rows = MarkedRows(spoken())
    room = noise(rows)
    assert room is not None
    assert noise_beside_words(rows, room, no_words(rows, parted(30), 30.0)) == (room.mean_db, False)
    assert noise_beside_words(rows, None, no_words(rows, parted(30), 30.0)) == (None, False)


def test_a_cough_that_a_detector_took_for_speech_is_no_speech() -> None:
    array = spoken()
    array[:, Column.SYLLABLE_DB] = np.where(np.arange(1000) % 25 < 12, -30.0, -60.0)
    array[200:260, Column.LEVEL_DB], array[200:260, Column.SYLLABLE_DB] = -12.0, -60.0
    array[200:260:6, Column.SYLLABLE_DB] = -12.0
    levels = parted(30)
    levels[200:260, :2] = (-50.0, -12.0)
    rows = MarkedRows(array)
    taken = no_words(rows, levels, 30.0)
    assert taken is not None
    assert np.flatnonzero(taken).tolist() == [*range(200, 260)]
    assert speech_level(rows, taken) == pytest.approx(-30.0, abs=0.1)
    with_cough = speech_level(rows)
    assert with_cough is not None
    assert with_cough > -25.0
    without = np.delete(array, np.s_[200:260], 0)
    assert syllable_rate(rows, taken) == pytest.approx(syllable_rate(MarkedRows(without)), rel=0.06)
    assert noise_beside_words(rows, noise(rows), taken)[1], "0.6 s of it"


def test_ends_of_words_that_a_noise_covers_are_speech() -> None:
    array = spoken()
    array[300:330, Column.LEVEL_DB] = -52.0
    levels = parted(30)
    levels[300:330, :2] = (-62.0, -52.0)
    taken = no_words(MarkedRows(array), levels, 30.0)
    assert taken is not None
    assert not taken.any()


def test_a_rating_that_a_cough_has_lowered_tells_neither_room_nor_residue() -> None:
    rated = Measures(snr_db=20.0, mos_signal=3.0, mos_background=2.0, mos_overall=2.0, clipping_ratio=0.0)
    told = trusted_mos(MarkedRows(spoken()), rated, echoing=False, outburst=False)
    assert told.keys() >= {Internal.TRUSTED_MOS_BACKGROUND, Internal.RESIDUE_MOS}
    assert trusted_mos(MarkedRows(spoken()), rated, echoing=False, outburst=True) == {}


def reply(window: Window, words_db: float) -> ScoreReply:
    levels = np.tile(np.array([[-30.0, -30.0 - words_db, np.nan]], np.float32), (100, 1))
    asked = ScoreRequest(window, telemedicine(), Capture(CaptureSource.FILE), denoised=levels)
    return AcousticScorer().score([asked])[0]


def test_a_cough_in_the_pauses_of_clean_words_fails_no_label_and_under_noisy_ones_it_does(mixes: Path) -> None:
    window = last_window(mixes / "000_clean_en.flac")
    rows = window.rows.copy()
    pauses = np.flatnonzero(MarkedRows(rows).pause)
    rows[pauses[:70], Column.LEVEL_DB] = -20.0
    coughing = replace(window, rows=rows)
    for label in ("low_background", "intelligible"):
        clean, noisy = (reply(coughing, db).opinions[label].value for db in (25.0, 8.0))
        assert clean is not None
        assert noisy is not None
        assert clean >= 0.9
        assert noisy < 0.7
    levels = [told.measures.snr_db for db in (25.0, 8.0) if (told := reply(coughing, db)).measures is not None]
    assert levels[0] is not None
    assert levels[1] is not None
    assert levels[0] > levels[1] + 10
