"""Audio that the network lost, as the sender declared it: always told, never judged."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.judge.judgement import Span
from server.values.stored import count

LOST = "lost"
"""``why`` of a span that holds no audio at all."""

MIN_LOST_S = 0.3
"""Shorter losses cost no word; they only count in the share that was lost."""


class LostAudio:
    """The losses of one session or file. Call ``add`` for each window in order."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []
        self._total = 0
        self._end = 0

    def add(self, lost: Sequence[tuple[int, int]], start: int, end: int, rate: int) -> None:
        """The runs ``lost`` within the window ``[start, end)``; what earlier windows told of them is not counted again.

        No window ends where all of it was lost, so a loss that lasts from one window to the start of a later one covers
        what lies between them.
        """
        for first, last in lost:
            begins = max(first, self._end) if first > start else self._end
            if last > begins:
                self._append(begins, last, rate)
        self._end = end

    def _append(self, start: int, end: int, rate: int) -> None:
        self._total += end - start
        if self._runs and self._runs[-1][1] >= start:
            self._runs[-1] = (self._runs[-1][0], end)
        else:
            # A short run that cannot grow any more makes no span: only its length counts.
            if self._runs and self._runs[-1][1] - self._runs[-1][0] < MIN_LOST_S * rate:
                self._runs.pop()
            self._runs.append((start, end))

    def spans(self, rate: int) -> list[Span]:
        """Those of at least 0.3 s, in order."""
        return [Span(start, end, LOST) for start, end in self._runs if end - start >= MIN_LOST_S * rate]

    def share(self) -> float:
        """Share of all audio so far, 0..1, that was lost."""
        return self._total / self._end if self._end else 0.0

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {"runs": list(self._runs), "total": self._total, "end": self._end}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "LostAudio":
        """Raises KeyError, TypeError or ValueError if ``state`` is not a snapshot."""
        restored = cls()
        restored._runs = [(count(start), count(end)) for start, end in state["runs"]]
        restored._total, restored._end = count(state["total"]), count(state["end"])
        return restored
