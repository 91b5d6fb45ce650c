"""The matcher on utterances of our own: every topic's, and what tempts it to hear a pain or a duration."""

import random
from collections import Counter

import pytest

from server.transcript import SaidState
from tests.transcript.matchers import matcher
from tests.transcript.own_utterances import Own, own_utterances
from tools.material.homophones import Homophones
from tools.material.topic_utterances import Example, examples

OWN = own_utterances()
STATED = SaidState.STATED


def state(one: Own | Example, topic: str) -> SaidState:
    return matcher().match(one.text, one.before, topics=[topic])[topic].state


@pytest.mark.parametrize("example", list(examples()), ids=lambda one: f"{one.topic}-{one.language}-{one.text}")
def test_a_topic_is_stated_denied_or_not_heard_as_its_examples_say(example: Example) -> None:
    assert state(example, example.topic) is example.state


def test_every_topic_has_examples_of_every_state_in_both_languages() -> None:
    counted = Counter((one.topic, one.language, one.state) for one in examples())
    for topic in matcher().topics.values():
        for language in ("zh", "en"):
            assert counted[topic.id, language, STATED] >= 4, topic.id
            assert counted[topic.id, language, SaidState.NOT_HEARD] >= 4, topic.id
            if topic.negatable and not topic.needs:
                assert counted[topic.id, language, SaidState.DENIED] >= 2, topic.id


@pytest.mark.parametrize("half", ["seen", "kept"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("topic", ["pain_location", "symptom_duration"])
def test_pain_and_duration_are_heard_in_many_ways_of_speaking(topic: str, language: str, half: str) -> None:
    rows = [one for one in OWN if (one.language, one.half) == (language, half)]
    wanted = {one: one.pain if topic == "pain_location" else one.duration for one in rows}
    heard = [one for one in rows if state(one, topic) is STATED]
    right = sum(wanted[one] is STATED for one in heard)
    assert right / len(heard) >= 0.9
    assert right / sum(one is STATED for one in wanted.values()) >= 0.8


@pytest.mark.parametrize("topic", ["pain_location", "symptom_duration"])
def test_homophones_make_few_utterances_say_what_they_do_not(topic: str) -> None:
    silent = [one for one in OWN if one.language == "zh" and not one.before and state(one, topic) is not STATED]
    for seed in range(4):
        slips = Homophones(random.Random(seed))
        false = sum(matcher().match(slips.write(one.text), topics=[topic])[topic].state is STATED for one in silent)
        assert false <= 0.08 * len(silent)


@pytest.mark.parametrize(
    ("misspelt", "topic", "expected"),
    [
        ("没佑嗓子疼", "pain_location", SaidState.DENIED),
        ("会不卉以后肚子疼啊", "pain_location", SaidState.NOT_HEARD),
        ("我老弓腰疼", "pain_location", SaidState.NOT_HEARD),
        ("同时头疼", "pain_location", STATED),
        ("药是三天前开的", "symptom_duration", SaidState.NOT_HEARD),
    ],
)
def test_homophones_of_no_and_of_relatives_are_corrected_but_real_words_are_not(
    misspelt: str, topic: str, expected: SaidState
) -> None:
    assert matcher().match(misspelt, topics=[topic])[topic].state is expected


@pytest.mark.parametrize(
    "unit",
    ["我肚子疼三天了,没有发烧,", "头疼、", "三", "1", "孩子3岁", "chest pain, ", "pain ", "no ", "isn't as "],
)
def test_work_grows_with_the_length_of_an_utterance_and_not_with_its_square(
    unit: str,
) -> None:
    assert judged(unit, 2_000) <= 5 * judged(unit, 500) + 50


def judged(unit: str, characters: int) -> int:
    """Calls of functions while one utterance is matched: does not depend on what else the machine does."""
    import sys

    text = (unit * characters)[:characters]
    matcher().match(text, topics=["symptom_duration", "pain_location"])
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        matcher().match(text, topics=["symptom_duration", "pain_location"])
    finally:
        sys.setprofile(None)
    return calls
