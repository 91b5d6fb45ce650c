"""While the far end speaks nothing is measured of the patient, and nothing is asked of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from server.model.acoustic.measures import read, stretches
from server.model.acoustic.opinions import opinion
from server.model.acoustic.scorer import AcousticScorer, readings
from server.model.dnsmos import is_trustworthy
from server.scoring.ports import ScoreRequest
from server.values.audio import Basis, Capture, CaptureSource
from server.values.rows import REPEATED, Column
from server.values.scores import Why
from server.values.windows import Window
from tests.model.hearing import made_rows, telemedicine

RATE = 16_000


def heard(far: slice, speech: slice = slice(0, 0), n: int = 1_000) -> Window:
    """A loud echoing voice where the far end speaks, and the patient's own in ``speech``."""
    rows = made_rows(n, level=-70.0)
    rng = np.random.default_rng(4)
    for part, level in ((far, -30.0), (speech, -24.0)):
        size = rows[part].shape[0]
        rows[part, Column.LEVEL_DB] = rows[part, Column.SYLLABLE_DB] = level - 6 * rng.random(size)
        rows[part, Column.SPEECH] = 0.95
        rows[part, Column.PEAK] = 10 ** (level / 20)
    rows[far, Column.FAR_END] = 1.0
    rows[far, Column.CLIPPED] = 0.1
    pcm = np.asarray(0.001 * rng.standard_normal(n * 160), np.float32)
    return Window(0, n * 160, RATE, False, rows, pcm)


def unmarked(window: Window) -> Window:
    rows = window.rows.copy()
    rows[:, Column.FAR_END] = 0.0
    return replace(window, rows=rows)


def test_a_window_of_the_far_end_alone_has_no_score_for_want_of_the_patients_speech() -> None:
    window = heard(slice(0, 1_000))
    capture = Capture(CaptureSource.LINE)
    (reply,) = AcousticScorer().score([ScoreRequest(window, telemedicine(), capture, None, False)])
    for opinions in (reply.opinions, reply.recent):
        assert {one.value for one in opinions.values()} == {None}
        assert {one.why for one in opinions.values()} == {Why.NO_SPEECH}
    assert reply.measures is not None
    assert reply.measures.speech_ratio == 0.0
    assert reply.measures.noise_dbfs is None
    assert reply.measures.clipping_ratio is None


def test_measures_beside_the_far_end_are_those_of_the_patient_alone() -> None:
    window = heard(slice(500, 1_000), slice(50, 450))
    alone = replace(window, rows=window.rows[:493], pcm=window.pcm[: 493 * 160])
    both, single, mixed = (readings(one, None)[0] for one in (window, alone, unmarked(window)))
    for name in ("speech_dbfs", "noise_dbfs", "snr_db", "clipping_ratio", "speech_rate_sps"):
        own, known = getattr(both.measures, name), getattr(single.measures, name)
        assert own == pytest.approx(known, abs=0.05), name
    for name in ("speech_dbfs", "clipping_ratio"):
        assert getattr(mixed.measures, name) != pytest.approx(getattr(single.measures, name), abs=0.05), name


def test_an_echo_is_read_from_the_patients_rows_alone() -> None:
    window = heard(slice(500, 1_000), slice(50, 500))
    hum = 0.05 * signal.sawtooth(2 * np.pi * 150 * np.arange(window.pcm.size) / RATE)  # voiced: no whisper
    window = replace(window, pcm=np.asarray(hum, np.float32))
    window.rows[:, Column.CLIPPED] = 0.0
    level = window.rows[:, Column.SYLLABLE_DB]
    level[50:500] = -24 - 25 * np.random.default_rng(6).random(450)
    level[500:] = -10 - 0.1 * np.arange(500)
    other = replace(window, rows=window.rows.copy())
    other.rows[500:, Column.SYLLABLE_DB] = -60
    other.rows[500:, Column.FLUX] = 30
    echoes = [readings(one, None)[0].measures.reverberation for one in (window, other, unmarked(window))]
    assert echoes[0] == pytest.approx(echoes[1], abs=1e-9)
    assert echoes[0] != pytest.approx(echoes[2], abs=0.01)


def test_speech_is_counted_against_the_rows_in_which_the_patient_could_be_heard() -> None:
    _, recent = readings(heard(slice(600, 900), slice(900, 1_000)), None)
    assert recent.values["speech_s"] == pytest.approx(10.0)


@pytest.mark.parametrize(("far_rows", "known"), [(150, True), (250, False)])
def test_a_silence_that_the_far_end_fills_proves_nothing(far_rows: int, known: bool) -> None:
    _, recent = readings(heard(slice(1_000 - far_rows, 1_000)), None)
    assert ("speech_s" in recent.values) is known


def test_losses_while_the_far_end_speaks_are_not_the_patients() -> None:
    window = heard(slice(500, 1_000), slice(50, 450))
    rows = window.rows.copy()
    rows[600:604, Column.LOSS] = REPEATED
    repeated = replace(window, rows=rows)
    assert read(stretches(unmarked(repeated), 400)[0]).measures.dropout_ratio != 0.0
    assert read(stretches(repeated, 400)[0]).measures.dropout_ratio == 0.0


@pytest.mark.parametrize(("far_rows", "known"), [(90, True), (180, False)])
def test_a_patient_who_has_just_begun_after_the_far_end_is_not_noise(far_rows: int, known: bool) -> None:
    window = heard(slice(600, 600 + far_rows), slice(600 + far_rows, 1_000))
    _, recent = readings(window, None)
    assert (recent.measures.snr_db is not None) is known
    assert recent.measures.speech_dbfs is not None
    whole, _ = readings(replace(window, carried_noise_db=-70.0), None)
    assert whole.measures.snr_db is not None


@pytest.mark.parametrize(("far_rows", "rated"), [(240, True), (260, False)])
def test_dnsmos_does_not_rate_the_doctor(far_rows: int, rated: bool) -> None:
    window = heard(slice(1_000 - far_rows, 1_000), slice(50, 450))
    assert window.is_patients is rated
    assert is_trustworthy(window) is rated


def test_presence_without_a_row_of_the_patient_has_a_reason() -> None:
    label = next(label for label in telemedicine().labels if label.id == "speech_present")
    reading = readings(heard(slice(0, 1_000)), None)[0]
    found = opinion(label, reading.values, basis=Basis.ROOM)
    assert found is not None
    assert (found.value, found.why) == (None, Why.NO_SPEECH)
