"""How long a label's ``recent`` score has stayed below its threshold or above ``clear``, in sample time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.judge.labels import Label
from server.values.stored import amounts
from server.values.windows import HOP_S, RECENT_S, WINDOW_S

FORGET_AFTER_S = WINDOW_S
"""Seconds without a score (null, or no window) after which what was known of a label no longer holds."""

CLEARLY_UNDER = 0.2
"""Real noise at 5 dB SNR falls this far below the threshold within a window or two; the observed false alarms on clean
speech stayed closer."""

FAR_UNDER = 0.3
"""Noise that falls this far below is told after two windows: made visits of 2.8 h gave no false prompt by it, while for
other labels it did (docs/decisions/0008)."""

LATER_BY_S = 2.0
"""A laugh or sneeze of 2.5 s stays in the last 4 s for up to five windows more."""


class Side(StrEnum):
    """Where a score lies: under the threshold, at or above the clear line, or between the two."""

    UNKNOWN = "unknown"
    UNDER = "under"
    BETWEEN = "between"
    ABOVE = "above"


@dataclass(slots=True)
class Run:
    """How long one label has stayed on one side of its lines.

    ``samples``: time since it was first seen there. Each further window adds the time since the previous one, but no
    more than ``recent`` covers: windows may be missing, and audio that was not judged proves nothing. Null scores
    neither end the stay nor extend it, until it is forgotten. ``lowest``: the worst score of the stay. ``known_at``:
    end of the last window with a score. ``shown_at``: when its prompt was last raised during this trouble, which ends
    above ``clear``. ``under_at``: end of the last window under the threshold. ``score``: the last score.
    """

    side: Side = Side.UNKNOWN
    samples: int = 0
    lowest: float = 1.0
    known_at: int = 0
    under_at: int | None = None
    shown_at: int | None = None
    score: float | None = None

    def observe(self, label: Label, score: float | None, end: int, since_last: int, rate: int) -> None:
        """Take one window that ends at sample ``end``, ``since_last`` samples after the previous one."""
        if end - self.known_at > FORGET_AFTER_S * rate:
            self.side, self.samples = Side.UNKNOWN, 0
        self.score = score
        if score is None:
            return
        side = _side(label, score)
        if side is self.side:
            self.samples += min(since_last, RECENT_S * rate)
        else:
            self.side, self.samples, self.lowest = side, 0, score
        self.lowest = min(self.lowest, score)
        if side is Side.ABOVE:
            self.shown_at = None
        elif side is Side.UNDER:
            self.under_at = end
        self.known_at = end

    def ended_for(self, seconds: float, end: int, rate: int) -> bool:
        """Whether the label has not been under its threshold for ``seconds`` before sample ``end``."""
        return self.under_at is None or end - self.under_at >= seconds * rate

    def under_for(self, seconds: float, label: Label, rate: int, *, soon: bool = False, late: bool = False) -> bool:
        """Whether the label has been below its threshold for about ``seconds``.

        A stay that went clearly below also counts its first hop; a near miss, which is as often a pause or a breath
        as real trouble, counts only what came after. ``soon``: a stay that went far below counts two hops. ``late``:
        only what came after counts, and it takes ``LATER_BY_S`` longer.
        """
        if late:
            return self.side is Side.UNDER and self.samples >= (seconds + LATER_BY_S) * rate
        hops = (self.lowest < label.threshold - CLEARLY_UNDER) + (soon and self.lowest < label.threshold - FAR_UNDER)
        return self.side is Side.UNDER and self.samples + hops * HOP_S * rate >= seconds * rate

    def above_for(self, seconds: float, rate: int) -> bool:
        """Whether the label has been at or above its clear line for ``seconds``."""
        return self.side is Side.ABOVE and self.samples >= seconds * rate

    def snapshot(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Run":
        """The run that ``snapshot`` wrote."""
        return cls(**{**amounts(state), "side": Side(state["side"])})


def _side(label: Label, score: float) -> Side:
    if score < label.threshold:
        return Side.UNDER
    return Side.ABOVE if score >= label.clear else Side.BETWEEN
