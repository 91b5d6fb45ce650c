"""Disturbing sounds of a session, and the positions of the patient's own sounds."""

import json
from collections.abc import Iterable

import pytest

from server.assessment.findings import MAX_SPANS, SoundFindings
from server.judge.judgement import WindowFacts
from server.judge.sounds import Interference, PatientSound
from server.values.text import Text

RATE = 16_000
TV = Interference("tv", Text("电视声", "Television"), 0.6, Text("有电视声。", "The television."))
DOG = Interference("dog_bark", Text("狗叫声", "A dog"), 0.9, Text("有狗叫声。", "A dog."))
COUGH = PatientSound("coughing", Text("咳嗽", "Coughing"), 0.5)


def facts(end_s: int) -> WindowFacts:
    start_s = max(0, end_s - 10)
    return WindowFacts(start_s * RATE, end_s * RATE, RATE, end_s < 10, 5.0, 0.5)


def feed(
    findings: SoundFindings, ends: Iterable[int], coughs: Iterable[int] = (), **sounds: Iterable[int]
) -> SoundFindings:
    """Windows that end at ``ends``; in ``coughs`` a cough was heard, and in those of ``tv`` and ``dog`` these."""
    heard = {name: set(at) for name, at in sounds.items()}
    coughed = set(coughs)
    for end in ends:
        around = [one for name, one in (("tv", TV), ("dog", DOG)) if end in heard.get(name, ())]
        findings.add(around, [COUGH] if end in coughed else [], facts(end))
    return findings


def spans(findings: SoundFindings) -> list[tuple[float, float]]:
    return [(event.start / RATE, event.end / RATE) for event in findings.events()]


LAST = 40


def windows_with(*seconds: float) -> list[int]:
    """Ends of all the windows, up to ``LAST``, that hold one of these moments."""
    return [end for end in range(3, LAST + 1) if any(end - 10 < at <= end for at in seconds)]


@pytest.mark.parametrize(
    ("coughs", "expected"),
    [
        (windows_with(12.5), [(12, 13)]),
        (windows_with(12.5, 20.5), [(12, 21)]),
        (windows_with(12.5, 29.5), [(12, 13), (29, 30)]),
        (windows_with(1.5), [(0, 2)]),
        (windows_with(39.5), [(39, 40)]),
        (range(3, LAST + 1), [(0, LAST)]),
        ([15, 16, 17], [(7, 15)]),
        ([15, 17, 18], [(8, 15)]),
    ],
    ids=["one", "two-near", "two-apart", "at-the-start", "at-the-end", "always", "heard-in-some", "flicker"],
)
def test_an_event_is_placed_by_the_windows_that_heard_it(
    coughs: Iterable[int], expected: list[tuple[int, int]]
) -> None:
    assert spans(feed(SoundFindings(), range(3, LAST + 1), coughs)) == expected


def test_replaced_windows_widen_an_event_but_never_lose_it() -> None:
    assert spans(feed(SoundFindings(), [3, 4, 9, 14, 19, 24, 29], [14, 19])) == [(9, 14)]


def test_an_event_keeps_its_highest_score_and_its_title() -> None:
    findings = SoundFindings()
    for end, score in ((10, 0.4), (11, 0.8), (12, 0.5)):
        findings.add([], [PatientSound("coughing", COUGH.title, score)], facts(end))
    (event,) = findings.events()
    assert (event.score, event.title) == (0.8, COUGH.title)


def test_events_of_now_are_those_that_are_heard_or_were_a_moment_ago() -> None:
    findings = SoundFindings()
    feed(findings, range(3, 15), [12, 13, 14])
    assert [event.id for event in findings.latest_events()] == ["coughing"]
    feed(findings, [15, 16])
    assert findings.latest_events() == findings.events()
    feed(findings, [17])
    assert findings.latest_events() == []
    assert len(findings.events()) == 1


def test_the_longest_disturbance_comes_first_with_its_mean_score() -> None:
    told = feed(SoundFindings(), range(3, 31), tv=range(5, 25), dog=range(5, 10)).interference()
    assert [one.id for one in told] == ["tv", "dog_bark"]
    assert [one.score for one in told] == pytest.approx([0.6, 0.9])


def test_a_sound_named_only_once_or_twice_is_left_out_of_a_long_recording() -> None:
    assert feed(SoundFindings(), range(3, 31), dog=[9, 20]).interference() == []
    assert [one.id for one in feed(SoundFindings(), [3, 4], dog=[4]).interference()] == ["dog_bark"]


def test_a_window_that_was_judged_before_changes_nothing() -> None:
    once = feed(SoundFindings(), range(3, 20), [10, 11], tv=range(3, 20))
    twice = feed(
        feed(SoundFindings(), range(3, 20), [10, 11], tv=range(3, 20)), range(5, 20), range(5, 20), dog=range(20)
    )
    assert twice.snapshot() == once.snapshot()


@pytest.mark.parametrize("cut", [3, 12, 14, 16, 20])
def test_restored_findings_equal_unbroken_ones(cut: int) -> None:
    story = {"coughs": [11, 12, 13, 15, 22, 23], "tv": range(5, 20), "dog": [8]}
    straight = feed(SoundFindings(), range(3, 31), **story)
    first = feed(SoundFindings(), range(3, cut), **story)
    second = SoundFindings()
    second.restore(json.loads(json.dumps(first.snapshot())))
    feed(second, range(cut, 31), **story)
    assert second.events() == straight.events()
    assert second.interference() == straight.interference()
    assert second.latest_events() == straight.latest_events()


def test_memory_is_bounded() -> None:
    findings = feed(SoundFindings(), range(3, 6_000), range(3, 6_000, 5))
    assert len(findings.events()) == MAX_SPANS
