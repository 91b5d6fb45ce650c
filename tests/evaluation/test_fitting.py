"""Folds without shared sources, and curves moved by data."""

from pathlib import Path

import numpy as np
import pytest

from server.dictionaries.loader import parse
from server.evaluation.fitting import decision, fit, moves
from server.evaluation.folds import folds
from server.evaluation.listening import ListenedRecording, WindowReading
from server.evaluation.manifest import Row
from server.evaluation.write_labels import VERSION, with_curves, written_elsewhere
from server.judge.judgement import WindowFacts
from server.judge.labels import LabelSet
from tests.judge.builders import RATE, TELEMEDICINE

LABELS = Path(__file__).resolve().parents[2] / "labels" / "telemedicine.toml"


def heard(**values: float) -> ListenedRecording:
    facts = WindowFacts(0, 10 * RATE, RATE, False, 8.0, 0.8)
    return ListenedRecording((WindowReading(facts, values, values, {}),))


def row(line: int, *groups: tuple[str, str], fit_only: bool = False) -> Row:
    return Row(line, Path("a"), "a", "all", "", fit_only, {}, None, frozenset(), frozenset(groups))


def snr_fitted(edge_db: float, n: int) -> LabelSet:
    """Recordings whose background is fine over ``edge_db`` of SNR, ``n`` on either side."""
    spread = np.linspace(0.5, 8, n)
    places = [*(edge_db - spread), *(edge_db + spread)]
    truths = [{"low_background": fine} for fine in [False] * n + [True] * n]
    return fit(TELEMEDICINE, [heard(snr_db=float(db)) for db in places], truths)


def test_no_source_is_on_both_sides_of_a_fold_and_every_recording_is_judged_once() -> None:
    rng = np.random.default_rng(5)
    rows = [
        row(line, ("speaker", str(rng.integers(12))), ("noise", str(rng.integers(6))), fit_only=line > 40)
        for line in range(60)
    ]
    judged_places: list[int] = []
    for fitted, judged in folds(rows, 10):
        here = frozenset().union(*(rows[place].groups for place in judged))
        assert not any(rows[place].groups & here for place in fitted)
        judged_places += judged
    assert sorted(judged_places) == [place for place, one in enumerate(rows) if not one.fit_only]


def test_a_curve_moves_to_where_the_recordings_change() -> None:
    (moved,) = [one for one in moves(TELEMEDICINE, snr_fitted(18.0, 20)) if one.measure == "snr_db"]
    assert abs(moved.after - 18.0) < 1.5
    assert moved.before == 13.1


def test_too_few_recordings_move_nothing() -> None:
    assert not moves(TELEMEDICINE, snr_fitted(18.0, 7))


def test_a_curve_keeps_its_shape_and_its_order() -> None:
    fitted = snr_fitted(18.0, 20)
    for label in fitted.labels:
        for part in label.acoustic.parts if label.acoustic is not None else ():
            x = [point[0] for point in part.curve.points]
            assert x == sorted(set(x))


def test_written_labels_hold_the_fitted_curves_and_every_comment() -> None:
    source = LABELS.read_text(encoding="utf-8")
    fitted = snr_fitted(18.0, 20)
    text = with_curves(source, moves(TELEMEDICINE, fitted), "labels.toml")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in source.splitlines() if line.startswith("#")
    ]
    written = parse(text, "labels.toml")
    assert written.version.endswith("+fitted")
    curves = {label.id: label.acoustic for label in written.labels}
    assert all(curves[label.id] == label.acoustic for label in fitted.labels if label.id in curves)
    as_heard = {label.id: label.acoustic_processed for label in TELEMEDICINE.labels}
    assert all(label.acoustic_processed == as_heard[label.id] for label in written.labels), (
        "no raw recording tells them"
    )


def test_included_labels_are_reported_with_the_file_of_their_curves() -> None:
    """A department's file only includes them: its copy would hold none of what was fitted."""
    moved = moves(TELEMEDICINE, snr_fitted(18.0, 20))
    assert written_elsewhere(moved, LABELS) == {}
    told = written_elsewhere(moved, LABELS.with_name("cardiology.toml"))
    assert told["low_background"] == "telemedicine"


def test_the_decision_is_where_the_curve_meets_the_threshold() -> None:
    for label in TELEMEDICINE.labels:
        for part in label.acoustic.parts if label.acoustic is not None else ():
            assert (
                min(x for x, _ in part.curve.points)
                <= decision(part.curve, 0.7)
                <= max(x for x, _ in part.curve.points)
            )


@pytest.mark.parametrize(("before", "after"), [("1+fitted", "1+fitted.2"), ("1+fitted.2", "1+fitted.3")])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_labels_fitted_again_get_another_version(before: str, after: str, quote: str) -> None:
    source = VERSION.sub(f"version = {quote}{before}{quote}", LABELS.read_text(encoding="utf-8"), count=1)
    text = with_curves(source, moves(TELEMEDICINE, snr_fitted(18.0, 20)), "labels.toml")
    assert parse(text, "labels.toml").version == after
