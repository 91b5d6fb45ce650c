"""The course of the last minute, for observers who come late or reload their page."""

from collections.abc import Mapping

from server.assessment.window_log import LoggedWindow, LoggedWindows
from server.judge.labels import LabelKind, LabelSet
from server.values.rounding import rounded
from server.wire.watching import TrendPoint

TREND_S = 60
DRAWN_THRESHOLD = 0.7
"""Where the doctor's page draws the threshold of every label, whatever its own is."""


def trend(windows: LoggedWindows, labels: LabelSet, rate: int) -> list[TrendPoint]:
    """Of the windows that ended within the last minute, oldest first. ``rate``: of the input, Hz."""
    thresholds = {label.id: label.threshold for label in labels.shown() if label.kind is LabelKind.QUALITY}
    latest = windows[-TREND_S - 1 :]  # one a second at most
    if not latest:
        return []
    since = latest[-1].end_sample - TREND_S * rate
    return [_point(one, thresholds, rate) for one in latest if one.end_sample >= since]


def _point(window: LoggedWindow, thresholds: Mapping[str, float], rate: int) -> TrendPoint:
    scores = [
        _levelled(score.score, thresholds[label_id])
        for label_id, score in window.labels.items()
        if label_id in thresholds and score.score is not None
    ]
    heard = window.speech_ratio > 0 and scores
    return TrendPoint(at_s=window.end_sample / rate, score=rounded(min(scores)) if heard else None)


def _levelled(score: float, threshold: float) -> float:
    if score < threshold:
        return DRAWN_THRESHOLD * score / threshold
    return DRAWN_THRESHOLD + (1 - DRAWN_THRESHOLD) * (score - threshold) / (1 - threshold) if threshold < 1 else 1.0
