"""What the matcher makes of sentences: the listed ones, those that tempt it, and any text at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.transcript import SaidState
from server.transcript.conversation import Conversation
from tests.transcript.matchers import matcher

STATED, DENIED, NOT_HEARD = SaidState.STATED, SaidState.DENIED, SaidState.NOT_HEARD


def state(topic: str, text: str, before: str | None = None) -> SaidState:
    return matcher().match(text, before, topics=[topic])[topic].state


def states(topic: str, text: str) -> list[SaidState]:
    return [mention.state for mention in matcher().mentions(text, topics=[topic])[topic]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("有没有胸痛?", []),
        ("没有胸痛", [DENIED]),
        ("不是不疼", [STATED]),
        ("没以前那么疼", [STATED]),
        ("疼得受不了", [STATED]),
        ("胸口不闷,就是头晕", [DENIED, STATED]),
        ("没有", []),
        ("没有胸痛、胸闷和头晕", [DENIED, DENIED, DENIED]),
        ("胸痛没有", [DENIED]),
        ("胸痛没有缓解", [STATED]),
        ("如果头疼呢", []),
        ("我爸有心脏病", []),
        ("no fever, cough or chest pain", [DENIED, DENIED, DENIED]),
        ("do you have chest pain?", []),
        ("my dad has chest pain", []),
    ],
)
def test_symptoms_are_stated_or_denied_in_the_order_of_the_text(text: str, expected: list[SaidState]) -> None:
    assert states("symptom", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("肚子疼", STATED),
        ("我这个膝盖走路的时候有点疼", STATED),
        ("疼的地方在左边肩膀", STATED),
        ("孩子说嗓子疼", STATED),
        ("胸口发紧", STATED),
        ("小腿老抽筋", STATED),
        ("没有胸痛", DENIED),
        ("头不疼", DENIED),
        ("胸口不闷", DENIED),
        ("有没有胸痛?", NOT_HEARD),
        ("疼得受不了", NOT_HEARD),
        ("吃了止痛药,肚子有点胀", NOT_HEARD),
        ("孩子表情很痛苦", NOT_HEARD),
        ("我妈经常头疼", NOT_HEARD),
        ("my chest hurts", STATED),
        ("I've got a really bad headache", STATED),
        ("sore throat", STATED),
        ("it's, um, mainly in my left arm, it's a bit painful", STATED),
        ("My daughter says her ear hurts", STATED),
        ("like some pain in my, like, lower stomach?", STATED),
        ("no chest pain", DENIED),
        ("my chest doesn't hurt", DENIED),
        ("my back pain isn't as bad as before", STATED),
        ("I took a painkiller and went back to bed", NOT_HEARD),
        ("my mum gets headaches", NOT_HEARD),
        ("I'll come back on Monday", NOT_HEARD),
        ("", NOT_HEARD),
    ],
)
def test_pain_has_a_place_only_where_one_is_said(text: str, expected: SaidState) -> None:
    assert state("pain_location", text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("咳嗽三天了", STATED),
        ("昨天晚上开始发烧", STATED),
        ("头晕有一段时间了", STATED),
        ("从上周一直拉肚子", STATED),
        ("5月3号起的疹子", STATED),
        ("两个礼拜,一直胸闷", STATED),
        ("一天咳三次", NOT_HEARD),
        ("这个药吃了三天", NOT_HEARD),
        ("宝宝三个月大,咳嗽", NOT_HEARD),
        ("孩子两岁半,流鼻涕", NOT_HEARD),
        ("下周三去复查", NOT_HEARD),
        ("I've had this cough for three weeks", STATED),
        ("the headache started yesterday", STATED),
        ("it's been going on for a couple of days now", STATED),
        ("I take it twice a day", NOT_HEARD),
        ("I'm forty five years old", NOT_HEARD),
        ("come back in two weeks", NOT_HEARD),
    ],
)
def test_duration_needs_a_symptom_and_is_not_a_frequency_age_or_appointment(text: str, expected: SaidState) -> None:
    assert state("symptom_duration", text) is expected


@pytest.mark.parametrize(
    ("before", "text", "topic", "expected"),
    [
        ("有没有胸痛?", "没有", "pain_location", DENIED),
        ("胸口疼吗", "有点", "pain_location", STATED),
        ("胸口疼不疼?", "不是不疼", "pain_location", STATED),
        ("肚子疼吗?", "不疼", "pain_location", DENIED),
        ("哪里疼?", "左边膝盖", "pain_location", STATED),
        ("多久了?", "三天", "symptom_duration", STATED),
        ("药吃了多久了?", "三天", "symptom_duration", NOT_HEARD),
        ("Any chest pain?", "Uh, no.", "pain_location", DENIED),
        ("Where does it hurt exactly?", "Just on the left side.", "pain_location", STATED),
        ("How long has this been going on?", "About three weeks.", "symptom_duration", STATED),
        ("I think it is your chest pain.", "Yeah.", "pain_location", NOT_HEARD),
        ("有没有胸痛?", "我今天吃了面条", "pain_location", NOT_HEARD),
    ],
)
def test_the_doctors_question_is_context_and_never_a_statement(
    before: str, text: str, topic: str, expected: SaidState
) -> None:
    assert state(topic, text, before) is expected
    assert state(topic, text, "") is state(topic, text, None)


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ("My knee has been swollen for three days.", None, STATED),
        ("My knee is swollen and I took ibuprofen for three days.", None, NOT_HEARD),
        ("My knee hurts when I sit for a long time.", None, NOT_HEARD),
        ("My knee hurts, and it started, you know, about, about two weeks ago.", None, STATED),
        ("I have not had a headache for two years.", None, NOT_HEARD),
        ("Some people at work have had a cough for two weeks.", None, NOT_HEARD),
        ("He has had a cough for two weeks.", "How is your husband?", NOT_HEARD),
        ("He has had a cough for two weeks.", "Hello, you must be his mum.", STATED),
        ("About four months.", "How long have you had this rash?", STATED),
        ("About four months.", "How long ago was your operation?", NOT_HEARD),
        ("About twenty years ago.", "When did you quit?", NOT_HEARD),
        ("膝盖肿,布洛芬吃三天了", None, NOT_HEARD),
        ("今年1月以来,一直咳嗽", None, STATED),
    ],
)
def test_a_time_belongs_to_the_symptom_it_is_said_about(text: str, before: str | None, expected: SaidState) -> None:
    assert state("symptom_duration", text, before) is expected


def test_homophones_are_heard_with_less_strength() -> None:
    written, heard = (matcher().match(text)["pain_location"] for text in ("肚子疼", "肚子腾"))
    assert written.state is heard.state is STATED
    assert 0.7 <= heard.strength < written.strength


def test_a_transcript_tells_when_a_topic_was_first_stated() -> None:
    conversation = Conversation(matcher(), ["pain_location", "symptom_duration", "chief_complaint"])
    conversation.add("您哪里不舒服?", speaker="doctor", start_s=0.0)
    conversation.add("肚子疼", start_s=2.0)
    conversation.add("多久了?", speaker="医生", start_s=4.0)
    conversation.add("三天了", start_s=6.0)
    conversation.add("肚子疼", start_s=9.0)
    said = conversation.said()
    assert (said["pain_location"].state, said["pain_location"].heard_at_s) == (STATED, 2.0)
    assert (said["symptom_duration"].state, said["symptom_duration"].heard_at_s) == (STATED, 6.0)
    assert (said["chief_complaint"].state, said["chief_complaint"].heard_at_s) == (STATED, 6.0)


def test_over_a_transcript_the_complaint_alone_is_not_an_associated_symptom() -> None:
    conversation = Conversation(matcher(), ["associated_symptoms"])
    conversation.add("咳嗽")
    assert conversation.said()["associated_symptoms"].state is NOT_HEARD
    conversation.add("还有点头晕", start_s=8.0)
    assert conversation.said()["associated_symptoms"].heard_at_s == 8.0


WORDS = st.sampled_from(
    [
        "没有",
        "不",
        "胸",
        "痛",
        "头晕",
        "三",
        "天",
        ",",
        "。",
        "?",
        "吗",
        "no",
        "pain",
        "chest",
        "three",
        "weeks",
        " ",
        "我妈",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=25).map("".join)), st.none() | st.text(max_size=40))
@settings(max_examples=60)
def test_any_text_gives_a_finding_for_every_topic_and_the_same_again(text: str, before: str | None) -> None:
    found = matcher().match(text, before)
    assert found.keys() == matcher().topics.keys()
    assert all(0.7 <= one.strength <= 1.0 for one in found.values() if one.state is not NOT_HEARD)
    assert all(one.strength == 0.0 for one in found.values() if one.state is NOT_HEARD)
    assert matcher().match(text, before) == found


@given(st.lists(WORDS, max_size=12).map("".join))
@settings(max_examples=30)
def test_findings_do_not_depend_on_the_requested_topics(text: str) -> None:
    assert matcher().match(text)["symptom"] == matcher().match(text, topics=["symptom"])["symptom"]


FAR_AWAY = "今天上午我坐在窗边的椅子上慢慢地看报纸喝茶等着他们把饭菜端过来放在桌子上然后大家一起坐下来吃了一顿饭"


@pytest.mark.parametrize("before", ["如果", "我爸"], ids=["supposed", "of-somebody-else"])
def test_a_word_bears_on_a_symptom_up_to_forty_tokens_later(before: str) -> None:
    assert states("symptom", f"{before}{FAR_AWAY[:30]}头疼") == []
    assert states("symptom", f"{before}{FAR_AWAY}头疼") == [STATED]


@pytest.mark.parametrize("times", [15, 25])
def test_a_denial_bears_on_a_symptom_up_to_forty_tokens_away(times: int) -> None:
    expected = [DENIED] if 2 * times < 40 else [STATED]
    assert states("symptom", f"没有{'什么' * times}头疼") == expected
    assert states("symptom", f"头疼{'都' * 2 * times}没有") == expected


def test_a_complaint_is_heard_as_surely_as_the_less_sure_of_symptom_and_duration() -> None:
    """The cough is plain, but what has lasted three days is heard by its homophones only."""
    found = matcher().match("咳嗽,肚子腾三天了", topics=["symptom", "symptom_duration", "chief_complaint"])
    assert found["symptom"].strength > found["symptom_duration"].strength
    assert found["chief_complaint"] == found["symptom_duration"]


def test_a_complaint_told_in_several_lines_is_heard_as_surely_as_the_less_sure_of_them() -> None:
    for symptom, less_sure in (("肚子腾", "symptom"), ("肚子疼", "symptom_duration")):
        conversation = Conversation(matcher(), ["symptom", "symptom_duration", "chief_complaint"])
        conversation.add(symptom)
        conversation.add("多久了?", speaker="doctor")
        conversation.add("三天了")
        said = conversation.said()
        assert said["symptom"].strength != said["symptom_duration"].strength
        assert said["chief_complaint"].strength == said[less_sure].strength
