"""A conversation that is put away and taken up again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import SnapshotError
from server.transcript import conversation as conversation_module
from server.transcript.conversation import Conversation
from server.transcript.speakers import is_doctor
from tests.transcript.matchers import matcher

TOPICS = ("pain_location", "symptom_duration", "chief_complaint", "associated_symptoms", "symptom")
PATIENT = (
    "肚子疼",
    "不疼",
    "三天了",
    "没有",
    "有一点",
    "咳嗽",
    "还有点头晕",
    "I have had a headache for two days",
    "yes",
    "no",
)
DOCTOR = ("您哪里不舒服?", "多久了?", "肚子疼吗?", "有没有发烧?", "Do you have any pain in your chest?")

Line = tuple[str, str | None, float]


def add(conversation: Conversation, line: Line) -> None:
    text, speaker, start_s = line
    conversation.add(text, speaker=speaker, start_s=start_s)


patients = st.tuples(st.sampled_from(PATIENT), st.sampled_from([None, "patient"]), st.floats(0, 100))
doctors = st.tuples(st.sampled_from(DOCTOR), st.just("doctor"), st.floats(0, 100))


@given(st.lists(patients | doctors, max_size=8), st.data())
def test_a_restored_conversation_says_what_the_unbroken_one_says(lines: list[Line], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    whole = Conversation(matcher(*TOPICS), TOPICS)
    for line in lines[:cut]:
        add(whole, line)
    state = json.loads(json.dumps(whole.snapshot()))
    restored = Conversation.restore(state, matcher(*TOPICS), TOPICS)
    if cut and is_doctor(lines[cut - 1][1]):
        add(restored, lines[cut - 1])  # the question is text, which no snapshot holds
    assert restored.said() == whole.said()
    for line in lines[cut:]:
        add(whole, line)
        add(restored, line)
        assert restored.said() == whole.said()
    assert restored.snapshot() == whole.snapshot()


@given(st.lists(patients | doctors, max_size=30))
def test_the_few_mentions_that_are_kept_say_what_all_say(lines: list[Line]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversation_module, "_deciding", lambda heard, distinct: tuple(heard))
        everything = Conversation(matcher(*TOPICS), TOPICS)
        for line in lines:
            add(everything, line)
    few = Conversation(matcher(*TOPICS), TOPICS)
    for line in lines:
        add(few, line)
    assert few.said() == everything.said()
    for topic_id, heard in few.findings().heard.items():
        assert len(heard) <= 2 * (matcher(*TOPICS).topics[topic_id].distinct + 1)


def test_two_different_words_stay_two_after_a_restore() -> None:
    whole = Conversation(matcher(*TOPICS), ["associated_symptoms"])
    whole.add("咳嗽", start_s=1.0)
    restored = Conversation.restore(whole.snapshot(), matcher(*TOPICS), ["associated_symptoms"])
    restored.add("咳嗽", start_s=2.0)
    assert restored.said()["associated_symptoms"].heard_at_s is None, "the same word again"
    restored.add("头晕", start_s=3.0)
    assert restored.said()["associated_symptoms"].heard_at_s == 3.0


def test_no_word_that_was_said_is_in_a_snapshot() -> None:
    conversation = Conversation(matcher(*TOPICS), TOPICS)
    for text in PATIENT:
        conversation.add(DOCTOR[0], speaker="doctor", start_s=0.0)
        conversation.add(text, start_s=1.0)
    written = json.dumps(conversation.snapshot(), ensure_ascii=False)
    assert conversation.snapshot()["heard"]
    for word in ("疼", "肚子", "咳", "晕", "headache", "三天", "two", "舒服"):
        assert word not in written


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"version": 99, "heard": {}},
        {"version": 1},
        {"version": 1, "heard": {"symptom": [["stated"]]}},
        {"version": 1, "heard": {"symptom": [["perhaps", 1.0, "k", None]]}},
    ],
    ids=["nothing", "other-version", "without-heard", "short", "unknown-state"],
)
def test_a_bad_snapshot_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(SnapshotError):
        Conversation.restore(state, matcher(*TOPICS), TOPICS)
