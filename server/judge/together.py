"""Where two people near the microphone speak at once, in the last seconds. Sans-IO."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.rows import ROW_RATE, BoolArray, runs
from server.values.stored import count
from server.values.windows import WINDOW_S

KEPT_ROWS = WINDOW_S * ROW_RATE
"""What a window can still ask about."""
UNKNOWN = -1.0
"""A row that nobody was asked about, or where audio was lost."""


def _nothing() -> npt.NDArray[np.int8]:
    return np.zeros(0, np.int8)


@dataclass(slots=True)
class SpokenTogether:
    """Call ``add`` for successive stretches, in order; ``rows`` at any time. ``end``: the row after the last one.
    ``told``: of the last 10 s before it: 1 two at once, 0 not, -1 unknown."""

    end: int = 0
    told: npt.NDArray[np.int8] = field(default_factory=_nothing)

    def add(self, start: int, together: BoolArray, present: BoolArray) -> None:
        """``together``: two speak at once, in rows from ``start`` on. ``present``: audio arrived."""
        between = np.full(min(max(start - self.end, 0), KEPT_ROWS), UNKNOWN, np.int8)
        new = np.where(present, together.astype(np.int8), np.int8(UNKNOWN))
        self.told = np.concatenate((self.told, between, new))[-KEPT_ROWS:]
        self.end = start + together.shape[0]

    def rows(self, start: int, n: int) -> Float32Array:
        """Rows ``[start, start + n)``, float32 ``(n,)``: 1 two at once, 0 not, -1 unknown."""
        found = np.full(n, UNKNOWN, np.float32)
        first = self.end - self.told.shape[0]
        low, high = max(start, first), min(start + n, self.end)
        if low < high:
            found[low - start : high - start] = self.told[low - first : high - first]
        return found

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: runs of rows."""
        first = self.end - self.told.shape[0]
        of = {"together": self.told == 1, "apart": self.told == 0}
        return {"end": self.end, "rows": self.told.shape[0]} | {
            name: [[first + int(start), first + int(end)] for start, end in runs(mask)] for name, mask in of.items()
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What ``snapshot`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        end, rows = count(state["end"]), count(state["rows"])
        if rows > min(end, KEPT_ROWS):
            raise ValueError(f"{rows} rows kept of {end}")
        told = np.full(rows, UNKNOWN, np.int8)
        for name, value in (("apart", 0), ("together", 1)):
            for start, after in state[name]:
                told[max(count(start) - (end - rows), 0) : max(count(after) - (end - rows), 0)] = value
        return cls(end, told)
