"""Overall score, verdict and grade."""

import itertools
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.labels import Label
from server.judge.verdict import overall, passed
from server.values.scores import Overall
from tests.judge.builders import TELEMEDICINE, content, label_set, quality

SPEECH = quality("speech_present")
A, B = quality("a", weight=3.0), quality("b")
LABELS = label_set(SPEECH, A, B, content("c"))
HIDDEN = label_set(A, B, SPEECH, hidden=["speech_present"])


def judged(**scores: float | None) -> Overall:
    return overall(LABELS, {"speech_present": None, "a": None, "b": None, "c": None} | scores)


def test_overall_leans_to_the_worst_of_the_non_null_quality_labels() -> None:
    assert judged(a=1.0).score == 1.0
    assert judged(a=1.0, b=0.8, c=0.0).score == judged(a=1.0, b=0.8).score
    alone, beside = (cast(float, one.score) for one in (judged(b=0.4), judged(a=1.0, b=0.4)))
    assert alone == pytest.approx(0.4)
    assert alone < beside < 0.5


def test_accept_if_every_non_null_quality_label_passed() -> None:
    result = judged(speech_present=0.9, a=0.7, b=0.9)
    assert (result.verdict, result.passed, result.grade) == ("accept", True, "clear")


def test_re_record_if_one_failed() -> None:
    result = judged(speech_present=0.9, a=0.69, b=0.9)
    assert (result.verdict, result.passed, result.grade) == ("re-record", False, "usable")


def test_unusable_if_nobody_speaks() -> None:
    assert judged(speech_present=0.69, a=0.9, b=0.9).verdict == "unusable"


def test_speech_counts_for_the_verdict_even_where_it_was_not_asked_for() -> None:
    result = overall(HIDDEN, {"speech_present": 0.1, "a": 0.9, "b": 0.9})
    assert (result.verdict, result.grade) == ("unusable", "poor")
    assert result.score == 0.0
    assert result.assessed == "2 of 2"


def test_unusable_under_an_overall_of_three_tenths() -> None:
    """One poor label is heard beside a good one; where all is bad, nothing is left."""
    all_bad, one_bad = judged(a=0.2, b=0.2), judged(a=0.2, b=1.0)
    assert (all_bad.verdict, one_bad.verdict) == ("unusable", "re-record")
    assert cast(float, all_bad.score) < 0.3 <= cast(float, one_bad.score) < 0.35


@pytest.mark.parametrize(
    ("noise", "intelligible", "mos", "verdict"),
    [(0.35, 0.7, 2.3, "re-record"), (0.2, 0.75, 2.0, "re-record"), (0.1, 0.2, 1.2, "unusable")],
)
def test_noise_at_three_decibels_is_asked_for_again_and_under_zero_unusable(
    noise: float, intelligible: float, mos: float, verdict: str
) -> None:
    """Half of the words are understood at 3 dB (ESTOI 0.50), a third at -5 dB."""
    scores = {"speech_present": 1.0, "low_background": noise, "intelligible": intelligible}
    assert overall(TELEMEDICINE, scores, mos=mos).verdict == verdict


def test_too_short_is_unusable_without_data() -> None:
    result = overall(LABELS, {}, too_short=True)
    assert (result.verdict, result.grade, result.score, result.passed) == ("unusable", "nodata", None, False)


def test_no_verdict_if_no_quality_label_has_a_score() -> None:
    result = judged(c=0.9)
    assert (result.verdict, result.grade, result.passed) == (None, "nodata", False)


def test_poor_if_any_quality_label_is_below_the_poor_limit() -> None:
    assert judged(speech_present=1.0, a=1.0, b=0.34).grade == "poor"
    assert judged(speech_present=1.0, a=1.0, b=0.35).grade == "usable"


def test_assessed_counts_the_labels_with_a_score() -> None:
    assert judged(a=0.9, c=0.9).assessed == "2 of 4"


def test_weights_of_zero_leave_no_overall_score() -> None:
    zero = label_set(quality("a", weight=0.0))
    result = overall(zero, {"a": 0.9})
    assert (result.score, result.verdict) == (None, "accept")


def test_passed_is_null_if_the_score_is_null() -> None:
    assert passed(A, None) is None
    assert passed(A, 0.7) is True
    assert passed(A, 0.699) is False


def test_number_grade_and_verdict_never_contradict_each_other() -> None:
    """Every pair of scores on a grid, with and without DNSMOS and loss."""
    grid = [0.0, 0.1, 0.29, 0.3, 0.34, 0.35, 0.5, 0.6, 0.69, 0.6999999, 0.7, 0.71, 0.85, 1.0]
    for a, b, mos, unheard in itertools.product(grid, grid, (None, 1.0, 2.5, 4.0), (0.0, 0.12, 0.2, 0.9)):
        result = overall(LABELS, {"speech_present": 1.0, "a": a, "b": b}, mos=mos, unheard=unheard)
        score = cast(float, result.score)
        assert (score >= 0.7) == (result.verdict == "accept") == (result.grade == "clear")
        assert (score < 0.35) == (result.grade == "poor")
        assert (score < 0.3) == (result.verdict == "unusable")


@given(*[st.floats(0, 1)] * 4, st.floats(1, 5), st.floats(0, 0.5), st.floats(0, 1))
def test_overall_never_falls_when_anything_gets_better(
    a: float, b: float, better_a: float, better_b: float, mos: float, more: float, unheard: float
) -> None:
    def score(a: float, b: float, mos: float, unheard: float) -> float:
        result = overall(LABELS, {"speech_present": 1.0, "a": a, "b": b}, mos=mos, unheard=unheard).score
        return cast(float, result)

    before = score(a, b, mos, unheard)
    assert score(max(a, better_a), max(b, better_b), mos + more, unheard * more) >= before - 1e-12


