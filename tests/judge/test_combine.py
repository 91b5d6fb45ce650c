"""A label's score in one window: weighted mean of the available evidence, null with a reason if there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.combine import combine, weighted_mean
from server.judge.curves import evaluate
from server.judge.labels import Curve, Label, LabelKind
from server.values.scores import Opinion, Why
from server.values.text import Text
from tests.judge.builders import content, quality

UNIT = st.floats(0.0, 1.0)


def test_score_is_the_weighted_mean_of_the_evidence() -> None:
    label = quality("a", clap=True, weights=(("acoustic", 3.0), ("clap", 1.0)))
    score = combine(label, {"acoustic": Opinion(0.8), "clap": Opinion(0.4)})
    assert score.score == pytest.approx(0.7)
    assert score.evidence == {"acoustic": 0.8, "clap": 0.4, "transcript": None}
    assert score.why is None


def test_null_evidence_is_left_out_of_the_mean() -> None:
    score = combine(quality("a", clap=True), {"acoustic": Opinion(0.6), "clap": Opinion(None, Why.SHED)})
    assert score.score == 0.6
    assert score.why is None


def test_evidence_counts_also_where_a_kind_before_it_is_null() -> None:
    score = combine(quality("a", clap=True), {"acoustic": Opinion(None, Why.NO_SPEECH), "clap": Opinion(0.6)})
    assert score.score == 0.6
    assert score.evidence["clap"] == 0.6


def test_a_kind_without_a_weight_of_its_own_weighs_one() -> None:
    label = quality("a", clap=True, weights=(("clap", 3.0),))
    assert combine(label, {"acoustic": Opinion(0.8), "clap": Opinion(0.4)}).score == pytest.approx(0.5)


def test_shed_is_reported_only_if_nothing_else_could_score() -> None:
    assert combine(quality("a"), {"acoustic": Opinion(None, Why.SHED)}).why is Why.SHED


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (quality("a"), Why.NO_EVIDENCE),
        (content("c"), Why.NEEDS_TRANSCRIPT),
        (Label("x", Text("某", "某"), LabelKind.QUALITY), Why.UNSCORABLE),
    ],
)
def test_a_missing_source_says_what_is_needed(label: Label, why: Why) -> None:
    score = combine(label, {})
    assert score.score is None
    assert score.why is why


def test_a_label_of_texts_alone_needs_clap() -> None:
    label = Label("x", Text("x", "x"), LabelKind.QUALITY, clap=quality("a", clap=True).clap)
    assert combine(label, {"acoustic": Opinion(0.9)}).why is Why.NEEDS_CLAP


def test_processing_is_reported_before_a_missing_scorer() -> None:
    opinions = {"acoustic": Opinion(None, Why.PROCESSING_ENABLED), "clap": None}
    assert combine(quality("a", clap=True), opinions).why is Why.PROCESSING_ENABLED  # type: ignore[arg-type]  # narrower keys


def test_content_is_never_scored_by_sound() -> None:
    score = combine(content("c"), {"clap": Opinion(0.9), "acoustic": Opinion(0.9)})
    assert score.score is None
    assert score.evidence == {"acoustic": None, "clap": None, "transcript": None}


@given(UNIT, UNIT, st.floats(0.01, 100), st.floats(0.01, 100))
def test_scores_stay_between_the_evidence(a: float, b: float, wa: float, wb: float) -> None:
    label = quality("a", clap=True, weights=(("acoustic", wa), ("clap", wb)))
    score = combine(label, {"acoustic": Opinion(a), "clap": Opinion(b)}).score
    assert score is not None
    assert min(a, b) - 1e-9 <= score <= max(a, b) + 1e-9
    assert 0.0 <= score <= 1.0


CURVE = Curve(((0.0, 0.1), (12.6, 0.7), (20.0, 1.0)))


@pytest.mark.parametrize(("x", "y"), [(-50.0, 0.1), (0.0, 0.1), (6.3, 0.4), (12.6, 0.7), (20.0, 1.0), (1e9, 1.0)])
def test_curves_are_linear_between_points_and_flat_outside(x: float, y: float) -> None:
    assert evaluate(CURVE, x) == pytest.approx(y)


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_a_rising_curve_never_falls(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert evaluate(CURVE, low) <= evaluate(CURVE, high)


def test_a_curve_of_one_point_is_flat() -> None:
    assert evaluate(Curve(((3.0, 0.5),)), -1.0) == evaluate(Curve(((3.0, 0.5),)), 4.0) == 0.5


def test_evidence_exactly_at_the_threshold_passes() -> None:
    label = quality("a", clap=True, weights=(("acoustic", 1.0), ("clap", 0.5)))
    assert combine(label, {"acoustic": Opinion(0.7), "clap": Opinion(0.7)}).score == 0.7


@given(st.lists(st.tuples(UNIT, st.floats(0.0, 100.0)), max_size=20))
def test_a_weighted_mean_lies_among_the_values_that_count(weighted: list[tuple[float, float]]) -> None:
    counting = [value for value, weight in weighted if weight > 0.0]
    mean = weighted_mean(weighted)
    assert (mean is None) == (not counting)
    assert mean is None or min(counting) <= mean <= max(counting)
