"""How much of the speech each label spoils, second by second, in bounded memory.

A window's ``recent`` scores look back over 4 s, so up to four of them cover each second; of a score that only whole
windows have, up to ten do. A second's own score is the third-lowest of four: three marks of four must say that it is
spoiled. So a fault of any length is counted for about as long as it lasted, although each mark that touches it may be
low.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.judge.labels import Label, LabelSet
from server.judge.number import POOR_UNDER
from server.judge.share import capped_by
from server.judge.spans import CONTINUOUS_SIGNAL, TAKES_WORDS
from server.values.stored import amount, count

NEAR_MISS, SPOILED_BY = 0.05, 0.1
"""How far below the threshold a second begins to count, and counts fully: a score just below the threshold is as often
a pause or a breath as real trouble. Of the seconds of made clean visits (bench/visits.py), one in a thousand lies
lower."""

EDGE_S, EDGE_SHARE = 1, 0.05
"""Seconds of spoiled speech that are spared, and at most which share of all: edges make a fault look longer."""

STEPS = 100
"""Scores are counted in hundredths."""


@dataclass(slots=True)
class _Second:
    """A second that windows to come may still cover. ``speech``: hundredths of a second of it. ``marks``: how many
    windows looked back over it; ``scores``: theirs, by label id."""

    start: int
    end: int
    speech: int
    marks: int = 0
    scores: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpoiledCounts:
    """Hundredths of a second of speech: of each label by the hundredths of its score, and by what takes its words."""

    by_label: dict[str, Counter[int]] = field(default_factory=dict)
    by_causes: Counter[frozenset[str]] = field(default_factory=Counter)
    """By the ids of the labels that make words unintelligible; by the empty set where they can be understood."""

    def add(self, second: _Second) -> None:
        """A second that no window to come will cover."""
        for label_id, scores in second.scores.items():
            length = STEPS if label_id == CONTINUOUS_SIGNAL else second.speech
            if length:
                own = sorted(scores)[_most_of(len(scores)) - 1]
                self.by_label.setdefault(label_id, Counter())[round(own * STEPS)] += length
        if second.speech and second.marks:
            self.by_causes[frozenset(_causes(second))] += second.speech

    def copy(self) -> "SpoiledCounts":
        """One that shares nothing."""
        return SpoiledCounts({one: Counter(counted) for one, counted in self.by_label.items()}, self.by_causes.copy())

    def only(self, label_ids: frozenset[str]) -> "SpoiledCounts":
        """Without all other labels: what only they made unintelligible counts as understood."""
        by_causes: Counter[frozenset[str]] = Counter()
        for causes, length in self.by_causes.items():
            by_causes[causes & label_ids] += length
        return SpoiledCounts({one: self.by_label[one] for one in self.by_label if one in label_ids}, by_causes)


class SpoiledSpeech:
    """Call ``add`` for each window in order, ``counts`` at any time."""

    def __init__(self) -> None:
        self._counts = SpoiledCounts()
        self._pending: list[_Second] = []
        self._end = 0
        self._so_far: SpoiledCounts | None = None  # with the pending seconds, until the next window

    def add(
        self, looks_back_to: int, end: int, rate: int, speech: Sequence[int], scores: Mapping[str, float | None]
    ) -> None:
        """One window that ends at sample ``end``; its ``scores`` look back to ``looks_back_to``.

        ``speech``: hundredths of a second of speech in each of its seconds; the last one ends at ``end``.
        """
        self._so_far = None
        self._open(end, rate, speech)
        for second in self._pending:
            if second.start >= looks_back_to:
                second.marks += 1
                for label_id, score in scores.items():
                    if score is not None:
                        second.scores.setdefault(label_id, []).append(score)
        while self._pending and self._pending[0].start < looks_back_to:
            self._counts.add(self._pending.pop(0))

    def _open(self, end: int, rate: int, speech: Sequence[int]) -> None:
        """Begin the seconds that no window held before."""
        new = min(-(-(end - self._end) // rate), len(speech))
        for back in range(new, 0, -1):
            start = max(end - back * rate, self._end)
            self._pending.append(_Second(start, end - (back - 1) * rate, speech[-back]))
        self._end = end

    def counts(self) -> SpoiledCounts:
        """Of all seconds so far; never changed by what follows."""
        if self._so_far is None:
            self._so_far = self._counts.copy()
            for second in self._pending:
                self._so_far.add(second)
        return self._so_far

    def keep_only(self, label_ids: frozenset[str]) -> None:
        """Forget all other labels."""
        self._so_far = None
        self._counts = self._counts.only(label_ids)
        for second in self._pending:
            second.scores = {label_id: scores for label_id, scores in second.scores.items() if label_id in label_ids}

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "end": self._end,
            "counts": {label_id: sorted(counted.items()) for label_id, counted in self._counts.by_label.items()},
            "causes": [[sorted(causes), length] for causes, length in self._counts.by_causes.items()],
            "pending": [
                [
                    one.start,
                    one.end,
                    one.speech,
                    one.marks,
                    {label_id: list(scores) for label_id, scores in one.scores.items()},
                ]
                for one in self._pending
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "SpoiledSpeech":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot."""
        restored = cls()
        restored._end = count(state["end"])
        by_label = {
            str(label_id): Counter({count(at): count(length) for at, length in counted})
            for label_id, counted in state["counts"].items()
        }
        by_causes = Counter(
            {frozenset(str(one) for one in causes): count(length) for causes, length in state["causes"]}
        )
        restored._counts = SpoiledCounts(by_label, by_causes)
        restored._pending = [
            _Second(
                count(start),
                count(end),
                count(speech),
                count(marks),
                {str(label_id): [amount(score) for score in scores] for label_id, scores in by_label.items()},
            )
            for start, end, speech, marks, by_label in state["pending"]
        ]
        return restored


