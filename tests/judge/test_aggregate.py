"""One score per label over the windows of a session: typical, worst, best; whatever their order."""

import math
import statistics
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.judge.aggregate import ScoreSeries
from server.judge.history import History
from server.judge.labels import Aggregate
from server.values.scores import LabelScore, Why
from tests.judge.builders import TELEMEDICINE, label_set, quality

TYPICAL = quality("a")
WORST = quality("a", aggregate=Aggregate.WORST)
BEST = quality("a", aggregate=Aggregate.BEST)
WINDOWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 1000)), min_size=1, max_size=150)


def column(windows: list[tuple[float, int]]) -> ScoreSeries:
    built = ScoreSeries()
    for value, speech in windows:
        built.add(value, speech)
    return built


@given(WINDOWS)
def test_typical_is_the_mean_of_the_middle_half_of_all_scores_counted_by_their_speech(
    windows: list[tuple[float, int]],
) -> None:
    expanded = [value for value, speech in windows for _ in range(speech)] or [value for value, _ in windows]
    quarters = sorted(value for value in expanded for _ in range(4))
    middle = quarters[len(expanded) : 3 * len(expanded)]
    assert column(windows).aggregate(TYPICAL) == pytest.approx(statistics.fmean(middle), abs=1e-12)


def test_typical_falls_step_by_step_as_more_windows_fail() -> None:
    scores = [column([(1.0, 500)] * (20 - bad) + [(0.0, 500)] * bad).aggregate(TYPICAL) for bad in range(21)]
    steps = [before - after for before, after in pairwise(cast(list[float], scores))]
    assert min(steps) >= 0.0
    assert max(steps) <= 0.1 + 1e-9
    assert (scores[0], scores[10], scores[-1]) == (1.0, 0.5, 0.0)


@given(WINDOWS)
def test_best_is_the_best_full_window(windows: list[tuple[float, int]]) -> None:
    assert column(windows).aggregate(BEST) == max(value for value, _ in windows)


def test_one_window_with_speech_settles_that_someone_speaks() -> None:
    """A patient who listens most of the time is no fault of the recording."""
    label = next(label for label in TELEMEDICINE.labels if label.id == "speech_present")
    assert column([(1.0, 500), *[(0.0, 0)] * 50]).aggregate(label) == 1.0


@pytest.mark.parametrize("value", [0.7, 0.35, 0.3, 0.1])
def test_an_aggregate_of_equal_scores_is_that_score(value: float) -> None:
    for windows in (1, 21, 95, 600, 7_200):
        assert column([(value, 500)] * windows).aggregate(WORST) == value
        assert column([(value, 501)] * windows).aggregate(TYPICAL) == value


@example([(0.1, 1), (0.9, 500)])
@given(WINDOWS)
def test_worst_is_the_mean_of_the_worst_tenth_of_the_windows_with_speech(windows: list[tuple[float, int]]) -> None:
    considered = sorted(value for value, speech in windows if speech) or sorted(value for value, _ in windows)
    expected = statistics.fmean(considered[: math.ceil(len(considered) / 10)])
    assert column(windows).aggregate(WORST) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("windows", "worst"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_a_tenth_of_the_windows_is_rounded_up(windows: int, worst: int) -> None:
    scores = [(second / 100, 500) for second in range(windows)]
    assert column(scores).aggregate(WORST) == pytest.approx(sum(range(worst)) / worst / 100)


@given(WINDOWS)
def test_any_is_the_maximum(windows: list[tuple[float, int]]) -> None:
    assert column(windows).aggregate(BEST) == max(value for value, _ in windows)


@given(WINDOWS, st.randoms(use_true_random=False), st.sampled_from([TYPICAL, WORST, BEST]))
def test_the_order_of_windows_does_not_change_an_aggregate(windows, random, label) -> None:  # type: ignore[no-untyped-def]  # hypothesis' own types
    shuffled = list(windows)
    random.shuffle(shuffled)
    assert column(windows).aggregate(label) == column(shuffled).aggregate(label)
    assert column(windows).aggregate(label) == ScoreSeries.of(shuffled).aggregate(label)


@pytest.mark.parametrize("label_id", ["speech_present", "continuous_signal"])
def test_typical_is_always_plain_for_labels_that_judge_missing_speech(label_id: str) -> None:
    windows = [(0.1, 0), (0.2, 0), (0.2, 0), (0.9, 900)]
    assert column(windows).aggregate(quality(label_id)) == 0.2
    assert column(windows).aggregate(quality("low_background")) == 0.9


def test_nothing_scorable_is_null() -> None:
    assert ScoreSeries().aggregate(TYPICAL) is None
    assert ScoreSeries().aggregate(WORST) is None


def history(windows: list[tuple[float | None, bool]]) -> History:
    built = History(label_set(quality("a")))
    for value, partial in windows:
        why = Why.NO_SPEECH if value is None else None
        built.add({"a": LabelScore(value, {"acoustic": value}, why)}, 5.0, partial=partial)
    return built


def test_full_windows_only_where_there_is_one() -> None:
    assert history([(0.1, True), (0.2, True)]).score("a") == pytest.approx(0.15)
    assert history([(0.1, True), (0.9, False), (0.2, True)]).score("a") == 0.9
    assert history([(0.1, True), (None, False)]).score("a") is None


def test_windows_with_a_null_score_are_left_out() -> None:
    assert history([(0.4, False), (None, False), (None, False)]).score("a") == 0.4


def test_an_aggregate_without_scores_says_why() -> None:
    concluded = history([(None, False)]).concluded("a")
    assert (concluded.score, concluded.why) == (None, Why.NO_SPEECH)


def test_evidence_is_aggregated_beside_the_score() -> None:
    built = History(label_set(quality("a", clap=True)))
    for acoustic, clap in [(0.2, 0.4), (0.6, None), (0.8, 1.0)]:
        built.add({"a": LabelScore(0.5, {"acoustic": acoustic, "clap": clap})}, 5.0, partial=False)
    assert built.concluded("a").evidence == {
        "acoustic": pytest.approx(0.5667, abs=1e-4),
        "clap": pytest.approx(0.7),
        "transcript": None,
    }


def test_few_dropouts_fail_continuous_signal() -> None:
    """Why its rule is ``worst``: one broken stretch in a minute is in a tenth of the windows or more."""
    label = next(label for label in TELEMEDICINE.labels if label.id == "continuous_signal")
    windows = [(1.0, 500)] * 41 + [(0.3, 500)] * 10
    aggregated = column(windows).aggregate(label)
    assert aggregated is not None
    assert aggregated < label.threshold
