"""What is told of running sessions: which labels changed sides, seldom, and which rules matched, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.judge.rules import Match

EVERY_S = 30.0
"""Of one session at most one event in this time. What changed meanwhile is told together, what changed back is not."""


@dataclass(slots=True)
class _Told:
    passes: dict[str, bool | None] = field(default_factory=dict)
    at: float = 0.0


class LabelChanges:
    """Bounded by the sessions that run here: call ``forget`` at the end of each."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def seen(self, session_id: str, passes: Mapping[str, bool | None], now: float) -> dict[str, bool | None]:
        """Labels that stand otherwise than when last told; empty where there are none, or it is too soon.

        ``passes``: whether each label passes, ``None`` without a score; ``now``: seconds of a clock that only rises.
        The first scores of a label are no change.
        """
        told = self._told.get(session_id)
        if told is None:
            told = self._told[session_id] = _Told(at=now - EVERY_S)
        changed = {}
        for label, passed in passes.items():
            if passed is None or told.passes.setdefault(label, passed) == passed:
                continue
            changed[label] = passed
        if not changed or now - told.at < EVERY_S:
            return {}
        told.passes |= changed
        told.at = now
        return dict(changed)

    def forget(self, session_id: str) -> None:
        """It ended, or another process has it."""
        self._told.pop(session_id, None)


class RuleMatches:
    """Bounded by the sessions that run here: call ``forget`` at the end of each."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def seen(self, session_id: str, matches: Sequence[Match]) -> Sequence[Match]:
        """Those not told by this process. ``matches``: all of the session, to which later ones are added at the end.

        What another process told comes again, with the same id: the outbox has it already.
        """
        told = self._told.get(session_id, 0)
        if len(matches) > told:
            self._told[session_id] = len(matches)
        return matches[told:]

    def forget(self, session_id: str) -> None:
        """It ended, or another process has it."""
        self._told.pop(session_id, None)
