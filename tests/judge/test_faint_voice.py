"""A faint voice is judged as if it were alone, and never hidden by a louder one."""

import numpy as np
import pytest

from server.judge.faint_voice import faint_cap
from server.judge.roles import told_voices
from server.judge.session import SessionJudge
from server.judge.voices import VoiceBook
from server.values.mode import Mode
from server.values.scores import EvidenceKind, Opinion
from server.values.voices import HeardRows, HeardTalker, Role, Voice
from tests.judge.builders import TELEMEDICINE, facts

ROWS = 500


def heard(*levels: tuple[int, float, float], far_end: int | None = None, processed: bool = False) -> tuple[Voice, ...]:
    """``levels``: of each stretch the talker, the seconds and the level, dBFS."""
    book = VoiceBook()
    for stretch, (number, seconds, level_db) in enumerate(levels):
        speaks = np.arange(ROWS) < seconds * 100
        level = np.where(speaks, level_db, -70.0).astype(np.float32)
        far = np.full(ROWS, number == far_end)
        rows = HeardRows(stretch * ROWS, level, level, np.ones(ROWS, np.bool_), far, np.zeros(ROWS, np.bool_))
        voice = np.eye(192, dtype=np.float32)[number]
        book.add(rows, [HeardTalker(speaks, speaks[:0], voice, seconds)])
    return told_voices(book.tracks, processed=processed)


def faint(voices: tuple[Voice, ...]) -> list[bool]:
    return [voice.faint for voice in voices]


@pytest.mark.parametrize(("level_db", "told"), [(-28.0, False), (-33.0, False), (-35.0, True), (-45.0, True)])
def test_a_voice_far_under_the_loudest_is_faint(level_db: float, *, told: bool) -> None:
    assert faint(heard((1, 4.0, -22.0), (2, 4.0, level_db))) == [False, told]


def test_a_few_words_a_voice_alone_and_the_far_end_are_never_faint() -> None:
    assert faint(heard((1, 4.0, -22.0), (2, 2.5, -45.0))) == [False, False]
    assert faint(heard((1, 4.0, -50.0))) == [False]
    assert faint(heard((1, 4.0, -22.0), (2, 4.0, -45.0), far_end=2)) == [False, False]
    assert faint(heard((1, 4.0, -45.0), (2, 4.0, -20.0), far_end=2)) == [False, False]


def test_where_the_browser_processes_the_sound_no_level_is_told() -> None:
    voices = heard((1, 4.0, -22.0), (2, 4.0, -45.0), processed=True)
    assert [(one.speech_dbfs, one.snr_db, one.faint) for one in voices] == [(None, None, False)] * 2


def test_it_is_judged_by_its_level_in_a_recording_and_told_to_the_doctor_alone_in_a_visit() -> None:
    voices = heard((1, 4.0, -22.0), (2, 4.0, -44.0))
    assert faint_cap(TELEMEDICINE, voices, Mode.RECORDING) == {"close_enough": pytest.approx(0.5)}
    assert faint_cap(TELEMEDICINE, voices, Mode.VISIT) == {}
    assert faint_cap(TELEMEDICINE, voices[:1], Mode.RECORDING) == {}


@pytest.mark.parametrize(("stretches", "least"), [(3, 0.45), (6, 0.6), (25, 1.0)])
def test_the_less_it_says_the_less_it_costs(stretches: int, least: float) -> None:
    """Three seconds of somebody in the background once failed ten good minutes."""
    voices = heard(*[(1, 4.0, -22.0)] * stretches, (2, 4.0, -44.0))
    assert faint(voices) == [False, True]
    assert faint_cap(TELEMEDICINE, voices, Mode.RECORDING).get("close_enough", 1.0) >= least


@pytest.mark.parametrize("mode", list(Mode))
def test_the_loud_voice_does_not_hide_it(mode: Mode) -> None:
    judge = SessionJudge(TELEMEDICINE, mode)
    fine: dict[EvidenceKind, dict[str, Opinion]] = {
        "acoustic": {label.id: Opinion(1.0) for label in TELEMEDICINE.labels if label.acoustic}
    }
    for end_s in (10, 11, 12):
        judge.add_window(facts(end_s), fine, fine)
    assert judge.conclude().passed["close_enough"] is True
    judge.hear(heard((1, 4.0, -22.0), (2, 4.0, -44.0)))
    told = judge.conclude()
    assert told.passed["close_enough"] is (mode is Mode.VISIT)
    assert ("come_closer" in told.prompts) is (mode is Mode.RECORDING)
    assert judge.add_window(facts(13), fine, fine).session_labels["close_enough"] == told.labels["close_enough"].score


def test_roles_are_told_of_a_faint_patient_too() -> None:
    assert [one.role for one in heard((1, 4.0, -22.0), (2, 5.0, -45.0))] == [Role.OTHER, Role.PATIENT]
