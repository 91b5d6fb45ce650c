"""The findings of one set of judgements: figures per label and condition."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.evaluation.agreement import Agreement, agreement
from server.evaluation.folds import cluster
from server.evaluation.manifest import Row
from server.evaluation.statistics import Figures, Interval, figures, wilson
from server.judge.judgement import Conclusion
from server.judge.labels import LabelSet


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A recording's truth and its judgement."""

    row: Row
    conclusion: Conclusion


@dataclass(slots=True)
class Confusion:
    """Counts of a label in one condition. ``found``/``missed``: recordings that are not fine; ``kept``/``alarms``: fine
    ones.
    """

    found: int = 0
    missed: int = 0
    kept: int = 0
    alarms: int = 0
    unscored: int = 0

    def count(self, fine: bool, passed: bool | None) -> None:
        """Add one recording: ``fine`` is its truth, ``passed`` the judgement, None without a score."""
        if passed is None:
            self.unscored += 1
        elif fine:
            self.kept += passed
            self.alarms += not passed
        else:
            self.missed += passed
            self.found += not passed


@dataclass(slots=True)
class Condition:
    """``prompts_known``/``verdicts_known``: recordings with expected prompts or an expected verdict."""

    n: int = 0
    prompts_known: int = 0
    prompts_right: int = 0
    given: Counter[str] = field(default_factory=Counter)
    verdicts_known: int = 0
    verdicts_right: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Confusion] = field(default_factory=dict)

    def count(self, judged: JudgedRow) -> None:
        """Add one recording to every figure for which its row has a truth."""
        row, conclusion = judged.row, judged.conclusion
        verdict = conclusion.overall.verdict
        self.n += 1
        self.given.update(conclusion.prompts)
        self.verdicts[verdict or "null"] += 1
        if row.prompts is not None:
            self.prompts_known += 1
            self.prompts_right += row.prompts.right(conclusion.prompts)
        if row.verdicts:
            self.verdicts_known += 1
            self.verdicts_right += verdict in row.verdicts
        for label_id, fine in row.truth.items():
            self.labels.setdefault(label_id, Confusion()).count(fine, conclusion.passed.get(label_id))


@dataclass(frozen=True, slots=True)
class Findings:
    """``subsets``: per label, the same figures with only one subset of the recordings that are not fine."""

    labels: Mapping[str, Figures]
    subsets: Mapping[str, Mapping[str, Figures]]
    conditions: Mapping[str, Condition]
    prompts: Interval | None
    prompts_known: int
    prompts_right: int
    heard: Agreement | None
    """With what doctors said; ``None``: of no recording did they."""
    wrong: tuple[JudgedRow, ...]
    """Recordings with a wrong or missing prompt, or a wrong verdict."""


def find(judged: Sequence[JudgedRow], labels: LabelSet, columns: Sequence[str]) -> Findings:
    """Figures over ``judged``; ``columns`` are the columns that group recordings."""
    conditions: dict[str, Condition] = {}
    for one in judged:
        conditions.setdefault(one.row.condition, Condition()).count(one)
    known = sum(condition.prompts_known for condition in conditions.values())
    right = sum(condition.prompts_right for condition in conditions.values())
    told = [label.id for label in labels.shown() if any(label.id in one.row.truth for one in judged)]
    return Findings(
        labels={label_id: _of_label(judged, labels, label_id, columns) for label_id in told},
        subsets={label_id: _subsets(judged, labels, label_id, columns) for label_id in told},
        conditions=conditions,
        prompts=wilson(right, known) if known else None,
        prompts_known=known,
        prompts_right=right,
        heard=agreement((one.row.heard, one.conclusion.overall.verdict) for one in judged),
        wrong=tuple(one for one in judged if not _is_right(one)),
    )


def _is_right(judged: JudgedRow) -> bool:
    row, conclusion = judged.row, judged.conclusion
    prompts = row.prompts is None or row.prompts.right(conclusion.prompts)
    return prompts and (not row.verdicts or conclusion.overall.verdict in row.verdicts)


def _of_label(judged: Sequence[JudgedRow], labels: LabelSet, label_id: str, columns: Sequence[str]) -> Figures:
    threshold = next(label.threshold for label in labels.labels if label.id == label_id)
    members = [one for one in judged if label_id in one.row.truth]
    return figures(
        [one.conclusion.labels[label_id].score for one in members],
        [one.row.truth[label_id] for one in members],
        [cluster(one.row, columns) for one in members],
        threshold,
    )


def _subsets(
    judged: Sequence[JudgedRow], labels: LabelSet, label_id: str, columns: Sequence[str]
) -> dict[str, Figures]:
    """Each subset of the recordings that are not fine, against all fine ones; empty if there is only one subset."""
    members = [one for one in judged if label_id in one.row.truth]
    names = sorted({one.row.subset for one in members if not one.row.truth[label_id]} - {""})
    if len(names) < 2:
        return {}
    return {
        name: _of_label(
            [one for one in members if one.row.truth[label_id] or one.row.subset == name], labels, label_id, columns
        )
        for name in names
    }
