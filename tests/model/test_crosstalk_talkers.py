"""Two talkers at once as the talker models hear them: what counts, what passes for it, what the last seconds say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.model.acoustic.crosstalk import (
    LASTING_ROWS,
    LEAST_MOS_BACKGROUND,
    LEAST_ROWS,
    LEAST_TOGETHER_ROWS,
    LEAST_TOGETHER_SNR_DB,
    LEAST_VOICES_DB,
    together_share,
)
from server.model.acoustic.names import Internal
from server.model.acoustic.ratings import ROOM_TOLD
from server.model.acoustic.scorer import readings
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Measures, Mos
from tests.model.hearing import last_window, made_rows

QUIET = Mos(3.5, 4.0, 3.3, 0)
FINE = Measures(snr_db=30.0, reverberation=0.0, mos_background=3.0)


def asked(n: int, *spans: tuple[int, int]) -> Float32Array:
    told = np.zeros(n, np.float32)
    for start, end in spans:
        told[start:end] = 1.0
    return told


def parted(n: int, *spans: tuple[int, int, float]) -> Float32Array:
    """By a denoiser: as good as nothing is taken away, but in ``spans``, which end with voice over the rest, dB."""
    levels = np.tile(np.array([-25.0, -60.0, 0.95], np.float32), (n, 1))
    for start, end, over_db in spans:
        levels[start:end, 1] = -25.0 - over_db
    return levels


def share(together: Float32Array, measures: Measures = FINE, denoised: Float32Array | None = None) -> float | None:
    rows = MarkedRows(made_rows(together.shape[0], level=-25.0, speech=0.9))
    return together_share(rows, together, measures, parted(together.shape[0]) if denoised is None else denoised)


def test_a_share_counts_what_was_asked_about() -> None:
    told = asked(1000, (100, 300))
    assert share(told) == pytest.approx(0.2)
    told[500:] = -1.0
    assert share(told) == pytest.approx(0.4)
    told[LEAST_ROWS - 1 :] = -1.0
    assert share(told) is None
    assert share(np.zeros(0, np.float32)) is None


def test_the_moment_in_which_turns_change_is_not_two_at_once() -> None:
    changes = [(at, at + LASTING_ROWS - 1) for at in range(100, 900, 200)]
    assert share(asked(1000, *changes)) == 0.0
    lasting = [(at, at + LASTING_ROWS) for at in range(100, 900, 200)]
    assert share(asked(1000, *lasting)) == pytest.approx(4 * LASTING_ROWS / 1000)


def test_a_short_silence_between_words_does_not_end_it() -> None:
    told = asked(1000, (100, 130), (135, 230))
    assert share(told) == pytest.approx(0.13)


def test_a_cough_is_over_before_a_second_talker_is_believed() -> None:
    assert share(asked(300, (100, 100 + LEAST_TOGETHER_ROWS))) == pytest.approx(LEAST_TOGETHER_ROWS / 300)
    assert share(asked(300, (100, 100 + LEAST_TOGETHER_ROWS - 1))) == 0.0


def test_what_a_denoiser_takes_away_is_no_second_voice() -> None:
    """A laugh over the words lasts for 3 s, and sounds like a second talker to who tells talkers apart."""
    told = asked(1000, (100, 400))
    assert share(told, denoised=parted(1000, (100, 400, LEAST_VOICES_DB + 0.1))) == pytest.approx(0.3)
    assert share(told, denoised=parted(1000, (100, 400, LEAST_VOICES_DB - 0.1))) == 0.0


def test_a_cough_beside_a_second_talker_takes_nothing_from_it() -> None:
    told = asked(1000, (100, 300), (600, 800))
    assert share(told, denoised=parted(1000, (100, 300, -6.0))) == pytest.approx(0.2)


def test_without_a_denoiser_two_at_once_count_as_they_are_told() -> None:
    assert share(asked(1000, (100, 400)), denoised=np.full((1000, 3), np.nan, np.float32)) == pytest.approx(0.3)


def test_it_is_absent_where_noise_a_room_or_a_television_passes_for_a_talker() -> None:
    told = asked(1000, (0, 500))
    assert share(told) == 0.5
    assert share(told, replace(FINE, snr_db=LEAST_TOGETHER_SNR_DB - 0.1)) is None
    assert share(told, replace(FINE, snr_db=None)) is None
    assert share(told, replace(FINE, mos_background=LEAST_MOS_BACKGROUND - 0.1)) is None
    assert share(told, replace(FINE, reverberation=ROOM_TOLD)) is None
    assert share(told, replace(FINE, reverberation=None)) == 0.5


def test_the_last_seconds_tell_as_far_as_the_whole_window_bears_it_out(mixes: Path) -> None:
    window = last_window(mixes / "001_clean_zh.flac")
    n = window.rows.shape[0]
    latest = asked(n, (n - 500, n - 100))
    latest[n - 100 :] = -1.0
    whole, recent = readings(window, QUIET, together=latest)
    assert 0.3 < whole.values[Internal.TOGETHER] < 0.6
    assert recent.values[Internal.TOGETHER] == whole.values[Internal.TOGETHER]
    earlier = asked(n, (0, 400))
    whole, recent = readings(window, QUIET, together=earlier)
    assert whole.values[Internal.TOGETHER] > 0.3
    assert recent.values[Internal.TOGETHER] == 0.0


def test_before_dnsmos_and_without_talker_models_nothing_is_told(mixes: Path) -> None:
    window = last_window(mixes / "001_clean_zh.flac")
    told = asked(window.rows.shape[0], (0, 400))
    for found in (readings(window, None, together=told), readings(window, QUIET)):
        assert all(Internal.TOGETHER not in reading.values for reading in found)
