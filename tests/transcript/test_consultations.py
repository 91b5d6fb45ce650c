"""The matcher on what people really said, where ``$TINGQING_SHARED`` holds the consultations."""

import random
from pathlib import Path

import pytest

from server.dictionaries.topics import load_topics
from server.resources import labels_dir
from server.transcript import Matcher, SaidState
from tools.material.consultations import TOPICS, Labelled, labelled
from tools.material.homophones import Homophones

POSITIVES_FOR_A_CLAIM = 20


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(load_topics(labels_dir()).only(TOPICS))


def hears(matcher: Matcher, one: Labelled, topic: str) -> bool:
    return matcher.match(one.text, one.before, topics=[topic])[topic].state is SaidState.STATED


@pytest.mark.parametrize("half", ["seen", "unseen", "fresh", "fresh_kept"])
@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_precision_and_recall_on_the_consultations_stay_above_their_limits(
    shared: Path, matcher: Matcher, language: str, topic: str, half: str
) -> None:
    rows = [one for one in labelled(shared, language) if one.half == half]
    positives = sum(one.stated[topic] for one in rows)
    if not rows or positives < POSITIVES_FOR_A_CLAIM:
        return  # too few to claim anything: bench/matcher.py tells the counts
    heard = [one for one in rows if hears(matcher, one, topic)]
    right = sum(one.stated[topic] for one in heard)
    assert right / len(heard) >= 0.9
    assert right / positives >= 0.8


@pytest.mark.parametrize("topic", TOPICS)
def test_a_fifth_of_the_characters_written_as_homophones_costs_little(
    shared: Path, matcher: Matcher, topic: str
) -> None:
    positives = [one for one in labelled(shared, "zh") if one.stated[topic]]
    heard = sum(hears(matcher, one, topic) for one in positives)
    slips = Homophones(random.Random(3))
    misspelt = [Labelled(slips.write(one.text), None, one.half, one.stated) for one in positives]
    still = sum(hears(matcher, one, topic) for one in misspelt)
    assert heard - still <= max(1.0, 0.1 * len(positives))
