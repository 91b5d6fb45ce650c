"""Only what the patient says counts, and what a caregiver says where the dictionary says so."""

import pytest

from server.dictionaries.loader import parse
from server.dictionaries.resolve import Dictionaries
from server.judge.said import SaidState
from server.resources import labels_dir
from server.transcript.live import Line, LiveTranscript
from server.transcript.sources import Utterance, WrittenTranscript, wanted_of, what_was_said
from server.transcript.speakers import Speaker, speaker_named
from server.values.voices import Role, Voice

END = 1e9


@pytest.fixture(scope="module")
def dictionaries() -> Dictionaries:
    return Dictionaries.load(labels_dir())


def stated(dictionaries: Dictionaries, labels: str, lines: list[Utterance], *voices: Voice) -> set[str]:
    found = what_was_said(
        WrittenTranscript(tuple(lines)), dictionaries.topics, dictionaries.resolve(labels), END, voices
    )
    return {label_id for label_id, said in found.items() if said.state is not SaidState.NOT_HEARD}


def voice(role: Role, *spans: tuple[float, float]) -> Voice:
    return Voice(role.value, role, 10.0, None, None, None, spans)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        (None, Speaker.PATIENT),
        ("患者", Speaker.PATIENT),
        ("speaker_1", Speaker.PATIENT),
        (" Doctor ", Speaker.DOCTOR),
        ("Dr. Smith", Speaker.DOCTOR),
        ("doctor_1", Speaker.DOCTOR),
        ("Nurse Li", Speaker.DOCTOR),
        ("张医生", Speaker.DOCTOR),
        ("主治医师A", Speaker.DOCTOR),
        ("患者家属", Speaker.OTHER),
        ("patient's daughter", Speaker.OTHER),
        ("Patient 2", Speaker.PATIENT),
        ("Andrew", Speaker.PATIENT),
        ("医生", Speaker.DOCTOR),
        ("other", Speaker.OTHER),
        ("家属", Speaker.OTHER),
        ("Mother", Speaker.OTHER),
        ("interpreter", Speaker.PATIENT),
    ],
)
def test_who_is_meant_by_a_name(name: str | None, who: Speaker) -> None:
    assert speaker_named(name) is who


def test_what_a_relative_says_is_not_the_patients(dictionaries: Dictionaries) -> None:
    says = Utterance("我肚子疼", 1.0, 2.0, "家属")
    assert stated(dictionaries, "pain_location", [says]) == set()
    own = Utterance("我肚子疼", 1.0, 2.0, "patient")
    assert stated(dictionaries, "pain_location", [own]) == {"pain_location"}


def test_a_caregiver_speaks_for_a_child(dictionaries: Dictionaries) -> None:
    says = Utterance("最高烧到三十九度二", 1.0, 2.0, "妈妈")
    assert "highest_temperature" in stated(dictionaries, "pediatrics", [says])


def test_a_relative_neither_answers_the_question_nor_takes_it(dictionaries: Dictionaries) -> None:
    question = Utterance("肚子疼吗？", 1.0, 2.0, "doctor")
    relative = Utterance("疼", 2.0, 3.0, "other")
    answer = Utterance("疼", 3.0, 4.0, "patient")
    assert stated(dictionaries, "pain_location", [question, relative]) == set()
    assert stated(dictionaries, "pain_location", [question, relative, answer]) == {"pain_location"}


@pytest.mark.parametrize(
    ("voices", "counts"),
    [
        pytest.param((), True, id="no voice is told apart"),
        pytest.param((voice(Role.PATIENT, (0.5, 2.5)),), True, id="the patient's"),
        pytest.param((voice(Role.OTHER, (0.5, 2.5)),), False, id="another's"),
        pytest.param((voice(Role.FAR_END, (0.5, 2.5)),), False, id="the far end's"),
        pytest.param((voice(Role.OTHER, (0.5, 1.3)),), True, id="another's for less than half of it"),
        pytest.param((voice(Role.OTHER, (0.0, 1.4)), voice(Role.PATIENT, (1.4, 3.0))), True, id="mostly the patient's"),
    ],
)
def test_a_line_that_names_nobody_is_that_of_the_voice_that_was_heard(
    dictionaries: Dictionaries, voices: tuple[Voice, ...], counts: bool
) -> None:
    says = Utterance("我肚子疼", 1.0, 2.0)
    assert bool(stated(dictionaries, "pain_location", [says], *voices)) is counts
    live, labels = LiveTranscript(), dictionaries.resolve("pain_location")
    live.take([Line("a", says)], dictionaries.topics, wanted_of(labels, voices))
    assert bool(what_was_said(live, dictionaries.topics, labels, END)["pain_location"].strength) is counts


def test_what_names_a_speaker_is_believed(dictionaries: Dictionaries) -> None:
    says = Utterance("我肚子疼", 1.0, 2.0, "patient")
    assert stated(dictionaries, "pain_location", [says], voice(Role.OTHER, (0.0, 3.0))) == {"pain_location"}


@pytest.mark.parametrize(
    ("of_file", "of_label", "counts"), [("true", None, True), ("true", "false", False), ("false", "true", True)]
)
def test_a_file_says_who_may_speak_and_a_label_may_say_otherwise(
    of_file: str, of_label: str | None, counts: bool
) -> None:
    own = "" if of_label is None else f"caregiver = {of_label}"
    source = f"""
name = "mine"
version = "1"
title = {{ zh = "我的", en = "Mine" }}
caregiver_speaks = {of_file}
[[label]]
id = "pain"
title = {{ zh = "哪里疼", en = "Where it hurts" }}
kind = "content"
advice = {{ zh = "请再问一句：哪里疼", en = "please ask where it hurts" }}
endangers = {{ zh = "不知道哪里疼", en = "where it hurts stays open" }}
[label.transcript]
topic = "pain_location"
{own}
"""
    (label,) = parse(source, "mine.toml").labels
    assert label.transcript is not None
    assert label.transcript.caregiver is counts
