"""Finds stretches that could not be heard from the ``recent`` scores of successive windows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from server.judge.judgement import Span
from server.judge.labels import LabelSet
from server.judge.number import POOR_UNDER
from server.judge.verdict import SPEECH_PRESENT
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


AT_MOST = 16
"""Maximum number of marks considered for one stretch: no mark looks back over more than a few others."""


HALF = (1, 2)


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


class SpanTracker:
    """The spans of marks that come one by one: ``add`` each in order of its end, ``spans`` at any time.

    Marks cover several seconds and overlap; a stretch between two mark ends is spoiled if enough of the marks that
    cover it are. So a short fault does not grow by the length of a mark at its edges.

    A mark changes only the stretches that it looks back over; earlier ones are final, so a mark costs the same after
    two hours as after a minute.
    """

    def __init__(self, most_of: tuple[int, int] = HALF) -> None:
        """``most_of``: how many marks of how many must be spoiled for the stretch that they cover to be."""
        self.marks: list[Mark] = []
        self._most_of = most_of
        self._settled = _JoinedStretches()
        self._next = 0  # the first mark whose stretch is not settled yet
        self._first = 0  # the first mark that may cover that stretch

    def add(self, mark: Mark, sample_rate: int) -> None:
        """The next mark."""
        self.marks.append(mark)
        while self._next < len(self.marks) and self._is_settled():
            self._first = _take(self._settled, self.marks, self._next, self._first, sample_rate, self._most_of)
            self._next += 1

    def spans(self, sample_rate: int) -> list[Span]:
        """Spans of at least 3 s so far, in order, apart from each other. The last may still grow, shrink or go."""
        joined, first = self._settled.copy(), self._first
        for index in range(self._next, len(self.marks)):
            first = _take(joined, self.marks, index, first, sample_rate, self._most_of)
        return [span for span in joined.spans if span.end_sample - span.start_sample >= MIN_SPAN_S * sample_rate]

    def _is_settled(self) -> bool:
        """Whether no mark to come can cover the stretch: they look back no further than the last one."""
        reaches = self.marks[-1].start_sample < self.marks[self._next].end_sample
        return not reaches or len(self.marks) >= self._next + AT_MOST


class _JoinedStretches:
    """Spoiled stretches in order, those close to each other joined. ``reasons``: what spoils the last one."""

    def __init__(self, spans: Sequence[Span] = (), reasons: Mapping[str, int] = MappingProxyType({})) -> None:
        self.spans = list(spans)
        self._reasons = Counter(reasons)

    def copy(self) -> "_JoinedStretches":
        return _JoinedStretches(self.spans, self._reasons)

    def add(self, start: int, end: int, reasons: Counter[str], sample_rate: int) -> None:
        if self.spans and start - self.spans[-1].end_sample <= JOIN_S * sample_rate:
            self._reasons += reasons
            self.spans[-1] = Span(self.spans[-1].start_sample, end, _most(self._reasons))
        else:
            self._reasons = reasons
            self.spans.append(Span(start, end, _most(reasons)))


def without(spans: Sequence[Span], others: Sequence[Span], sample_rate: int) -> list[Span]:
    """The parts of ``spans`` outside ``others`` that are still worth asking again; both in order."""
    parts: list[Span] = []
    for span in spans:
        start = span.start_sample
        cuts = [other for other in others if other.end_sample > start and other.start_sample < span.end_sample]
        for other in cuts:
            parts.append(Span(start, other.start_sample, span.why))
            start = other.end_sample
        parts.append(Span(start, span.end_sample, span.why))
    whole = set(spans)
    least = MIN_SPAN_S * sample_rate
    return [part for part in parts if part in whole or part.end_sample - part.start_sample >= least]


def _take(
    joined: _JoinedStretches,
    marks: Sequence[Mark],
    index: int,
    first: int,
    sample_rate: int,
    most_of: tuple[int, int],
) -> int:
    """Add the stretch that ends with mark ``index``, if it is spoiled. ``first``: the first mark that may cover it, as
    the call for the mark before returned it."""
    mark = marks[index]
    start = max(mark.start_sample, marks[index - 1].end_sample if index else 0)
    while marks[first].end_sample <= start:
        first += 1
    covering = [other for other in marks[first : first + AT_MOST] if other.start_sample < mark.end_sample]
    spoiled = [other.why for other in covering if other.why is not None]
    least, of = most_of
    if of * len(spoiled) >= least * len(covering):
        joined.add(start, mark.end_sample, Counter(spoiled), sample_rate)
    return first


def _most(reasons: Counter[str]) -> str:
    return max(sorted(reasons), key=lambda why: reasons[why])
