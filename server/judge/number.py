"""The overall score: how good the sound is, bounded so that it never contradicts the labels.

The constants, and ``harm`` in labels/telemedicine.toml, were fitted to speech spoiled in known ways, against ESTOI and
PESQ of the same speech unspoiled (bench/pairs.py): a plain mean of the labels follows these less well than DNSMOS alone
does. ``training/fit_number.py ROWS`` fits them again, to the rows of ``bench/pairs_table.py FOLDER --rows ROWS``.
"""

import math
from collections.abc import Sequence

from server.judge.combine import weighted_mean
from server.judge.labels import Label
from server.judge.share import capped_by, may_pass

PASSED = 0.70
POOR_UNDER = 0.35
"""Where every number is read alike: at 0.70 a recording passes, below 0.35 it is hard to hear."""
LOWEST_BOUND = 0.30
"""A recording of which nothing can be heard is not below this: nobody knows how it sounds."""

MOS_COUNTS = 0.95
WORST_MOS, BEST_MOS = 1.8, 3.2
"""DNSMOS overall at ``WORST_MOS`` takes ``MOS_COUNTS`` of the quality, from ``BEST_MOS`` on nothing."""

CLEAR_POWER, USABLE_POWER, POOR_POWER = 3.0, 1.9, 0.03
"""How strongly the quality orders recordings that pass, those of which a label fails, and those of which one is poor.
The last is small, so that only what is bad in several ways is under 0.30, where nobody can use it: ESTOI under about
0.45. Any power keeps the order."""

CLEAR_RISE = 0.75
"""Power of what the worst label has over its line, where all pass."""
USABLE_FROM, NEARLY_PASSED, NEARLY_USABLE = 0.5, 0.1, 0.03
"""From 0.35 to ``USABLE_FROM`` the worst label bounds the number; over the other two, below 0.70 and below 0.35, the
quality begins to count. Steeper would fit better, but is a cliff."""

JUST_FAILED, JUST_POOR = PASSED - 1e-9, POOR_UNDER - 1e-9
"""So that rounding lifts nothing over a line that it did not reach."""

Scored = Sequence[tuple[Label, float]]
"""Quality labels with their scores, 0..1."""


def overall_score(scored: Scored, *, mos: float | None = None, unheard: float = 0.0) -> float | None:
    """0..1, or ``None`` if no label counts. Never falls when a label or ``mos`` rises, or ``unheard`` falls.

    0.70 or more if the recording ``passes``, less if it does not, under 0.35 if it ``is_poor``: sound that is good
    otherwise cannot hide the worst label. Never above the best label.
    """
    if not any(label.weight > 0.0 for label, _ in scored):
        return None
    bounding = [placed(label, score) for label, score in scored if label.threshold > 0.0]
    if bounding:
        number = min(_bounded(quality(scored, mos), min(bounding)), max(bounding))
    else:
        number = weighted_mean([(score, label.weight) for label, score in scored]) or 0.0
    cap = capped_by(unheard, PASSED, LOWEST_BOUND)
    return min(number, max(cap, PASSED) if may_pass(unheard) else min(cap, JUST_FAILED))


def passes(scored: Scored, number: float | None, unheard: float) -> bool:
    """Whether every label reaches its line, and no more is ``unheard`` than a pass allows. Where no label has a line,
    the ``number`` decides alone."""
    labels_pass = all(score >= line_of(label) for label, score in scored)
    return labels_pass and may_pass(unheard) and (number is None or number >= PASSED)


def is_poor(scored: Scored) -> bool:
    """Whether a label that requires something is below 0.35."""
    return any(score < POOR_UNDER for label, score in scored if label.threshold > 0.0)


def line_of(label: Label) -> float:
    """What the label must reach in a recording that passes: its threshold, but what is below 0.35 stays poor, however
    low a request puts the threshold. A threshold of 0 requires nothing: such a label is only shown."""
    return max(label.threshold, POOR_UNDER) if label.threshold > 0.0 else 0.0


def quality(scored: Scored, mos: float | None) -> float:
    """How good the sound is, 0..1: each label takes as much as its failure harms, DNSMOS what it misses."""
    good = 1.0
    if mos is not None:
        heard = min(max((mos - WORST_MOS) / (BEST_MOS - WORST_MOS), 0.0), 1.0)
        good -= MOS_COUNTS * (1.0 - heard)
    for label, score in scored:
        good *= math.pow(1.0 - label.harm * (1.0 - score), label.weight)
    return good


def placed(label: Label, score: float) -> float:
    """``score`` with the label's line moved to 0.70, so that scores of all labels mean the same."""
    line = line_of(label)
    if score >= line:
        return PASSED + (1.0 - PASSED) * (score - line) / (1.0 - line) if line < 1.0 else 1.0
    if score < POOR_UNDER:
        return score
    return min(POOR_UNDER + (PASSED - POOR_UNDER) * (score - POOR_UNDER) / (line - POOR_UNDER), JUST_FAILED)


def _bounded(good: float, worst: float) -> float:
    """``good`` (0..1) on the side of 0.70 and of 0.35 on which the ``worst`` label lies."""
    if worst >= PASSED:
        over = math.pow((worst - PASSED) / (1.0 - PASSED), CLEAR_RISE)
        return min(PASSED + (1.0 - PASSED) * math.pow(good, CLEAR_POWER) * over, 1.0)
    if worst < POOR_UNDER:
        counts = min((POOR_UNDER - worst) / NEARLY_USABLE, 1.0)
        return min(POOR_UNDER * (1.0 - counts + counts * math.pow(good, POOR_POWER)), JUST_POOR)
    rising = min((worst - POOR_UNDER) / (USABLE_FROM - POOR_UNDER), 1.0)
    near = max(worst - PASSED + NEARLY_PASSED, 0.0) / NEARLY_PASSED
    usable = rising * (near + (1.0 - near) * math.pow(good, USABLE_POWER))
    return min(POOR_UNDER + (PASSED - POOR_UNDER) * usable, JUST_FAILED)