@pytest.mark.parametrize("others", [{}, {"b": 0.75}])
def test_no_step_of_a_label_makes_a_larger_step_of_the_overall_score(others: dict[str, float]) -> None:
    """Steps of a twentieth of what a label falls to its threshold for the share of speech that a pass allows."""
    scores = [cast(float, judged(a=step / 1000, **{"b": 1.0, **others}).score) for step in range(1001)]
    assert all(0.0 <= after - before <= 0.03 for before, after in pairwise(scores))


def test_what_cannot_be_heard_lowers_the_number_and_the_verdict() -> None:
    def lost(share: float) -> Overall:
        return overall(LABELS, {"speech_present": 1.0, "a": 1.0, "b": 1.0}, unheard=share)

    scores = [cast(float, lost(percent / 100).score) for percent in range(101)]
    assert all(0.0 <= before - after <= 0.03 for before, after in pairwise(scores))
    assert (lost(0.05).verdict, lost(0.2).verdict, lost(1.0).grade) == ("accept", "re-record", "poor")


def test_silence_has_no_number_that_sounds_half_good() -> None:
    assert judged(speech_present=0.0, a=1.0, b=1.0).score == 0.0


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=4, max_size=4))
def test_overall_stays_in_range_and_passed_means_accept(values: list[float | None]) -> None:
    result = overall(LABELS, dict(zip(("speech_present", "a", "b", "c"), values, strict=True)))
    assert result.score is None or 0.0 <= result.score <= 1.0
    assert result.passed == (result.verdict == "accept")
    assert (result.grade == "nodata") == (values[:3] == [None] * 3)


def test_a_sound_with_threshold_zero_never_makes_a_recording_poor() -> None:
    labels = label_set(quality("a"), quality("wheeze", threshold=0.0, clear=0.75, weight=0.0))
    result = overall(labels, {"a": 0.9, "wheeze": 0.05})
    alone = overall(label_set(quality("a")), {"a": 0.9})
    assert (result.score, result.grade, result.verdict) == (alone.score, "clear", "accept")


def test_what_is_poor_cannot_be_accepted_however_low_its_threshold() -> None:
    labels = label_set(quality("a"), quality("b", threshold=0.2, clear=0.75))
    result = overall(labels, {"a": 0.9, "b": 0.3})
    assert (result.grade, result.verdict) == ("poor", "re-record")
    assert cast(float, result.score) < 0.35


@pytest.mark.parametrize("threshold", [0.1, 0.35, 0.36, 0.44])
def test_a_score_over_a_lowered_threshold_is_a_pass_in_number_grade_and_verdict(threshold: float) -> None:
    result = overall(label_set(quality("a", threshold=threshold)), {"a": 0.45})
    assert (result.verdict, result.grade) == ("accept", "clear")
    assert cast(float, result.score) >= 0.7


@pytest.mark.parametrize(("score", "verdict"), [(0.2, "unusable"), (0.5, "re-record"), (0.8, "accept")])
def test_where_every_threshold_is_zero_the_number_decides(score: float, verdict: str) -> None:
    result = overall(label_set(quality("a", threshold=0.0)), {"a": score})
    assert (result.score, result.verdict) == (score, verdict)


def test_what_cannot_be_heard_counts_where_every_threshold_is_zero() -> None:
    result = overall(label_set(quality("a", threshold=0.0)), {"a": 1.0}, unheard=0.5)
    assert (result.verdict, result.passed) == ("re-record", False)
    assert cast(float, result.score) < 0.7


LINES = st.one_of(st.sampled_from([0.0, 0.2, 0.34, 0.35, 0.36, 0.45, 0.7, 1.0]), st.floats(0, 1))
NAMES = ("speech_present", "a", "b")


@st.composite
def some_labels(draw: st.DrawFn) -> tuple[list[Label], dict[str, float | None]]:
    """Labels with any thresholds and weights, and scores that often lie just at or around a line."""
    weights = st.one_of(st.just(1.0), st.just(0.0), st.floats(0, 10))
    names = draw(st.sampled_from([NAMES, NAMES[:2], ("a",)]))
    labels = [quality(name, threshold=draw(LINES), clear=1.0, weight=draw(weights)) for name in names]
    values = st.sampled_from([0.0, 0.2, 0.3, 0.349999999999, 0.35, 0.7, 1.0])
    scores = {
        one.id: draw(st.one_of(values, st.floats(one.threshold, 1), st.floats(0, 1), st.none())) for one in labels
    }
    return labels, scores


@given(
    some_labels(),
    st.one_of(st.none(), st.floats(1, 5)),
    st.one_of(st.sampled_from([0.0, 0.12, 0.12000000000000001, 1.0]), st.floats(0, 1)),
    st.booleans(),
)
def test_whatever_the_thresholds_number_grade_and_verdict_agree(
    made: tuple[list[Label], dict[str, float | None]], mos: float | None, unheard: float, hidden: bool
) -> None:
    labels, scores = made
    asked = label_set(*labels, hidden=["speech_present"] if hidden else [])
    result = overall(asked, scores, mos=mos, unheard=unheard)
    assert (result.verdict == "accept") == (result.grade == "clear") == result.passed
    assert result.verdict != "unusable" or result.grade in {"poor", "nodata"}
    if result.score is not None:
        assert (result.score >= 0.7) == (result.verdict == "accept")
        assert (result.score < 0.35) == (result.grade == "poor")
        assert (result.score < 0.3) == (result.verdict == "unusable")
    if result.verdict == "accept":
        counted = [(one, score) for one in asked.shown() if (score := scores.get(one.id)) is not None]
        assert all(score >= one.threshold for one, score in counted)
