"""The stretches in which the far end speaks: the doctor's voice, which the patient's microphone may pick up."""

from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from server.stream.gaps import row_mask
from server.values.audio import CORE_RATE
from server.values.stored import count

TAIL_MS = 300
"""The loudspeaker's delay and the room's echo: the far end is heard this long after its own track has ended."""

_OPEN = 1 << 62
"""The end of a stretch that has not ended."""


class FarEnd:
    """Where the far end speaks, as input-rate spans with their tails, merged.

    ``mark`` at the position of the audio, ``reach`` with every piece of it. After a restore the audio is replayed, and
    what is known of it stays: the last mark before the known end says how it goes on from there.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._tail = sample_rate * TAIL_MS // 1000
        self._spans: deque[tuple[int, int]] = deque()
        self._known = 0
        self._replayed: bool | None = None

    def mark(self, speaking: bool, at: int) -> None:
        """The far end speaks, or stops, at sample ``at``, not before the last mark. Saying it twice changes nothing."""
        if at < self._known:
            self._replayed = speaking
        else:
            self._mark(speaking, at)

    def reach(self, received: int) -> None:
        """``received`` samples were taken; call before anything is computed from them."""
        if self._replayed is not None and received >= self._known:
            speaking, self._replayed = self._replayed, None
            self._mark(speaking, self._known)

    def _mark(self, speaking: bool, at: int) -> None:
        if self._spans and at <= self._spans[-1][1]:
            start, end = self._spans[-1]
            if speaking:
                self._spans[-1] = (start, _OPEN)
            elif end == _OPEN:
                self._spans[-1] = (start, at + self._tail)
        elif speaking:
            self._spans.append((at, _OPEN))

    def forget_before(self, sample: int) -> None:
        """Drop stretches that end before ``sample``."""
        while self._spans and self._spans[0][1] < sample:
            self._spans.popleft()

    def touches(self, core_start: int, core_end: int) -> bool:
        """Whether a sample of ``[core_start, core_end)`` (16 kHz indices) lies in a stretch."""
        return any(
            first * CORE_RATE < core_end * self._rate and core_start * self._rate < last * CORE_RATE
            for first, last in self._spans
        )

    def reaches_beyond(self, sample: int) -> bool:
        """Whether ``sample`` or one after it lies in a stretch, or may yet in one that a replay has not come to."""
        return self._replayed is not None or (bool(self._spans) and self._spans[-1][1] > sample)

    def rows(self, hop: int, rows: int) -> npt.NDArray[np.bool_]:
        """Which of the first ``rows`` rows of hop number ``hop`` hold a sample of a stretch, bool ``(rows,)``."""
        return row_mask(self._spans, self._rate, hop, rows)

    def snapshot(self, received: int) -> dict[str, Any]:
        """JSON-able; ``received``: samples taken so far."""
        return {
            "spans": [list(span) for span in self._spans],
            "known": max(received, self._known),
            "replayed": self._replayed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        self._spans = deque((count(start), count(end)) for start, end in state["spans"])
        self._known = count(state["known"])
        self._replayed = None if state["replayed"] is None else bool(state["replayed"])
