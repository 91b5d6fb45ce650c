"""Which sessions of a site there are: those that wait for their patient, and those that go on."""

from typing import Literal

from server.live.admission import Admission
from server.live.pending import SessionTerms
from server.live.registry import Registry
from server.live.session import Phase, Session
from server.wire.sessions import ListedSession

_STATES: dict[Phase, Literal["live", "paused", "reconnecting"]] = {
    Phase.LIVE: "live",
    Phase.PAUSED: "paused",
    Phase.DETACHED: "reconnecting",
}


class Listing:
    """Of this process. What it tells of one site never depends on another's."""

    def __init__(self, registry: Registry, admission: Admission) -> None:
        self._registry = registry
        self._admission = admission

    def of(self, site: str) -> list[ListedSession]:
        """In no order; at most as many as there may be sessions, and as many again that are announced."""
        going_on = [_of(session) for session in self._registry.of_site(site) if session.phase is not Phase.ENDED]
        return going_on + [_announced(*each) for each in self._admission.announced_of(site)]


def _of(session: Session) -> ListedSession:
    overall = None if session.update is None else session.update.overall
    return ListedSession(
        id=session.id,
        state=_STATES[session.phase],
        since=session.began,
        mode=session.start.mode,
        reference=session.start.reference,
        attempt_of=session.terms.attempt_of,
        grade=None if overall is None else overall.grade,
        score=None if overall is None else overall.score,
        prompts=[prompt.id for prompt in session.prompts.up],
        observers=len(session.hub),
    )


def _announced(session_id: str, terms: SessionTerms) -> ListedSession:
    assert terms.since is not None, "set when it was announced"
    return ListedSession(
        id=session_id,
        state="announced",
        since=terms.since,
        mode=terms.mode,
        reference=terms.reference,
        attempt_of=terms.attempt_of,
        grade=None,
        score=None,
        prompts=[],
        observers=0,
    )
