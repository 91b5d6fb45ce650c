"""How much of the speech each label spoils, second by second, in bounded memory.

A window's ``recent`` score looks back over 4 s, so up to four of them cover each second. A second's own score is the
third-lowest of four: three marks of four must say that it is spoiled. So a fault of any length is counted for about as
long as it lasted, although each mark that touches it may be low.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.judge.labels import Label, LabelSet
from server.judge.share import capped_by
from server.judge.spans import CONTINUOUS_SIGNAL

NEAR_MISS, SPOILED_BY = 0.1, 0.3
"""How far below the threshold a second begins to count, and counts fully: ``recent`` is noisy, and a score just below
the threshold is as often a pause or a breath as real trouble."""

EDGE_S = 1
"""Seconds of spoiled speech that are spared: edges make a fault look longer, and a recording of 12 s is judged by its
windows of 10 s."""

STEPS = 100
"""Scores are counted in hundredths."""

UNHEARD = ""
"""Stands for a label in the counts: 0 for a second in which any label makes words unintelligible, else 1."""


@dataclass(slots=True)
class _Second:
    """A second that windows to come may still cover. ``speech``: hundredths of a second of it. ``scores``: of the
    windows that looked back over it, by label id."""

    start: int
    end: int
    speech: int
    scores: dict[str, list[float]] = field(default_factory=dict)


class SpoiledSpeech:
    """Call ``add`` for each window in order, ``cap`` and ``unheard_share`` at any time."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[int]] = {}
        self._pending: list[_Second] = []
        self._end = 0

    def add(
        self, looks_back_to: int, end: int, rate: int, speech: Sequence[int], recent: Mapping[str, float | None]
    ) -> None:
        """One window that ends at sample ``end``; its ``recent`` scores look back to ``looks_back_to``.

        ``speech``: hundredths of a second of speech in each of its seconds; the last one ends at ``end``.
        """
        self._open(end, rate, speech)
        for second in self._pending:
            if second.start >= looks_back_to:
                for label_id, score in recent.items():
                    if score is not None:
                        second.scores.setdefault(label_id, []).append(score)
        while self._pending and self._pending[0].start < looks_back_to:
            _count(self._counts, self._pending.pop(0))

    def _open(self, end: int, rate: int, speech: Sequence[int]) -> None:
        """Begin the seconds that no window held before."""
        new = min(-(-(end - self._end) // rate), len(speech))
        for back in range(new, 0, -1):
            start = max(end - back * rate, self._end)
            self._pending.append(_Second(start, end - (back - 1) * rate, speech[-back]))
        self._end = end

    def counts(self) -> dict[str, Counter[int]]:
        """Hundredths of a second of speech by the hundredths of its score, by label id."""
        counts = {label_id: Counter(counted) for label_id, counted in self._counts.items()}
        for second in self._pending:
            _count(counts, second)
        return counts

    def keep_only(self, label_ids: frozenset[str]) -> None:
        """Forget all other labels."""
        kept = label_ids | {UNHEARD}
        self._counts = {label_id: counted for label_id, counted in self._counts.items() if label_id in kept}
        for second in self._pending:
            second.scores = {label_id: scores for label_id, scores in second.scores.items() if label_id in kept}

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "end": self._end,
            "counts": {label_id: sorted(counted.items()) for label_id, counted in self._counts.items()},
            "pending": [
                [one.start, one.end, one.speech, {label_id: list(scores) for label_id, scores in one.scores.items()}]
                for one in self._pending
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "SpoiledSpeech":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot."""
        restored = cls()
        restored._end = int(state["end"])
        restored._counts = {
            str(label_id): Counter({int(at): int(count) for at, count in counted})
            for label_id, counted in state["counts"].items()
        }
        restored._pending = [
            _Second(
                int(start),
                int(end),
                int(speech),
                {str(label_id): [float(score) for score in scores] for label_id, scores in by_label.items()},
            )
            for start, end, speech, by_label in state["pending"]
        ]
        return restored


def caps(labels: LabelSet, counts: Mapping[str, Counter[int]]) -> dict[str, float]:
    """The best score that each label can have, by id; absent where nothing was counted."""
    return {label.id: _cap(label, counted) for label in labels.labels if (counted := counts.get(label.id)) is not None}


def unheard_share(counts: Mapping[str, Counter[int]]) -> float:
    """Share of the speech, 0..1, in which no word can be understood."""
    counted = counts.get(UNHEARD, Counter())
    total = counted.total()
    return counted[0] / total if total else 0.0


def _cap(label: Label, counted: Counter[int]) -> float:
    """Falls with every score that falls: both the share and the mean shortfall grow with each second spoiled."""
    total, threshold = counted.total(), label.threshold
    if not total or threshold <= 0.0:
        return 1.0
    share = shortfall = 0.0
    for at, count in sorted(counted.items()):
        spoiled = _severity(at / STEPS, threshold) * count / total
        share += spoiled
        shortfall += spoiled * (threshold - at / STEPS)
    if share <= 0.0:
        return 1.0
    spared = max(share - EDGE_S * STEPS / total, 0.0)
    return capped_by(spared, threshold, max(threshold - shortfall / share, 0.0))


def _severity(score: float, threshold: float) -> float:
    """How far a second with this score is spoiled, 0..1. A low threshold leaves less room below it."""
    room = min(threshold / SPOILED_BY, 1.0)
    return min(max((threshold - score - NEAR_MISS * room) / ((SPOILED_BY - NEAR_MISS) * room), 0.0), 1.0)


def _count(counts: dict[str, Counter[int]], second: _Second) -> None:
    for label_id, scores in second.scores.items():
        length = STEPS if label_id == CONTINUOUS_SIGNAL else second.speech
        if length:
            own = sorted(scores)[(3 * len(scores) + 2) // 4 - 1]
            counts.setdefault(label_id, Counter())[round(own * STEPS)] += length
