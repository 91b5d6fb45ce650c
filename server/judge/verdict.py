"""Derives the overall score, the verdict and the grade from label scores."""

from collections.abc import Mapping
from typing import Literal

from server.judge.labels import Label, LabelKind, LabelSet
from server.judge.number import POOR_UNDER, Scored, is_poor, overall_score, passes
from server.values.scores import Overall

Verdict = Literal["accept", "re-record", "unusable"]
Grade = Literal["clear", "usable", "poor", "nodata"]

SPEECH_PRESENT = "speech_present"
UNUSABLE_UNDER = 0.3


def passed(label: Label, score: float | None) -> bool | None:
    """Whether the score reaches the label's threshold; ``None`` without a score."""
    return None if score is None else score >= label.threshold


def overall(
    labels: LabelSet,
    scores: Mapping[str, float | None],
    *,
    mos: float | None = None,
    unheard: float = 0.0,
    too_short: bool = False,
    waits: bool = False,
) -> Overall:
    """The judgement over one window, or over a session's aggregated scores (label id to score, 0..1 or null).

    ``scores`` includes ``speech_present`` even if the label set leaves it out: the verdict needs it. ``mos``: overall
    DNSMOS, 1..5. ``unheard``: share of what was said that cannot be heard, 0..1. ``waits``: the first seconds do not
    tell enough yet, so there is no judgement. Number, grade and verdict agree, whatever the thresholds: ``accept``
    means 0.70 or more and ``clear``, ``poor`` less than 0.35, ``unusable`` less than 0.30.
    """
    quality = [label for label in labels.shown() if label.kind is LabelKind.QUALITY]
    scored = [(label, score) for label in quality if (score := scores.get(label.id)) is not None]
    assessed = f"{sum(scores.get(label.id) is not None for label in labels.shown())} of {len(labels.shown())}"
    if waits:
        return Overall(score=None, grade="nodata", passed=False, verdict=None, assessed=assessed)
    speechless = any(
        label.id == SPEECH_PRESENT and passed(label, scores.get(label.id)) is False for label in labels.labels
    )
    score = overall_score(scored, mos=mos, unheard=unheard)
    if score is not None and (speechless or too_short):
        score = 0.0
    verdict: Verdict | None
    if too_short or speechless or (score is not None and score < UNUSABLE_UNDER):
        verdict = "unusable"
    elif not scored:
        verdict = None
    else:
        verdict = "accept" if passes(scored, score, unheard) else "re-record"
    grade = _grade(scored, verdict, score)
    return Overall(
        score=score,
        grade=grade,
        passed=verdict == "accept",
        verdict=verdict,
        assessed=assessed,
    )


def _grade(scored: Scored, verdict: Verdict | None, score: float | None) -> Grade:
    if not scored:
        return "nodata"
    if verdict == "unusable" or is_poor(scored) or (score is not None and score < POOR_UNDER):
        return "poor"
    return "clear" if verdict == "accept" else "usable"
