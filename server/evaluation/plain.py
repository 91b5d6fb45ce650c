"""The evaluation as plain JSON values: what ``--format json`` prints and ``report.json`` holds."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from server.evaluation.agreement import Agreement
from server.evaluation.evaluation import Evaluation
from server.evaluation.findings import Condition, Findings
from server.evaluation.statistics import Figures, Interval

Json = dict[str, Any]


def plain(evaluation: Evaluation) -> Json:
    """The evaluation without NaN; numbers rounded to four digits."""
    held_out = evaluation.cross_validated
    return {
        "dictionary": {
            "name": evaluation.labels.dictionary,
            "version": evaluation.labels.version,
            "digest": evaluation.labels.digest,
        },
        "groups": list(evaluation.groups),
        "folds": evaluation.folds if held_out else 0,
        "cross_validated": _findings(held_out) if held_out else None,
        "as_given": _findings(evaluation.as_given),
        "fitted": [
            {
                "label": move.label,
                "measure": move.measure,
                "decision_before": move.before,
                "decision_after": move.after,
                "curve": [list(point) for point in move.curve.points],
            }
            for move in evaluation.moved
        ],
        "faults": [asdict(fault) for fault in evaluation.faults],
        "ignored_columns": list(evaluation.ignored),
    }


def _findings(findings: Findings) -> Json:
    return {
        "labels": {label_id: _figures(one) for label_id, one in findings.labels.items()},
        "subsets": {
            label_id: {name: _figures(one) for name, one in subsets.items()}
            for label_id, subsets in findings.subsets.items()
            if subsets
        },
        "prompts": {
            "known": findings.prompts_known,
            "right": findings.prompts_right,
            "fraction": _interval(findings.prompts),
        },
        "heard": None if findings.heard is None else _agreement(findings.heard),
        "conditions": {name: _condition(one) for name, one in findings.conditions.items()},
        "wrong": [
            {
                "path": one.row.name,
                "line": one.row.line,
                "prompts": one.conclusion.prompts,
                "verdict": one.conclusion.overall.verdict,
            }
            for one in findings.wrong
        ],
    }


def _agreement(found: Agreement) -> Json:
    shares = {"agreed": found.agreed, "kept": found.kept, "found": found.found}
    return asdict(found) | {name: _interval(one) for name, one in shares.items()}


def _condition(condition: Condition) -> Json:
    return {
        **asdict(condition),
        "given": dict(condition.given.most_common()),
        "verdicts": dict(condition.verdicts.most_common()),
    }


def _figures(figures: Figures) -> Json:
    values: Mapping[str, Any] = asdict(figures)
    kept = {name: _rounded(value) for name, value in values.items() if name not in {"auc", "balanced_accuracy", "bins"}}
    return {
        **kept,
        "auc": _interval(figures.auc),
        "balanced_accuracy": _interval(figures.balanced_accuracy),
        "reliability": [{"score": _rounded(b.score), "fine": _rounded(b.fine), "n": b.n} for b in figures.bins],
    }


def _interval(interval: Interval | None) -> Json | None:
    if interval is None:
        return None
    return {name: _rounded(value) for name, value in asdict(interval).items()}


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
