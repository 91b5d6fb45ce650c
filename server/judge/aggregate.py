"""Aggregates the windows of a session or file to one score per label. The order of windows does not matter."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server.judge.labels import Aggregate, Label

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

UNWEIGHTED = frozenset({"speech_present", "continuous_signal"})
"""Labels whose ``typical`` ignores speech seconds: weighting by speech would ignore the windows without speech."""


class ScoreSeries:
    """The sorted scores of one label with the speech of their windows; adding one costs O(n) copying.

    ``speech``: hundredths of a second of speech in the window, as an integer, so that weights add up exactly.
    """

    def __init__(self) -> None:
        self._values: Float64Array = np.empty(64)
        self._speech: Int64Array = np.empty(64, dtype=np.int64)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @classmethod
    def of(cls, scores: Sequence[tuple[float, int]]) -> "ScoreSeries":
        """All of ``(value, speech)`` at once, as if added one by one."""
        column = cls()
        if scores:
            values = np.array([value for value, _ in scores], dtype=np.float64)
            order = np.argsort(values, kind="stable")
            column._values = values[order]
            column._speech = np.array([speech for _, speech in scores], dtype=np.int64)[order]
            column._n = len(scores)
        return column

    def add(self, value: float, speech: int) -> None:
        """Add ``value`` (0..1). The caller leaves out null scores."""
        if self._n == self._values.shape[0]:
            self._values = np.resize(self._values, 2 * self._n)
            self._speech = np.resize(self._speech, 2 * self._n)
        place = int(np.searchsorted(self._values[: self._n], value, side="right"))
        self._values[place + 1 : self._n + 1] = self._values[place : self._n]
        self._speech[place + 1 : self._n + 1] = self._speech[place : self._n]
        self._values[place] = value
        self._speech[place] = speech
        self._n += 1

    def aggregate(self, label: Label) -> float | None:
        """The aggregate so far by the label's rule, of the windows alone; ``None`` without scores."""
        values, speech = self._values[: self._n], self._speech[: self._n]
        if self._n == 0:
            return None
        if label.aggregate is Aggregate.BEST:
            return float(values[-1])
        if label.aggregate is Aggregate.WORST:
            return _worst(values, speech)
        return middle_mean(values, None if label.id in UNWEIGHTED else speech)

    def typical(self) -> float | None:
        """The mean of the middle half so far, weighted by speech; ``None`` if nothing was added."""
        return middle_mean(self._values[: self._n], self._speech[: self._n]) if self._n else None


def middle_mean(values: Float64Array, weights: Int64Array | None) -> float:
    """Mean of the middle half of sorted ``values``, each counted ``weights`` times; unweighted if no weight is above 0.

    A median without its cliff: as more and more windows fail, it falls step by step, not at one half all at once.
    """
    if weights is None or not weights.any():
        weights = np.ones(values.shape[0], dtype=np.int64)
    cumulated = 4 * np.cumsum(weights)
    total = int(cumulated[-1]) // 4
    # Integers, so that equal values give exactly that value, in whatever order they came.
    counted = np.clip(cumulated, total, 3 * total) - np.clip(cumulated - 4 * weights, total, 3 * total)
    distinct, starts = np.unique(values, return_index=True)
    held = np.add.reduceat(counted, starts)
    mean = float(np.dot(distinct, held)) / (2 * total)
    inside = distinct[held > 0]
    return float(min(max(mean, inside[0]), inside[-1]))


def _worst(values: Float64Array, speech: Int64Array) -> float:
    with_speech = values[speech > 0]
    considered = with_speech if with_speech.shape[0] else values
    worst = considered[: math.ceil(considered.shape[0] / 10)]
    # Clamped to the averaged values: rounding must not push scores exactly at the threshold below it.
    return float(min(max(worst.mean(), worst[0]), worst[-1]))
