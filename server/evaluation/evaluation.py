"""The evaluation: each recording is analysed once, then judged by the given labels and by labels fitted without it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.evaluation.findings import Findings, JudgedRow, find
from server.evaluation.fitting import Moved, fit, moves
from server.evaluation.folds import folds
from server.evaluation.listening import ListenedRecording, judge_again
from server.evaluation.manifest import Manifest, ManifestFault, Row
from server.judge.labels import LabelSet


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``as_given``: by the requested labels. ``cross_validated``: each recording judged with curves fitted without its
    sources; ``None`` if not requested. ``fitted``: labels fitted to all recordings."""

    labels: LabelSet
    judged: tuple[JudgedRow, ...]
    """Judged by the labels as given."""
    as_given: Findings
    cross_validated: Findings | None
    fitted: LabelSet
    moved: tuple[Moved, ...]
    faults: tuple[ManifestFault, ...]
    groups: tuple[str, ...]
    ignored: tuple[str, ...]
    folds: int
    least_fitted: int
    """Size of the smallest set of recordings that a fold was fitted to."""


def evaluate(
    manifest: Manifest,
    heard: Mapping[int, ListenedRecording],
    labels: LabelSet,
    n_folds: int,
    faults: Sequence[ManifestFault] = (),
    advance: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """``heard``: recordings by manifest line; a line without one could not be read. ``faults``: faults found since the
    manifest was read. ``advance`` is called with the number of folds done."""
    rows = [row for row in manifest.rows if row.line in heard]
    listened = [heard[row.line] for row in rows]
    truths = [row.truth for row in rows]
    tested = [place for place, row in enumerate(rows) if not row.fit_only]
    judged = [JudgedRow(rows[place], judge_again(listened[place], labels)) for place in tested]
    fitted = fit(labels, listened, truths)
    held_out, least = _cross_validated(rows, listened, labels, n_folds, advance)
    return Evaluation(
        labels=labels,
        judged=tuple(judged),
        as_given=find(judged, labels, manifest.groups),
        cross_validated=find(held_out, labels, manifest.groups) if held_out else None,
        fitted=fitted,
        moved=moves(labels, fitted),
        faults=tuple(sorted([*manifest.faults, *faults], key=lambda fault: fault.line)),
        groups=manifest.groups,
        ignored=manifest.ignored,
        folds=min(n_folds, len(tested)),
        least_fitted=least,
    )


def _cross_validated(
    rows: Sequence[Row], heard: Sequence[ListenedRecording], labels: LabelSet, n: int, advance: Callable[[int], None]
) -> tuple[list[JudgedRow], int]:
    found: dict[int, JudgedRow] = {}
    least = len(rows)
    for done, (fitted_on, judged_places) in enumerate(folds(rows, n), start=1):
        least = min(least, len(fitted_on))
        fitted = fit(labels, [heard[place] for place in fitted_on], [rows[place].truth for place in fitted_on])
        for place in judged_places:
            found[place] = JudgedRow(rows[place], judge_again(heard[place], fitted))
        advance(done)
    return [found[place] for place in sorted(found)], least
