"""The overall score: how good the sound is, bounded so that it never contradicts the labels.

The constants were fitted to speech spoiled in known ways, against ESTOI and PESQ of the same speech unspoiled
(bench/pairs.py): a plain mean of the labels follows these less well than DNSMOS alone does.
"""

import math
from collections.abc import Sequence

from server.judge.combine import weighted_mean
from server.judge.labels import Label
from server.judge.share import capped_by

PASSED = 0.70
POOR_UNDER = 0.35
"""Where every number is read alike: at 0.70 a recording passes, below 0.35 it is hard to hear."""
LOWEST_BOUND = 0.30
"""A single poor label, or a recording of which nothing can be heard, is not below this; bad in several ways is."""

MOS_COUNTS = 0.9
WORST_MOS, BEST_MOS = 1.0, 3.6
"""DNSMOS overall at ``WORST_MOS`` takes nine tenths of the score, from ``BEST_MOS`` on nothing."""

LOWEST_THRESHOLD = 0.45
"""A request may lower a threshold; what is below 0.35 stays poor."""
POOR_ENDS, RAMP = 0.5, 0.1
"""Bounds change over this stretch of the worst label, so that no label makes the number jump."""


def overall_score(
    scored: Sequence[tuple[Label, float]], *, mos: float | None = None, unheard: float = 0.0
) -> float | None:
    """0..1, or ``None`` if no label counts. Never falls when a label or ``mos`` rises, or ``unheard`` falls.

    0.70 or more if every label with a threshold passes and little is ``unheard``, less if one fails, under 0.35 if one
    is poor: sound that is good otherwise cannot hide the worst label. Never above the best label.
    """
    if not any(label.weight > 0.0 for label, _ in scored):
        return None
    bounding = [placed(label, score) for label, score in scored if label.threshold > 0.0]
    if not bounding:
        return weighted_mean([(score, label.weight) for label, score in scored])
    bounded = min(_bounded(quality(scored, mos), min(bounding)), max(bounding))
    return min(bounded, capped_by(unheard, PASSED, LOWEST_BOUND))


def quality(scored: Sequence[tuple[Label, float]], mos: float | None) -> float:
    """How good the sound is, 0..1: each label takes as much as its failure harms, DNSMOS what it misses."""
    good = 1.0
    if mos is not None:
        heard = min(max((mos - WORST_MOS) / (BEST_MOS - WORST_MOS), 0.0), 1.0)
        good -= MOS_COUNTS * (1.0 - heard)
    for label, score in scored:
        good *= math.pow(1.0 - label.harm * (1.0 - score), label.weight)
    return good


def placed(label: Label, score: float) -> float:
    """``score`` with the label's threshold moved to 0.70, so that scores of all labels mean the same."""
    threshold = max(label.threshold, LOWEST_THRESHOLD)
    if score >= threshold:
        return PASSED + (1.0 - PASSED) * (score - threshold) / (1.0 - threshold) if threshold < 1.0 else 1.0
    if score < POOR_UNDER:
        return score
    passed_share = (score - POOR_UNDER) / (threshold - POOR_UNDER)
    return min(POOR_UNDER + (PASSED - POOR_UNDER) * passed_share, JUST_FAILED)


JUST_FAILED = PASSED - 1e-9
"""So that rounding lifts no failing label to the threshold."""


def _bounded(good: float, worst: float) -> float:
    """``good`` (0..1) on the side of 0.70 and of 0.35 on which the ``worst`` label lies."""
    if worst >= PASSED:
        return PASSED + (1.0 - PASSED) * good * math.sqrt((worst - PASSED) / (1.0 - PASSED))
    near = max(worst - PASSED + RAMP, 0.0) / RAMP
    failing = PASSED * (near + (1.0 - near) * math.sqrt(good))
    return min(failing, _at_most(worst))


def _at_most(worst: float) -> float:
    if worst < POOR_UNDER:
        return LOWEST_BOUND + (POOR_UNDER - LOWEST_BOUND) * worst / POOR_UNDER
    rising = min((worst - POOR_UNDER) / (POOR_ENDS - POOR_UNDER), 1.0)
    return POOR_UNDER + (JUST_FAILED - POOR_UNDER) * rising
