"""Thresholds follow the harm to what is heard, not the count of samples or the level alone."""

import numpy as np
import pytest

from server.model.acoustic.measures import read, stretches
from server.model.acoustic.names import Internal
from server.model.acoustic.opinions import opinion
from server.model.acoustic.ratings import trusted_mos
from server.values.audio import Basis
from server.values.measures import Measures, Mos
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import RATE, made_rows, telemedicine


def evidence(label_id: str, **values: float) -> float:
    label = next(label for label in telemedicine().labels if label.id == label_id)
    heard = opinion(label, {"speech_dbfs": -25.0, **values}, basis=Basis.ROOM)
    assert heard is not None
    assert heard.value is not None
    return heard.value


@pytest.mark.parametrize(
    ("ratio", "passes"), [(12 / (13 * RATE), True), (0.0003, True), (0.0009, False), (0.005, False)]
)
def test_a_handful_of_clipped_samples_passes_and_audible_clipping_fails(ratio: float, passes: bool) -> None:
    assert (evidence("no_clipping", clipping_ratio=ratio) >= 0.7) is passes


@pytest.mark.parametrize(("echo", "passes"), [(0.5, True), (0.58, True), (0.63, False), (0.96, False)])
def test_direct_sound_well_over_its_tail_is_no_echo(echo: float, passes: bool) -> None:
    """The line lies between a C50 of 8 and 10 dB; tests/model/test_rooms.py has rooms."""
    assert (evidence("low_reverberation", reverberation=echo) >= 0.7) is passes


def close_enough(speech_db: float, noise_db: float) -> float:
    rows = made_rows(1000, level=noise_db)
    for start in range(50, 1000, 200):
        rows[start : start + 140, Column.SPEECH] = 0.99
        rows[start : start + 140, Column.LEVEL_DB] = speech_db
    window = Window(0, 10 * RATE, RATE, False, rows, np.zeros(10 * RATE, np.float32))
    return evidence("close_enough", **read(stretches(window, 400)[0]).values)


@pytest.mark.parametrize(
    ("speech_db", "noise_db", "passes"),
    [(-41, -90, True), (-46, -92.5, True), (-46, -75, False), (-52, -110, False), (-42, -68, False), (-38, -60, True)],
)
def test_a_quiet_voice_passes_if_it_can_be_turned_up_without_its_noise(
    speech_db: float, noise_db: float, passes: bool
) -> None:
    assert (close_enough(speech_db, noise_db) >= 0.7) is passes


def test_hard_clipping_is_not_called_noise_beside() -> None:
    """DNSMOS hears the distortion as background; `move_back` is the cause alone."""
    rows = made_rows(1000, level=-60)
    rows[100:800, Column.SPEECH] = 0.99
    rows[100:800, Column.LEVEL_DB] = -20
    rows[:, Column.CLIPPED] = 0.02
    window = Window(0, 10 * RATE, RATE, False, rows, np.zeros(10 * RATE, np.float32))
    values = read(stretches(window, 400)[0], mos=Mos(2.0, 1.5, 1.5, 10 * RATE)).values
    assert not {Internal.TRUSTED_MOS_BACKGROUND, Internal.UNPAUSED_MOS_BACKGROUND} & set(values)


@pytest.mark.parametrize(("speech_s", "passes"), [(0.75, False), (0.9, True), (5.0, True)])
def test_a_bark_in_the_best_window_is_nobody_speaking(speech_s: float, passes: bool) -> None:
    assert (evidence("speech_present", speech_s=speech_s) >= 0.7) is passes


@pytest.mark.parametrize(
    ("ratio", "least", "most"), [(0.005, 0.5, 0.7), (0.01, 0.4, 0.55), (0.02, 0.35, 0.45), (0.05, 0.0, 0.35)]
)
def test_clipping_is_poor_only_where_words_go(ratio: float, least: float, most: float) -> None:
    """At 6 and 8 dB over full scale (0.5 and 1 %) ESTOI is 0.97, at 16 dB 0.75."""
    assert least <= evidence("no_clipping", clipping_ratio=ratio) < most


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.05, 0.4, 0.5), (0.1, 0.35, 0.45), (0.2, 0.0, 0.35)])
def test_losses_are_poor_only_where_words_go(ratio: float, least: float, most: float) -> None:
    assert least <= evidence("continuous_signal", dropout_ratio=ratio) < most


def residue(background: float, overall: float, *, reverberation: float = 0.0, echoing: bool = False) -> float | None:
    rows = stretches(Window(0, 10 * RATE, RATE, False, made_rows(1000, level=-60), np.zeros(1, np.float32)), 400)[
        0
    ].rows
    measures = Measures(mos_background=background, mos_overall=overall, reverberation=reverberation, speech_ratio=0.7)
    return trusted_mos(rows, measures, echoing=echoing).get(Internal.RESIDUE_MOS)


@pytest.mark.parametrize(
    ("background", "overall", "passes"),
    [
        (2.9, 2.4, False),  # babble at 0 dB through a browser's suppression: ESTOI 0.61, PESQ 1.2
        (2.6, 2.4, False),  # noise at 15 dB: PESQ 1.5
        (3.6, 2.4, True),  # a clean talker whom DNSMOS rates low
        (3.4, 2.3, True),  # another
        (3.2, 2.7, True),  # noise at 15 dB that harms little
    ],
)
def test_speech_that_noise_or_its_suppression_damaged_is_not_intelligible(
    background: float, overall: float, passes: bool
) -> None:
    """Low only where DNSMOS hears both: its overall rating alone would fail clean talkers."""
    value = residue(background, overall)
    assert value is not None
    assert (evidence("intelligible", **{Internal.RESIDUE_MOS: value}) >= 0.7) is passes


def test_a_room_or_an_echo_is_not_taken_for_the_residue_of_noise() -> None:
    assert residue(2.0, 2.0, echoing=True) is None
    assert residue(2.0, 2.0, reverberation=0.4) is None


@pytest.mark.parametrize(("signal", "passes"), [(2.4, False), (2.78, True)])
def test_speech_that_a_suppressor_has_damaged_is_not_clear(signal: float, passes: bool) -> None:
    """Clean recordings have 2.78 and more; suppressed speech with an ESTOI under 0.62 has 1.8 to 3.3."""
    assert (evidence("intelligible", snr_db=30.0, bandwidth_hz=8000.0, mos_signal=signal) >= 0.7) is passes
