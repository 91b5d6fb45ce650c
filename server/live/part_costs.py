"""What the parts that can be left out cost, by the CPU time of their lanes' own threads. Sans-IO."""

from collections import Counter
from collections.abc import Collection, Mapping

from server.live.costs import Kind
from server.live.shedding import Part
from server.scoring.metrics import LaneMetrics

LEARN = 0.2
"""Share of a surprise that is believed after one second."""

SURE_S = 5
"""Seconds of measuring after which nothing is left of a guess."""

LEAST = 0.5
"""Sessions below which a second teaches nothing."""


class PartCosts:
    """``look`` about every second. All parts but CLAP compute on one thread each, so take one core at most."""

    def __init__(self, first: Mapping[Part, float] | None = None) -> None:
        """``first``: cores that one session with a part is taken to need until it was seen; 0 without."""
        self._totals: dict[Part, tuple[float, float]] = {}
        self._of: dict[Part, float] = dict(first or {})
        self._seen: Counter[Part] = Counter()

    def of(self, part: Part) -> float:
        """Cores that one session with it takes."""
        return self._of.get(part, 0.0)

    def seen(self, part: Part) -> bool:
        """Whether its cost was measured for long enough; else it is a guess."""
        return self._seen[part] >= SURE_S

    def look(self, seconds: float, lanes: Mapping[Part, LaneMetrics], others: float) -> dict[Part, float]:
        """Cores that each part took since the last look. ``others``: what all threads but the loop's took.

        CLAP computes on threads of its library, which no clock of its lane sees: it took what no other part did, but
        no more than its batches lasted, each window on a core of its own.
        """
        used: dict[Part, float] = {}
        lasted: dict[Part, float] = {}
        for part, lane in lanes.items():
            cpu, wall = self._totals.get(part, (lane.cpu_s, lane.inference.sum_s))
            self._totals[part] = (lane.cpu_s, lane.inference.sum_s)
            used[part] = max(0.0, lane.cpu_s - cpu) / seconds
            lasted[part] = max(0.0, lane.inference.sum_s - wall) / seconds * max(1.0, lane.batch_mean or 1.0)
        if Part.CLAP in used:
            rest = others - sum(cores for part, cores in used.items() if part is not Part.CLAP)
            used[Part.CLAP] = max(used[Part.CLAP], min(rest, lasted[Part.CLAP]))
        return used

    def learn(self, used: Mapping[Part, float], sessions: Mapping[Kind, float], left_out: Collection[Part]) -> None:
        """One second in which these sessions ran and nothing else did. A guess holds until the part does something,
        since the windows of a crowd that has just come are due after three seconds; then it gives way fast."""
        for part, cores in used.items():
            count = _with(part, sessions)
            if part in left_out or count < LEAST or not (cores or self._seen[part]):
                continue
            self._seen[part] += 1
            believed = max(LEARN, 1 / (1 + self._seen[part]))
            self._of[part] = self.of(part) + believed * (cores / count - self.of(part))

    def expected(self, sessions: Mapping[Kind, float], parts: Collection[Part]) -> float:
        """Cores that ``parts`` of these sessions take together."""
        each = {part: self.of(part) * _with(part, sessions) for part in parts}
        return sum(cores if part is Part.CLAP else min(1.0, cores) for part, cores in each.items())


def _with(part: Part, sessions: Mapping[Kind, float]) -> float:
    return sessions.get(Kind.CLAP, 0.0) if part is Part.CLAP else sum(sessions.values())
