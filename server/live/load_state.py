"""What the load is measured of, and what of it is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.live.costs import Cores, Kind


@dataclass(frozen=True, slots=True)
class Census:
    """``sessions``: all that hold a place, by kind, also paused ones and those whose patient may come back;
    ``settled``: those that are heard, younger ones counting in part. ``alone``: only live sessions run, so that what is
    used is theirs. ``waiting``: of each paced session with an unjudged window, seconds since the oldest was due.
    ``begun``: sessions that began within the last second."""

    sessions: Mapping[Kind, float]
    settled: Mapping[Kind, float]
    alone: bool
    waiting: tuple[float, ...] = ()
    begun: int = 0


@dataclass(frozen=True, slots=True)
class LoadState:
    """For monitoring.

    ``loop``, ``process``: cores used in the last second. ``stretch``: how much longer than its CPU time the loop's
    work takes. Lag: 95th percentile of the updates of the last 5 s and of the windows that wait now, ``None`` without
    any; ``waited``: without the time of scoring itself. ``parts``: those that can be left out. ``room``: sessions
    that could still begin, ``None`` if only the fixed maximum counts. ``part_costs``: cores that a part takes of one
    session that has it, which ``costs`` leave out.
    """

    accepting: bool
    room: int | None
    loop: float
    process: float
    stretch: float
    lag_p95_ms: float | None
    waited_p95_ms: float | None
    parts: tuple[str, ...]
    shed: tuple[str, ...]
    shed_counts: Mapping[str, int]
    refused: int
    costs: Mapping[str, Cores]
    part_costs: Mapping[str, float]
