"""Which sessions there are, by what they cost."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from server.judge.labels import LabelSet
from server.live.costs import Kind
from server.live.load_meter import SETTLED_S, Census
from server.live.session import Phase, Session


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


def census_of(sessions: Iterable[tuple[Session, float | None]], now: float, *, files_run: bool) -> Census:
    """``sessions``: those with a socket, each with the clock time from which its oldest unjudged window is late. A
    paused one costs nothing, but may go on at any time."""
    here: Counter[Kind] = Counter()
    settled: dict[Kind, float] = {}
    waiting: list[float] = []
    alone = not files_run
    for session, waits_since in sessions:
        kind = kind_of(session.assessment.labels_asked_for, clap=not session.engine.basic_mode)
        here[kind] += 1
        alone = alone and not session.fast
        if session.phase is Phase.LIVE:
            settled[kind] = settled.get(kind, 0.0) + min(1.0, (now - session.started_at) / SETTLED_S)
        if waits_since is not None:
            waiting.append(max(0.0, now - waits_since))
    return Census(here, settled, alone, tuple(waiting))
