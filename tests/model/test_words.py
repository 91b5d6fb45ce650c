"""What sounds under the words counts, and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.model.acoustic import AcousticScorer
from server.model.acoustic.words import LEAST_WORDS_ROWS, by_row, estimated_estoi, words_snr
from server.scoring.denoising import UNKNOWN_LEVELS
from server.scoring.ports import ScoreReply, ScoreRequest
from server.values.audio import Capture, CaptureSource, Float32Array
from server.values.marked import MarkedRows
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import last_window, made_rows, telemedicine

SILENT_DB = -120.0


def spoken(seconds: float, of_s: float) -> MarkedRows:
    rows = made_rows(round(of_s * 100), level=-60)
    n = round(seconds * 100)
    rows[:, Column.SPEECH] = 0.0
    rows[:n, Column.SPEECH], rows[:n, Column.LEVEL_DB] = 1.0, -30.0
    return MarkedRows(rows)


def levels(voice_db: float, noise_db: float, tenths: int, alike: float = np.nan) -> Float32Array:
    return np.tile(np.array([[voice_db, noise_db, alike]], np.float32), (tenths, 1))


def test_it_is_the_distance_of_voice_and_noise_in_the_speech() -> None:
    rows = spoken(2, 4)
    parted = np.concatenate((levels(-30, -42, 20), levels(SILENT_DB, -20, 20)))
    assert words_snr(rows, by_row(parted, 400)) == pytest.approx(12.0, abs=0.01)


def test_what_is_unknown_does_not_count() -> None:
    rows = spoken(2, 4)
    parted = levels(-30, -40, 40)
    parted[:10] = np.nan
    parted[10:20, 1] = -50
    assert words_snr(rows, by_row(parted, 400)) == pytest.approx(20.0, abs=0.01)
    assert words_snr(rows, by_row(parted[:12], 400)) is None
    assert words_snr(rows, by_row(UNKNOWN_LEVELS, 400)) is None


def test_under_half_a_second_of_speech_nothing_is_said() -> None:
    parted = by_row(levels(-30, -40, 40), 400)
    assert words_snr(spoken((LEAST_WORDS_ROWS - 1) / 100, 4), parted) is None
    assert words_snr(spoken(LEAST_WORDS_ROWS / 100, 4), parted) is not None


def test_likeness_is_the_mean_over_the_words_that_have_one() -> None:
    rows = spoken(2, 4)
    parted = np.concatenate((levels(-30, -42, 10, 0.9), levels(-30, -42, 10), levels(-30, -42, 20, 0.1)))
    assert estimated_estoi(rows, by_row(parted, 400)) == pytest.approx(0.9), "where nobody speaks, nothing is compared"
    assert estimated_estoi(rows, by_row(levels(-30, -42, 40), 400)) is None
    few = np.concatenate((levels(-30, -42, 4, 0.9), levels(-30, -42, 36)))
    assert estimated_estoi(rows, by_row(few, 400)) is None, "under half a second a syllable decides"


FILE = Capture(CaptureSource.FILE)


def reply(window: Window, parted: Float32Array, capture: Capture = FILE) -> ScoreReply:
    return AcousticScorer().score([ScoreRequest(window, telemedicine(), capture, denoised=parted)])[0]


def test_what_the_denoiser_hears_moves_the_evidence_for_a_quiet_room(mixes: Path) -> None:
    window = last_window(mixes / "027_noise_fan_ac_snr20_zh.flac")
    for heard in ("opinions", "recent"):
        quiet, loud, unknown = (
            getattr(reply(window, parted), heard)["low_background"].value
            for parted in (levels(-30, -60, 100), levels(-30, -33, 100), UNKNOWN_LEVELS)
        )
        assert quiet > 0.9
        assert unknown > 0.9
        assert loud < 0.5, "a sound that keeps to the words leaves the pauses clean"


def test_where_pauses_are_silent_what_is_taken_away_is_no_noise(mixes: Path) -> None:
    """A cough, the doctor's voice from a loudspeaker: a denoiser takes them away too."""
    window = last_window(mixes / "000_clean_en.flac")
    heard = reply(window, levels(-30, -33, 100))
    assert heard.recent["low_background"].value == 1.0
    assert heard.opinions["low_background"].value == pytest.approx(0.85, abs=0.01), "it passes, with less to spare"


def test_clipping_is_not_taken_for_noise(mixes: Path) -> None:
    window = last_window(mixes / "027_noise_fan_ac_snr20_zh.flac")
    clipped = window.rows.copy()
    clipped[:, Column.CLIPPED] = 0.02
    for parted in (levels(-30, -33, 100), levels(-30, -60, 100)):
        heard = reply(replace(window, rows=clipped), parted).opinions["low_background"]
        assert heard == reply(replace(window, rows=clipped), UNKNOWN_LEVELS).opinions["low_background"]


def test_coughs_and_faint_voices_are_no_words() -> None:
    """Of a cough that the detector took for speech nothing is left; the doctor is far under the patient."""
    rows = spoken(3, 4)
    parted = levels(-30, -60, 40)
    parted[10:15, :2] = (-50, -28)
    assert words_snr(rows, by_row(parted, 400)) == pytest.approx(30.0, abs=0.01)
    faint = rows.array.copy()
    faint[200:300, Column.LEVEL_DB] = -50.0
    parted = levels(-30, -60, 40)
    parted[20:30, :2] = (-50, -50)
    assert words_snr(MarkedRows(faint), by_row(parted, 400)) == pytest.approx(30.0, abs=0.01)
