"""Two talkers at once as the talker models hear them: what counts, what passes for it, what the last seconds say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from server.model.acoustic.crosstalk import (
    LASTING_ROWS,
    LEAST_MOS_BACKGROUND,
    LEAST_ROWS,
    LEAST_TOGETHER_SNR_DB,
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


def share(together: Float32Array, measures: Measures = FINE) -> float | None:
    return together_share(MarkedRows(made_rows(together.shape[0], level=-25.0, speech=0.9)), together, measures)


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
    assert share(asked(1000, (100, 100 + LASTING_ROWS))) == pytest.approx(LASTING_ROWS / 1000)


def test_a_short_silence_between_words_does_not_end_it() -> None:
    told = asked(1000, (100, 130), (135, 160))
    assert share(told) == pytest.approx(0.06)


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
