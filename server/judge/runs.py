"""How long a label's ``recent`` score has stayed under its threshold or above its clear line, in sample time."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from server.judge.labels import Label
from server.values import HOP_S, RECENT_S, WINDOW_S

FORGET_AFTER_S = WINDOW_S
"""A label unheard of (null, or no window) for this long: what was known of it no longer holds."""


class Side(StrEnum):
    UNKNOWN = "unknown"
    UNDER = "under"
    BETWEEN = "between"
    ABOVE = "above"


@dataclass(slots=True)
class Run:
    """The stay of one label on one side of its lines.

    ``samples``: how long so far. A first sight counts one hop, the audio that brought it; each further one counts the
    time since the window before, but no more than ``recent`` looks back: windows may be missing, and what nobody
    looked at proves nothing. Null scores end no stay and add nothing to it, until it is forgotten.
    ``known_at``: end of the last window with a score. ``shown_at``: when its prompt was last raised during this
    trouble, which ends above the clear line. ``score``: the last one.
    """

    side: Side = Side.UNKNOWN
    samples: int = 0
    known_at: int = 0
    shown_at: int | None = None
    score: float | None = None

    def observe(self, label: Label, score: float | None, end: int, since_last: int, rate: int) -> None:
        """One window that ends at sample ``end``, ``since_last`` samples after the one before."""
        if end - self.known_at > FORGET_AFTER_S * rate:
            self.side, self.samples = Side.UNKNOWN, 0
        self.score = score
        if score is None:
            return
        side = _side(label, score)
        if side is self.side:
            self.samples += min(since_last, RECENT_S * rate)
        else:
            self.side, self.samples = side, HOP_S * rate
        if side is Side.ABOVE:
            self.shown_at = None
        self.known_at = end

    def stayed(self, side: Side, seconds: float, rate: int) -> bool:
        return self.side is side and self.samples >= seconds * rate

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Run":
        return cls(**{**state, "side": Side(state["side"])})


def _side(label: Label, score: float) -> Side:
    if score < label.threshold:
        return Side.UNDER
    return Side.ABOVE if score >= label.clear else Side.BETWEEN
