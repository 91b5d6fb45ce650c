"""Where in a recording: the minute to hear first, and when each label failed. From the logged windows, all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.assessment.window_log import LoggedWindow, LoggedWindows
from server.judge.judgement import Span
from server.judge.labels import Label, LabelKind

BEST_S = 60
"""Length of the part that a doctor should hear first."""
JOIN_S = 2
"""Times of a label this close together are one."""

Stretch = tuple[int, int]
"""Samples of the input rate, half-open."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """``best``: the minute with the most speech that can be heard, ``None`` if nobody speaks. ``failed``: by label,
    where its windows lie under its threshold."""

    best: Stretch | None = None
    failed: Mapping[str, tuple[Stretch, ...]] = field(default_factory=dict)


def timeline_of(
    windows: LoggedWindows, labels: Mapping[str, Label], unusable: Sequence[Span], samples: int, rate: int
) -> Timeline:
    """``labels``: those shown; only those of quality count. ``unusable``: spans in order; ``samples``: the length."""
    whole = any(not window.partial for window in windows)
    quality = {name: label for name, label in labels.items() if label.kind is LabelKind.QUALITY and label.threshold}
    worth: list[tuple[int, int, float]] = []
    failed: dict[str, list[Stretch]] = {name: [] for name in quality}
    for window in windows:
        if whole and window.partial:
            continue
        worth.append((window.start_sample, window.end_sample, _worth(window, quality, unusable)))
        for name, label in quality.items():
            judged = window.labels.get(name)
            if judged is not None and judged.score is not None and judged.score < label.threshold:
                _join(failed[name], _middle(window, samples, rate), JOIN_S * rate)
    times = {name: tuple(stretches) for name, stretches in failed.items()}
    return Timeline(_best(worth, samples, BEST_S * rate), times)


def _worth(window: LoggedWindow, quality: Mapping[str, Label], unusable: Sequence[Span]) -> float:
    """Seconds of speech, less by how far the worst label lies under its threshold; none where a part cannot be used."""
    if any(span.start_sample < window.end_sample and window.start_sample < span.end_sample for span in unusable):
        return 0.0
    shares = [
        judged.score / label.threshold
        for name, label in quality.items()
        if (judged := window.labels.get(name)) is not None and judged.score is not None
    ]
    return window.speech_s * min(1.0, *shares) if shares else window.speech_s


def _middle(window: LoggedWindow, samples: int, rate: int) -> Stretch:
    """The second that a window stands for: in its middle, and up to the edge at either end of the recording."""
    middle = (window.start_sample + window.end_sample) // 2
    start = 0 if window.start_sample == 0 else middle - rate // 2
    end = samples if window.end_sample + rate > samples else middle + rate // 2
    return start, end


def _join(stretches: list[Stretch], new: Stretch, within: int) -> None:
    if stretches and new[0] - stretches[-1][1] <= within:
        start, end = stretches.pop()
        new = start, max(end, new[1])
    stretches.append(new)


def _best(worth: Sequence[tuple[int, int, float]], samples: int, length: int) -> Stretch | None:
    """Of all stretches of ``length`` that begin with a window, the first of those worth most."""
    if not any(value for _, _, value in worth):
        return None
    if samples <= length:
        return 0, samples
    best, most, total, last = (0, length), 0.0, 0.0, 0
    for first, (start, _, value) in enumerate(worth):
        while last < len(worth) and worth[last][1] <= start + length:
            total += worth[last][2]
            last += 1
        if total > most + 1e-9:
            most, best = total, (start, start + length)
        if last > first:
            total -= value
    return best[0], min(best[1], samples)
