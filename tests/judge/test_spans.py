"""Stretches that could not be heard, from recent scores that look back over 4 s."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.judgement import Span
from server.judge.session import SessionJudge
from server.judge.spans import Mark, SpanTracker, spoiled_by
from server.values.scores import LabelScore
from tests.judge.builders import RATE, add, label_set, quality

LABELS = label_set(
    quality("speech_present"),
    quality("low_background"),
    quality("continuous_signal"),
    quality("moderate_pace"),
    quality("full_bandwidth"),
    quality("no_clipping"),
)


def marks(spoiled: Callable[[int], bool], last_s: int, step_s: int = 1) -> list[Mark]:
    return [
        Mark(max(0, end - 4) * RATE, end * RATE, "low_background" if spoiled(end) else None)
        for end in range(3, last_s + 1, step_s)
    ]


def unusable_spans(found: list[Mark], rate: int) -> list[Span]:
    tracker = SpanTracker()
    for mark in found:
        tracker.add(mark, rate)
    return tracker.spans(rate)


def seconds(found: list[Mark]) -> list[tuple[float, float]]:
    return [(span.start_sample / RATE, span.end_sample / RATE) for span in unusable_spans(found, RATE)]


def test_a_stretch_is_found_within_two_seconds_of_its_edges() -> None:
    """Noise from 20 to 30 s: half of what a mark looks back over makes its score poor."""
    [(start_s, end_s)] = seconds(marks(lambda end: 22 <= end <= 31, 60))
    assert abs(start_s - 20) <= 2
    assert abs(end_s - 30) <= 2


def test_a_clean_recording_has_no_spans() -> None:
    assert seconds(marks(lambda end: False, 60)) == []


def test_a_short_fault_is_not_a_span() -> None:
    assert seconds(marks(lambda end: end == 20, 60)) == []


def test_a_stretch_of_just_three_seconds_is_told() -> None:
    """Two marks that follow each other share three seconds."""
    assert seconds(marks(lambda end: 20 <= end <= 21, 60)) == [(17.0, 20.0)]


def test_a_stretch_is_told_with_what_spoils_most_of_it() -> None:
    found = [
        Mark((end - 4) * RATE, end * RATE, "no_crosstalk" if end > 28 else "low_background") for end in range(20, 31)
    ]
    [span] = unusable_spans(found, RATE)
    assert (span.start_sample, span.end_sample, span.why) == (16 * RATE, 30 * RATE, "low_background")


def test_all_spoiled_is_one_span_from_start_to_end() -> None:
    assert seconds(marks(lambda end: True, 60)) == [(0.0, 60.0)]


def test_two_troubles_far_apart_are_two_spans() -> None:
    assert len(seconds(marks(lambda end: 10 <= end <= 18 or 40 <= end <= 50, 60))) == 2


def test_missing_windows_leave_no_holes_in_a_span() -> None:
    assert seconds(marks(lambda end: True, 61, step_s=3)) == [(0.0, 60.0)]


@pytest.mark.parametrize(
    ("every", "expected"), [(2, [(18.0, 28.0)]), (4, [])], ids=["half-of-the-marks", "a-quarter-of-them"]
)
def test_a_stretch_is_spoiled_where_at_least_half_of_the_marks_over_it_are(
    every: int, expected: list[tuple[float, float]]
) -> None:
    """Four marks cover each second: those that end with it and up to 3 s later. Spoiled ones end from 20 to 30 s."""
    assert seconds(marks(lambda end: 20 <= end <= 30 and end % every == 0, 60)) == expected


def plainly(found: list[Mark]) -> list[Span]:
    """The rule written down once more, over all marks at once, with no thought of its cost."""
    spans: list[Span] = []
    reasons: Counter[str] = Counter()
    for index, mark in enumerate(found):
        start = max(mark.start_sample, found[index - 1].end_sample if index else 0)
        covering = [one for one in found if one.start_sample < mark.end_sample and one.end_sample > start]
        spoiled = Counter(one.why for one in covering if one.why is not None)
        if 2 * spoiled.total() < len(covering):
            continue
        if spans and start - spans[-1].end_sample <= 2 * RATE:
            reasons += spoiled
            spans[-1] = Span(spans[-1].start_sample, mark.end_sample, worst(reasons))
        else:
            reasons = spoiled
            spans.append(Span(start, mark.end_sample, worst(reasons)))
    return [span for span in spans if span.end_sample - span.start_sample >= 3 * RATE]


def worst(reasons: Counter[str]) -> str:
    return min(reasons, key=lambda why: (-reasons[why], why))


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([None, None, "low_background", "no_crosstalk"])), max_size=60)
)
def test_spans_told_window_by_window_are_those_of_all_windows_together(steps: list[tuple[int, str | None]]) -> None:
    tracker = SpanTracker()
    found: list[Mark] = []
    end_s = 2
    for step_s, why in steps:
        end_s += step_s
        found.append(Mark(max(0, end_s - 4) * RATE, end_s * RATE, why))
        tracker.add(found[-1], RATE)
        assert tracker.spans(RATE) == plainly(found)


def test_a_mark_costs_the_same_after_two_hours_as_after_a_minute() -> None:
    class Counted(list[Mark]):
        looks = 0

        def __getitem__(self, at: Any) -> Any:
            Counted.looks += 1
            return super().__getitem__(at)

    def looks_after(last_s: int) -> int:
        tracker = SpanTracker()
        tracker.marks = Counted()
        for mark in marks(lambda end: end % 20 < 6, last_s):
            tracker.add(mark, RATE)
        Counted.looks = 0
        tracker.add(Mark((last_s - 3) * RATE, (last_s + 1) * RATE, None), RATE)
        tracker.spans(RATE)
        return Counted.looks

    assert looks_after(7200) == looks_after(60)


def test_the_last_spans_told_live_are_those_of_the_conclusion() -> None:
    judge = SessionJudge(LABELS)
    good = {"speech_present": 1.0, "low_background": 0.9, "continuous_signal": 1.0}
    told = []
    for second in range(3, 60):
        bad = {**good, "low_background": 0.1} if second % 20 < 8 else good
        told.append(add(judge, second, good, recent=bad).unusable_spans)
        assert told[-1] == judge.conclude().unusable_spans
    assert len(told[-1]) == 3
    restored = SessionJudge.restore(judge.snapshot(), LABELS)
    assert restored.conclude().unusable_spans == told[-1]


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_spans_are_in_order_apart_and_of_three_seconds_at_least(spoiled: list[bool]) -> None:
    found = seconds(marks(lambda end: spoiled[end - 3], len(spoiled) + 2))
    assert all(end_s - start_s >= 3 for start_s, end_s in found)
    assert all(right[0] - left[1] > 2 for left, right in pairwise(found))


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ({"speech_present": 1.0, "low_background": 0.1}, "low_background"),
        ({"speech_present": 1.0, "low_background": 0.4}, None),
        ({"speech_present": 0.0, "low_background": 0.1}, None),
        ({"speech_present": 0.0, "continuous_signal": 0.1}, "continuous_signal"),
        ({"speech_present": 1.0, "moderate_pace": 0.0, "full_bandwidth": 0.1, "no_clipping": 0.0}, None),
        ({"speech_present": 1.0, "low_background": 0.2, "continuous_signal": 0.1}, "continuous_signal"),
        ({"low_background": None}, None),
        ({"speech_present": 0.7, "low_background": 0.1}, "low_background"),
        ({"speech_present": None, "low_background": 0.1}, "low_background"),
        ({"speech_present": 1.0, "low_background": 0.35}, None),
    ],
)
def test_only_labels_that_make_words_unintelligible_spoil_a_stretch(
    recent: dict[str, float | None], expected: str | None
) -> None:
    scores = {label_id: LabelScore(score, {}) for label_id, score in recent.items()}
    assert spoiled_by(LABELS, scores) == expected


def test_a_session_marks_the_four_seconds_that_recent_looks_back() -> None:
    """Windows end each second and ``recent`` fails from 20 to 25 s: half of the look-backs do from 17 to 24 s."""
    judge = SessionJudge(LABELS)
    good = {"speech_present": 1.0, "low_background": 0.9, "continuous_signal": 1.0}
    for second in range(3, 41):
        add(judge, second, good, recent={**good, "low_background": 0.1} if 20 <= second <= 25 else good)
    assert judge.conclude().unusable_spans == [Span(17 * RATE, 24 * RATE, "low_background")]


def test_a_session_tells_its_spans_with_the_label_at_fault() -> None:
    judge = SessionJudge(LABELS)
    for second in range(3, 101):
        bad = 20 <= second <= 29
        add(judge, second, {"speech_present": 1.0, "low_background": 0.1 if bad else 0.9, "continuous_signal": 1.0})
    [span] = judge.conclude().unusable_spans
    assert span.why == "low_background"
    assert judge.conclude().overall.verdict == "accept"
    assert "未听清，请重问" in judge.conclude().advice.zh
