"""What the lanes of parts tell of themselves: whose work queues, and who is late again and again. Sans-IO."""

from collections import Counter, deque
from collections.abc import Mapping

from server.live.shedding import Part
from server.scoring.metrics import LaneMetrics

QUEUED = 3
"""Requests that wait in a lane, beside those that run, from which it is the one that work queues for."""

LATE_TIMES, RECENT_S = 3, 10.0
"""So many requests refused or expired within that time are no single hiccup."""


class PartLanes:
    """Call ``look`` about every second."""

    def __init__(self) -> None:
        self._totals: dict[Part, int] = {}
        self._rises: deque[tuple[float, Part, int]] = deque()

    def look(self, now: float, lanes: Mapping[Part, LaneMetrics]) -> tuple[frozenset[Part], frozenset[Part]]:
        """Parts whose lanes have a queue, and those whose lanes are late again and again. ``lanes``: by part."""
        for part, lane in lanes.items():
            total = lane.expired + lane.refused
            rise = total - self._totals.get(part, total)
            self._totals[part] = total
            if rise:
                self._rises.append((now, part, rise))
        while self._rises and now - self._rises[0][0] > RECENT_S:
            self._rises.popleft()
        late: Counter[Part] = Counter()
        for _, part, rise in self._rises:
            late[part] += rise
        queued = frozenset(part for part, lane in lanes.items() if lane.queued >= QUEUED)
        return queued, frozenset(part for part, times in late.items() if times >= LATE_TIMES)

    def forget(self, part: Part) -> None:
        """It was left out: what comes after its return counts anew."""
        self._rises = deque(rise for rise in self._rises if rise[1] != part)
