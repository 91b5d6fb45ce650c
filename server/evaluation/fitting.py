"""Fits curves to recordings whose truth is known by moving them along their measures.

A curve keeps its shape: a few dozen recordings show where the threshold lies, not what shape the curve has.
Decibels, rates and MOS are shifted; ratios and seconds, whose curves begin at 0, are scaled. All curves of a label
move together, so that their combination is fitted. Moving has a cost, so nothing moves without reason, and a label
with few recordings of either kind stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from server.evaluation.listening import ListenedRecording, full_windows
from server.judge.labels import AcousticEvidence, Curve, Label, LabelSet

Floats = npt.NDArray[np.float64]

LEAST = 8
"""Fewer recordings of one kind than this cannot improve on the shipped curves."""
STEEPNESS = 15.0
"""Log-odds per unit of score: a score 0.1 above its threshold means a probability of 82 %."""
ALARM_COST = 2.0
"""A false alarm asks a patient to fix something that is fine; it counts as much as two misses."""
PULL = 0.02
"""Cost of moving a curve by a quarter of its width, in nats; keeps the curve where the data do not decide."""
FARTHEST = 4.0
"""Largest move, in quarters of the curve's width: no curve leaves the range that it was made for."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The decision of one curve (the measure at the label's threshold), before and after."""

    label: str
    measure: str
    before: float
    after: float
    curve: Curve


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of the recordings with a truth. ``parts``: their measure per curve, ``(n, p)``, NaN = absent."""

    parts: Floats
    fine: npt.NDArray[np.bool_]
    weights: Floats


def fit(labels: LabelSet, heard: Sequence[ListenedRecording], truths: Sequence[Mapping[str, bool]]) -> LabelSet:
    """``labels`` with acoustic curves moved to fit ``truths`` (per recording: label id to fine or not)."""
    return replace(labels, labels=tuple(_fitted(label, heard, truths) for label in labels.labels))


def moves(before: LabelSet, after: LabelSet) -> tuple[Moved, ...]:
    """Every curve that moved."""
    found = []
    for old, new in zip(before.labels, after.labels, strict=True):
        if old.acoustic is None or new.acoustic is None:
            continue
        for a, b in zip(old.acoustic.parts, new.acoustic.parts, strict=True):
            if a.curve != b.curve:
                places = (decision(a.curve, old.threshold), decision(b.curve, old.threshold))
                found.append(Moved(old.id, a.measure, *places, b.curve))
    return tuple(found)


def decision(curve: Curve, threshold: float) -> float:
    """The measure at which ``curve`` gives ``threshold``; the nearest end if it never does."""
    x, y = np.array(curve.points, np.float64).T
    order = np.argsort(y, kind="stable")
    return float(np.interp(threshold, y[order], x[order]))


def _fitted(label: Label, heard: Sequence[ListenedRecording], truths: Sequence[Mapping[str, bool]]) -> Label:
    kinds = [truth[label.id] for truth in truths if label.id in truth]
    if label.acoustic is None or min(kinds.count(True), kinds.count(False)) < LEAST:
        return label
    windows = _windows(label, label.acoustic, heard, truths)
    if windows is None:
        return label
    acoustic = label.acoustic
    # A curve whose measure is absent from every window cannot be fitted.
    free = np.flatnonzero(~np.isnan(windows.parts).all(axis=0))

    def loss(steps: Floats) -> float:
        moved = np.zeros(len(acoustic.parts))
        moved[free] = steps
        return _loss(acoustic, windows, moved, label.threshold)

    found = minimize(loss, np.zeros(free.shape[0]), method="Powell", bounds=[(-FARTHEST, FARTHEST)] * free.shape[0])
    steps = np.zeros(len(acoustic.parts))
    if found.fun < loss(np.zeros(free.shape[0])) - 1e-3:
        steps[free] = found.x
    parts = tuple(
        part if step == 0 else replace(part, curve=_rounded(_moved(part.curve, step)))
        for part, step in zip(acoustic.parts, steps, strict=True)
    )
    return replace(label, acoustic=replace(acoustic, parts=parts))


def _windows(
    label: Label, acoustic: AcousticEvidence, heard: Sequence[ListenedRecording], truths: Sequence[Mapping[str, bool]]
) -> _Windows | None:
    rows: list[list[float]] = []
    fine: list[bool] = []
    weights: list[float] = []
    for one, truth in zip(heard, truths, strict=True):
        if label.id not in truth:
            continue
        counted = full_windows(one)
        for window in counted:
            measured = [window.values.get(part.measure, np.nan) for part in acoustic.parts]
            if all(np.isnan(measured)):
                continue
            rows.append(measured)
            fine.append(truth[label.id])
            weights.append(1 / len(counted))
    if len(set(fine)) < 2:
        return None
    return _Windows(np.array(rows), np.array(fine), np.array(weights))


def _loss(acoustic: AcousticEvidence, windows: _Windows, steps: Floats, threshold: float) -> float:
    """Mean log-loss of each kind, false alarms counted ``ALARM_COST`` times, plus the cost of the moves."""
    evidence = np.column_stack(
        [
            _evaluate(_moved(part.curve, float(step)), windows.parts[:, place])
            for place, (part, step) in enumerate(zip(acoustic.parts, steps, strict=True))
        ]
    )
    score = _combined(acoustic, evidence)
    signed = np.where(windows.fine, 1.0, -1.0) * STEEPNESS * (score - threshold)
    losses = np.logaddexp(0.0, -signed)
    fine, others = (np.average(losses[kind], weights=windows.weights[kind]) for kind in (windows.fine, ~windows.fine))
    return float((ALARM_COST * fine + others) / (ALARM_COST + 1) + PULL * np.sum(np.square(steps)))


def _combined(acoustic: AcousticEvidence, evidence: Floats) -> Floats:
    """Mean or minimum over the curves whose measure exists: ``model/acoustic/opinions.py`` vectorised over windows."""
    if acoustic.combine == "min":
        return np.asarray(np.nanmin(evidence, axis=1), np.float64)
    weights = np.array([part.weight for part in acoustic.parts]) * ~np.isnan(evidence)
    return np.asarray((np.nan_to_num(evidence) * weights).sum(axis=1) / weights.sum(axis=1), np.float64)


def _evaluate(curve: Curve, values: Floats) -> Floats:
    x, y = np.array(curve.points, np.float64).T
    return np.asarray(np.where(np.isnan(values), np.nan, np.interp(np.nan_to_num(values), x, y)), np.float64)


def _moved(curve: Curve, step: float) -> Curve:
    """``curve`` moved by ``step`` quarters of its width; a curve that begins at 0 is scaled, by up to a factor of 8."""
    x = np.array([point[0] for point in curve.points])
    if len(x) < 2:
        return curve
    x = x * 2.0 ** (0.75 * step) if x[0] == 0 else x + step * (x[-1] - x[0]) / 4
    return Curve(tuple((float(a), point[1]) for a, point in zip(x, curve.points, strict=True)))


def _rounded(curve: Curve) -> Curve:
    """Four significant digits: readable in a file, and more precise than any fit."""
    return Curve(tuple((float(f"{x:.4g}"), y) for x, y in curve.points))
