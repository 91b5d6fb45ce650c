"""A transcript that is handed over while it is said: replaced while it is new, forgotten when it is old."""

import threading
from typing import Any

import pytest

from server.dictionaries import Dictionaries
from server.judge.said import SaidState
from server.resources import labels_dir
from server.transcript import Matcher, Topics
from server.transcript.live import MAX_IDS, RECENT, Line, LiveTranscript
from server.transcript.sources import Utterance, Wanted, content_topics, wanted_of

END = float("inf")


@pytest.fixture(scope="module")
def dictionaries() -> Dictionaries:
    return Dictionaries.load(labels_dir())


@pytest.fixture(scope="module")
def topics(dictionaries: Dictionaries) -> Topics:
    return dictionaries.topics


@pytest.fixture(scope="module")
def wanted(dictionaries: Dictionaries) -> Wanted:
    return wanted_of(dictionaries.resolve(None))


PLACE = "pain_location"


def line(name: str, text: str, at: float, speaker: str | None = "patient") -> Line:
    return Line(name, Utterance(text, at, at + 1.0, speaker))


def place_of(dictionaries: Dictionaries) -> str:
    return content_topics(dictionaries.resolve("pain_location"))[PLACE]


def test_a_correction_replaces_one_of_the_last_lines_and_no_older_one(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    place = place_of(dictionaries)
    live = LiveTranscript()
    live.take([line("a", "我肚子疼", 1.0)], topics, wanted)
    assert live.said(topics, wanted, END)[place].state is SaidState.STATED
    live.take([line("a", "你好", 1.0)], topics, wanted)
    assert live.said(topics, wanted, END)[place].state is SaidState.NOT_HEARD
    live.take([line("a", "我肚子疼", 1.0), line("b", "嗯", 3.0), line("c", "好的", 5.0)], topics, wanted)
    live.take([line("a", "你好", 1.0)], topics, wanted)
    said = live.said(topics, wanted, END)[place]
    assert (said.state, said.heard_at_s) == (SaidState.STATED, 1.0)


def test_text_is_kept_for_two_lines_and_never_in_a_snapshot(topics: Topics, wanted: Wanted) -> None:
    live = LiveTranscript()
    texts = [f"我肚子疼得厉害第{number}次" for number in range(6)]
    for number, text in enumerate(texts):
        live.take([line(str(number), text, float(number))], topics, wanted)
    kept = [one.utterance.text for one in live._recent.values()]
    assert kept == texts[-RECENT:]
    assert "肚子" not in repr(live.snapshot())


def test_a_doctors_question_is_context_for_the_answer_that_follows(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    place = place_of(dictionaries)
    live = LiveTranscript()
    live.take([line("q", "肚子疼吗？", 1.0, "doctor")], topics, wanted)
    assert live.said(topics, wanted, END)[place].state is SaidState.NOT_HEARD
    live.take([line("p", "疼", 2.0)], topics, wanted)
    assert live.said(topics, wanted, END)[place].state is SaidState.STATED


def test_it_goes_on_from_its_snapshot_and_hears_nothing_twice(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    place = place_of(dictionaries)
    live = LiveTranscript()
    live.take([line("a", "我肚子疼", 1.0)], topics, wanted)
    again = LiveTranscript()
    again.restore(live.snapshot())
    assert again.said(topics, wanted, END) == live.said(topics, wanted, END)
    again.take([line("a", "你好", 1.0)], topics, wanted)
    assert again.said(topics, wanted, END)[place].state is SaidState.STATED
    other = LiveTranscript()
    other.restore(again.snapshot())
    assert other.said(topics, wanted, END) == again.said(topics, wanted, END)
    with pytest.raises(ValueError, match="version"):
        other.restore({"version": 0})


def test_readers_get_the_last_state_while_lines_are_taken_on_another_thread(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    place = place_of(dictionaries)
    live = LiveTranscript()
    live.take([line("a", "你好", 1.0)], topics, wanted)
    reached, go_on = threading.Event(), threading.Event()
    matcher = live._conversation
    assert matcher is not None
    add = matcher._matcher.mentions

    def slow(*given: Any, **more: Any) -> Any:
        reached.set()
        assert go_on.wait(60)
        return add(*given, **more)

    matcher._matcher.mentions = slow  # type: ignore[method-assign]
    taking = threading.Thread(target=live.take, args=([line("b", "我肚子疼", 3.0)], topics, wanted))
    taking.start()
    assert reached.wait(60)
    before = live.snapshot()
    assert live.said(topics, wanted, END)[place].state is SaidState.NOT_HEARD
    go_on.set()
    taking.join(60)
    assert live.said(topics, wanted, END)[place].state is SaidState.STATED
    assert live.snapshot() != before


def test_a_reader_matches_nothing(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveTranscript()
    live.take([line("a", "我肚子疼", 1.0)], topics, wanted)
    monkeypatch.setattr(Matcher, "mentions", None)
    assert live.said(topics, wanted, END)[place_of(dictionaries)].state is SaidState.STATED
    assert live.snapshot()["heard"]["heard"]
    assert live.said(topics, Wanted(frozenset({"pain_location"})), END)


def test_its_snapshot_stays_small_and_holds_no_id(topics: Topics, wanted: Wanted) -> None:
    live = LiveTranscript()
    live.take([line(f"segment-{number}", "嗯", float(number)) for number in range(3 * MAX_IDS)], topics, wanted)
    state = live.snapshot()
    assert len(state["ids"]) == MAX_IDS + RECENT
    assert "segment" not in repr(state)
    heard = state["heard"]
    live.take([line(f"more-{number}", "没有发烧，肚子疼", 1e4 + number) for number in range(50)], topics, wanted)
    few = len(repr(live.snapshot()["heard"]))
    live.take([line(f"again-{number}", "没有发烧，肚子疼", 2e4 + number) for number in range(50)], topics, wanted)
    assert len(repr(live.snapshot()["heard"])) == few
    assert heard != live.snapshot()["heard"]


def test_an_unanswered_question_is_heard_again_after_a_restore(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    live = LiveTranscript()
    question = line("q", "肚子疼吗？", 1.0, "doctor")
    live.take([question], topics, wanted)
    again = LiveTranscript()
    again.restore(live.snapshot())
    again.take([question, line("p", "疼", 2.0)], topics, wanted)
    assert again.said(topics, wanted, END)[place_of(dictionaries)].state is SaidState.STATED


def test_a_topic_that_is_asked_for_later_is_heard_from_then_on(
    dictionaries: Dictionaries, topics: Topics, wanted: Wanted
) -> None:
    place = place_of(dictionaries)
    live = LiveTranscript()
    live.take([line("a", "我肚子疼", 1.0)], topics, Wanted(frozenset({place})))
    live.take([line("b", "我没有发烧", 3.0)], topics, wanted)
    said = live.said(topics, wanted, END)
    assert said[place].state is SaidState.STATED
    assert set(said) <= wanted.topics
