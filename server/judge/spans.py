"""Finds stretches that could not be heard from the ``recent`` scores of successive windows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from server.judge.judgement import Span
from server.judge.labels import LabelSet
from server.judge.verdict import POOR_UNDER, SPEECH_PRESENT
from server.values.scores import LabelScore

MIN_SPAN_S = 3
"""Shorter stretches are not reported: the sentence around them still makes sense."""
JOIN_S = 2
"""Stretches this close together are merged: a doctor asks again once."""
CONTINUOUS_SIGNAL = "continuous_signal"
"""Spoils a stretch even without speech: where the signal is gone, nobody knows what was said."""
TAKES_WORDS = frozenset(
    {"low_background", "close_enough", "intelligible", "low_reverberation", "no_crosstalk", CONTINUOUS_SIGNAL}
)
"""Labels that make words unintelligible when they are poor. Telephone sound, clipping and fast speech sound bad, but
can be understood.
"""


class Mark(NamedTuple):
    """The last seconds before ``end_sample``; ``why`` is the label that spoils them, if any."""

    start_sample: int
    end_sample: int
    why: str | None


def spoiled_by(labels: LabelSet, recent: Mapping[str, LabelScore]) -> str | None:
    """The worst of those labels whose ``recent`` score is poor while someone speaks, or ``None``."""
    presence = recent.get(SPEECH_PRESENT)
    threshold = next((label.threshold for label in labels.labels if label.id == SPEECH_PRESENT), 0.0)
    silent = presence is not None and presence.score is not None and presence.score < threshold
    poor: list[tuple[float, str]] = []
    for label in labels.shown():
        if label.id not in TAKES_WORDS or (silent and label.id != CONTINUOUS_SIGNAL):
            continue
        score = recent[label.id].score if label.id in recent else None
        if score is not None and score < POOR_UNDER:
            poor.append((score, label.id))
    return min(poor)[1] if poor else None


def unusable_spans(marks: Sequence[Mark], sample_rate: int) -> list[Span]:
    """Spans of at least 3 s, in order and separate.

    Marks cover several seconds and overlap; a stretch between two mark ends is spoiled if at least half of the marks
    that cover it are. So a short fault does not grow by the length of a mark at its edges.
    """
    if all(mark.why is None for mark in marks):
        return []
    spans: list[Span] = []
    reasons: Counter[str] = Counter()
    first = 0
    for index, mark in enumerate(marks):
        start = max(mark.start_sample, marks[index - 1].end_sample if index else 0)
        while marks[first].end_sample <= start:
            first += 1
        covering = [other for other in _from(marks, first) if other.start_sample < mark.end_sample]
        spoiled = [other.why for other in covering if other.why is not None]
        if 2 * len(spoiled) < len(covering):
            continue
        piece = Counter(spoiled)
        if spans and start - spans[-1].end_sample <= JOIN_S * sample_rate:
            reasons += piece
            spans[-1] = Span(spans[-1].start_sample, mark.end_sample, _most(reasons))
        else:
            reasons = piece
            spans.append(Span(start, mark.end_sample, _most(reasons)))
    return [span for span in spans if span.end_sample - span.start_sample >= MIN_SPAN_S * sample_rate]


def _from(marks: Sequence[Mark], first: int) -> Sequence[Mark]:
    """The marks that may cover a stretch just after ``first``: each mark overlaps only a few others."""
    return marks[first : first + 16]


def _most(reasons: Counter[str]) -> str:
    return max(sorted(reasons), key=lambda why: reasons[why])
