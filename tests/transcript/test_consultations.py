"""The matcher on what people really said, where ``$TINGQING_SHARED`` holds the consultations."""

import random
import unicodedata
from collections import defaultdict
from pathlib import Path

import pytest

from server.dictionaries.topics import load_topics
from server.resources import labels_dir
from server.transcript import Matcher, SaidState
from tests.transcript.consultations import TOPICS, Labelled, labelled

POSITIVES_FOR_A_CLAIM = 20


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(load_topics(labels_dir()).only(TOPICS))


def hears(matcher: Matcher, one: Labelled, topic: str) -> bool:
    return matcher.match(one.text, one.before, topics=[topic])[topic].state is SaidState.STATED


@pytest.mark.parametrize("half", ["seen", "unseen", "fresh", "fresh_kept"])
@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_stated_is_heard_and_little_else(
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


class Homophones:
    """Writes every fifth Chinese character, at random, as another common one of the same toneless reading."""

    def __init__(self, rng: random.Random) -> None:
        from pypinyin.pinyin_dict import pinyin_dict

        self._rng = rng
        self._readings = {chr(code): plain(reading) for code, reading in pinyin_dict.items()}
        self._alike: dict[str, list[str]] = defaultdict(list)
        for high in range(0xB0, 0xD8):  # the 3,755 most common characters of GB 2312
            for low in range(0xA1, 0xFF):
                char = bytes([high, low]).decode("gb2312", "ignore")
                if char in self._readings:
                    self._alike[self._readings[char]].append(char)

    def write(self, text: str) -> str:
        return "".join(self._slip(char) if self._rng.random() < 0.2 else char for char in text)

    def _slip(self, char: str) -> str:
        others = [other for other in self._alike.get(self._readings.get(char, ""), []) if other != char]
        return self._rng.choice(others) if others else char


def plain(reading: str) -> str:
    first = unicodedata.normalize("NFD", reading.split(",", maxsplit=1)[0])
    return "".join(char for char in first if char.isascii() or char == "\u0308")
