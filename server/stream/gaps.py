"""The stretches that the peer declared lost."""

from collections import deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from server.values.audio import CORE_RATE
from server.values.rows import ROW_RATE

IDLE_AFTER_S = 10
"""A gap is idle from 10 s after its start: no window that ends there holds any audio."""


class Gaps:
    """The declared gaps of the last seconds, merged, as input-rate spans; the rest of the input is audio."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._spans: deque[tuple[int, int]] = deque()

    def add(self, start: int, end: int) -> None:
        """Samples ``[start, end)`` are lost; ``start`` is not before the end of the gap added last."""
        if self._spans and self._spans[-1][1] == start:
            start = self._spans.pop()[0]
        self._spans.append((start, end))

    def forget_before(self, sample: int) -> None:
        """Drop gaps that end before ``sample``."""
        while self._spans and self._spans[0][1] < sample:
            self._spans.popleft()

    def reaching(self, sample: int) -> int | None:
        """Start of the gap that holds the sample before ``sample``, or ``None``."""
        return next((start for start, end in self._spans if start < sample <= end), None)

    def covers(self, start: int, end: int) -> bool:
        """Whether all of ``[start, end)`` (input rate, from 0) is one gap."""
        return any(first <= max(0, start) and end <= last for first, last in self._spans)

    def reach_beyond(self, sample: int) -> bool:
        """Whether ``sample`` or one after it is lost."""
        return bool(self._spans) and self._spans[-1][1] > sample

    def idle(self, core_start: int, core_end: int) -> bool:
        """Whether ``[core_start, core_end)`` (16 kHz indices) and the 10 s up to ``core_end`` are gap."""
        if not self._spans:
            return False
        start = max(0, min(core_start, core_end - IDLE_AFTER_S * CORE_RATE))
        rate = self._rate
        return any(
            first * CORE_RATE <= start * rate and core_end * rate <= last * CORE_RATE for first, last in self._spans
        )

    def rows(self, hop: int, rows: int) -> npt.NDArray[np.bool_]:
        """Which of the first ``rows`` rows of hop number ``hop`` hold a lost sample, bool ``(rows,)``."""
        return row_mask(self._spans, self._rate, hop, rows)


def row_mask(spans: Iterable[tuple[int, int]], rate: int, hop: int, rows: int) -> npt.NDArray[np.bool_]:
    """Which of the first ``rows`` rows of hop number ``hop`` hold a sample of ``spans``, bool ``(rows,)``.

    ``spans``: half-open, in samples of ``rate``.
    """
    mask = np.zeros(rows, np.bool_)
    base = hop * rate
    for first, last in spans:
        start, end = max(first - base, 0), min(last - base, rate)
        if start < end:
            # Row i covers [i*sr//100, (i+1)*sr//100): the last row that begins at or before a sample holds it.
            mask[_row_of(start, rate) : _row_of(end - 1, rate) + 1] = True
    return mask


def _row_of(sample: int, rate: int) -> int:
    return ((sample + 1) * ROW_RATE - 1) // rate
