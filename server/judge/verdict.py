"""Derives the overall score, the verdict and the grade from label scores."""

from collections.abc import Mapping
from typing import Literal

from server.judge.combine import weighted_mean
from server.judge.labels import Label, LabelKind, LabelSet
from server.values.scores import Overall

Verdict = Literal["accept", "re-record", "unusable"]
Grade = Literal["clear", "usable", "poor", "nodata"]

SPEECH_PRESENT = "speech_present"
UNUSABLE_UNDER = 0.3
POOR_UNDER = 0.35


def passed(label: Label, score: float | None) -> bool | None:
    """Whether the score reaches the label's threshold; ``None`` without a score."""
    return None if score is None else score >= label.threshold


def overall(labels: LabelSet, scores: Mapping[str, float | None], *, too_short: bool = False) -> Overall:
    """The judgement over one window, or over a session's aggregated scores (label id to score, 0..1 or null).

    ``scores`` includes ``speech_present`` even if the label set leaves it out: the verdict needs it.
    """
    quality = [label for label in labels.shown() if label.kind is LabelKind.QUALITY]
    scored = [(label, score) for label in quality if (score := scores.get(label.id)) is not None]
    mean = weighted_mean([(score, label.weight) for label, score in scored])
    speechless = any(
        label.id == SPEECH_PRESENT and passed(label, scores.get(label.id)) is False for label in labels.labels
    )
    verdict: Verdict | None
    if too_short or speechless or (mean is not None and mean < UNUSABLE_UNDER):
        verdict = "unusable"
    elif not scored:
        verdict = None
    else:
        verdict = "accept" if all(score >= label.threshold for label, score in scored) else "re-record"
    assessed = sum(scores.get(label.id) is not None for label in labels.shown())
    return Overall(
        score=mean,
        grade=_grade(scored, verdict),
        passed=verdict == "accept",
        verdict=verdict,
        assessed=f"{assessed} of {len(labels.shown())}",
    )


def _grade(scored: list[tuple[Label, float]], verdict: Verdict | None) -> Grade:
    if not scored:
        return "nodata"
    # A label with threshold 0.0 is only a sound to show; it requires nothing of the recording.
    if verdict == "unusable" or any(score < POOR_UNDER for label, score in scored if label.threshold > 0.0):
        return "poor"
    return "clear" if verdict == "accept" else "usable"
