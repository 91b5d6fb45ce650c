"""The figures: against known values, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from server.evaluation.statistics import best_threshold, figures, reliability, wilson

SCORED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=40).filter(
    lambda pairs: len({fine for _, fine in pairs}) == 2
)


@given(SCORED)
@settings(max_examples=25)  # a bootstrap each
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    scores, truth = [score for score, _ in pairs], [fine for _, fine in pairs]
    found = figures(scores, truth, [str(place) for place in range(len(pairs))], 0.7)
    assert found.auc is not None
    assert found.balanced_accuracy is not None
    assert found.auc.value == pytest.approx(roc_auc_score(truth, scores))
    passed = [score >= 0.7 for score in scores]
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, passed))


def test_null_scores_are_counted_and_count_nowhere_else() -> None:
    found = figures([0.9, 0.1, None, None], [True, False, True, False], list("abcd"), 0.7)
    assert (found.fine, found.others, found.unscored) == (1, 1, 2)
    assert found.auc is not None
    assert found.auc.value == 1.0


def test_recordings_of_one_kind_give_no_figure() -> None:
    assert figures([0.9, 0.8], [True, True], list("ab"), 0.7).auc is None


def test_recordings_of_one_speaker_make_the_interval_wider() -> None:
    rng = np.random.default_rng(3)
    truth = [bool(place % 2) for place in range(80)]
    scores = [float(np.clip(0.5 + 0.15 * fine + rng.normal(0, 0.2), 0, 1)) for fine in truth]
    alone = figures(scores, truth, [str(place) for place in range(80)], 0.6).auc
    together = figures(scores * 4, truth * 4, [str(place) for place in range(80)] * 4, 0.6).auc
    naive = figures(scores * 4, truth * 4, [str(place) for place in range(320)], 0.6).auc
    widths = [one.high - one.low for one in (alone, together, naive) if one and one.low and one.high]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
    assert widths[2] < 0.7 * widths[0]


def test_a_threshold_stays_if_no_other_is_better() -> None:
    values, fine = np.array([0.1, 0.2, 0.9, 0.95]), np.array([False, False, True, True])
    assert best_threshold(values, fine, 0.7) == (0.7, 1.0)
    assert best_threshold(values, fine, 0.05) == pytest.approx((0.55, 1.0))


def test_reliability_bins_hold_every_recording_once() -> None:
    values = np.linspace(0, 1, 23)
    bins = reliability(values, values > 0.4)
    assert sum(one.n for one in bins) == 23
    assert [one.score for one in bins] == sorted(one.score for one in bins)


def test_wilson_interval_of_ten_of_ten_reaches_below_one() -> None:
    # Agresti and Coull 1998: 10 of 10 gives 0.722 as the lower bound.
    found = wilson(10, 10)
    assert found.low == pytest.approx(0.722, abs=0.001)
    assert found.high == 1.0