def caps(labels: LabelSet, counts: SpoiledCounts) -> dict[str, float]:
    """The best score that each label can have, by id; absent where nothing was counted."""
    counted = counts.by_label
    return {label.id: _cap(label, counted[label.id]) for label in labels.labels if label.id in counted}


def unheard_share(counts: SpoiledCounts) -> float:
    """Share of the speech, 0..1, in which no word can be understood."""
    total = counts.by_causes.total()
    return 1.0 - counts.by_causes[frozenset()] / total if total else 0.0


def _most_of(marks: int) -> int:
    """How many of them must say that a second is spoiled."""
    return (3 * marks + 2) // 4


def _causes(second: _Second) -> list[str]:
    """The labels that make it unintelligible. A window without a score of a label finds no fault."""
    least = _most_of(second.marks)
    return [
        label_id
        for label_id, scores in second.scores.items()
        if label_id in TAKES_WORDS and sum(score < POOR_UNDER for score in scores) >= least
    ]


def _cap(label: Label, counted: Counter[int]) -> float:
    """Falls with every score that falls: both the share and the mean shortfall grow with each second spoiled."""
    total, threshold = counted.total(), label.threshold
    if not total or threshold <= 0.0:
        return 1.0
    share = shortfall = 0.0
    for at, length in sorted(counted.items()):
        spoiled = _severity(at / STEPS, threshold) * length / total
        share += spoiled
        shortfall += spoiled * (threshold - at / STEPS)
    if share <= 0.0:
        return 1.0
    spared = max(share - min(EDGE_S * STEPS / total, EDGE_SHARE), 0.0)
    return capped_by(spared, threshold, max(threshold - shortfall / share, 0.0))


def _severity(score: float, threshold: float) -> float:
    """How far a second with this score is spoiled, 0..1. A low threshold leaves less room below it."""
    room = min(threshold / SPOILED_BY, 1.0)
    return min(max((threshold - score - NEAR_MISS * room) / ((SPOILED_BY - NEAR_MISS) * room), 0.0), 1.0)
