"""Which sessions there are, by what they cost."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from server.judge.labels import LabelSet
from server.live.costs import Kind
from server.live.load_state import Census
from server.live.session import Phase, Session

NEW_S = 1.0

YOUNG, YOUNG_S = 0.8, 3.0
"""Before its first window a session costs this share of what it costs later."""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """``starting``: sockets before ``session.started``. ``pending``: announced sessions. ``waiting``: those without a
    socket. ``lasting``: another process could go on with them now."""

    starting: int
    pending: int
    live: int
    waiting: int
    observers: int
    lasting: bool = False


def kind_of(labels: LabelSet, *, clap: bool) -> Kind:
    """``clap``: whether it is loaded."""
    return Kind.CLAP if clap and any(label.clap is not None for label in labels.labels) else Kind.ACOUSTIC


def census_of(
    sessions: Iterable[tuple[Session, float | None]], away: Iterable[Session], now: float, *, files_run: bool
) -> Census:
    """``sessions``: those with a socket, each with the clock time from which its oldest unjudged window is late.
    ``away``: those whose patient may come back. These and paused ones cost nothing, but may go on at any time."""
    here: Counter[Kind] = Counter()
    settled: dict[Kind, float] = {}
    waiting: list[float] = []
    begun = 0
    alone = not files_run
    for session, waits_since in sessions:
        kind = _kind(session)
        here[kind] += 1
        begun += now - session.started_at < NEW_S
        alone = alone and not session.fast
        if session.phase is Phase.LIVE:
            settled[kind] = settled.get(kind, 0.0) + settledness(now - session.started_at)
        if waits_since is not None:
            waiting.append(max(0.0, now - waits_since))
    here.update(_kind(session) for session in away)
    return Census(here, settled, alone, tuple(waiting), begun)


def settledness(age_s: float) -> float:
    """How much of its cost a session of this age had in the last second."""
    return min(1.0, max(0.0, age_s)) * (YOUNG if age_s < YOUNG_S else 1.0)


def _kind(session: Session) -> Kind:
    return kind_of(session.assessment.labels_asked_for, clap=not session.engine.basic_mode)
