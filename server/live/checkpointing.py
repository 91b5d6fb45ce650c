"""From a session to its checkpoint and back."""

from datetime import timedelta

from server.assessment.assessment import Assessment
from server.assessment.engine import Engine
from server.errors import SnapshotError, TingqingError
from server.live.checkpoint import SessionCheckpoint
from server.live.clock import Clock
from server.live.limits import LiveLimits
from server.live.pending import SessionTerms
from server.live.session import Phase, Session
from server.stream.declared import DeclarationCheck
from server.values.stored import amount, count
from server.wire.client import SessionStart, requested
from server.wire.server import QualityUpdate


def checkpoint_of(session: Session) -> SessionCheckpoint:
    """Everything that another process needs to continue from the last judged window."""
    now = session.clock.now()
    state = {
        "id": session.id,
        "site": session.site,
        "resume_digest": session.resume_digest,
        "saved_at": session.clock.wall_time().timestamp(),
        "saved_now": now,
        "machine": session.clock.machine,
        "start": session.start.model_dump(mode="json", exclude={"resume", "voice_of"}),
        "age_s": now - session.started_at,
        "attempt_of": session.terms.attempt_of,
        "furthest_sample": session.furthest_sample,
        "failure_told_s": None if session.failure_told is None else now - session.failure_told,
        "update": session.update,
        "prompts": session.prompts.snapshot(),
        "warnings": session.warnings.snapshot(now),
        "idle": session.idle.snapshot(now),
        "declaration_decided": session.declaration.decided,
        "assessment": session.assessment.snapshot(log=False),
        "transcript": session.transcript.snapshot(),
        "rules": session.rules.snapshot(),
    }
    log = session.assessment.log.windows()
    return SessionCheckpoint(session.core, log, state, _passes(session), session.rules.matches)


def _passes(session: Session) -> dict[str, bool]:
    """Of the labels that have a score over the session so far, which pass."""
    scores = {} if session.update is None else session.update.session.labels
    return {
        label.id: score >= label.threshold
        for label in session.assessment.labels.shown()
        if (score := scores.get(label.id)) is not None
    }


def restore_session(
    checkpoint: SessionCheckpoint, engine: Engine, limits: LiveLimits, clock: Clock, resume_token: str | None = None
) -> Session:
    """The session as it was, without a socket. ``resume_token``: what the patient came back with, already checked.

    Raises SnapshotError if this server cannot continue it.
    """
    state = checkpoint.state
    try:
        saved_at = clock.now() - away_s(checkpoint, clock)
        start = SessionStart.model_validate(state["start"])
        labels = engine.dictionaries.resolve(requested(start.labels))
        session = Session(
            engine, limits, clock, start, session_id=str(state["id"]), site=str(state["site"]), labels=labels
        )
        if resume_token is not None:
            session.know_by(resume_token)
        session.resume_digest = checkpoint.resume_digest
        session.phase = Phase.DETACHED
        session.core = checkpoint.core
        session.started_at = saved_at - amount(state["age_s"])
        session.began -= timedelta(seconds=clock.now() - session.started_at)
        session.terms = SessionTerms(attempt_of=state.get("attempt_of"))  # not in those of an older version
        session.furthest_sample = count(state["furthest_sample"])
        told, update = state["failure_told_s"], state["update"]
        session.failure_told = None if told is None else saved_at - amount(told)
        session.update = None if update is None else QualityUpdate.model_validate(update)
        session.prompts.restore(state["prompts"], saved_at)
        session.warnings.restore(state["warnings"], saved_at)
        session.idle.restore(state["idle"], saved_at)
        session.declaration = DeclarationCheck(session.audio, decided=bool(state["declaration_decided"]))
        session.assessment = Assessment.restore(
            state["assessment"] | {"log": checkpoint.log},
            engine,
            session.assessment.labels,
            session.assessment.capture,
            **session.manner(),
        )
        session.transcript.restore(state["transcript"])
        session.rules.restore(state.get("rules", ()))  # not in those of an older version
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, TingqingError) as error:
        raise SnapshotError(f"The session cannot go on from its checkpoint: {error}.") from error
    return session


def away_s(checkpoint: SessionCheckpoint, clock: Clock) -> float:
    """Seconds since the checkpoint was made. By the date, which may have jumped, only if the machine was started since,
    or another machine made it."""
    state = checkpoint.state
    if clock.machine and state.get("machine") == clock.machine:
        return max(0.0, clock.now() - amount(state["saved_now"]))
    return max(0.0, clock.wall_time().timestamp() - float(state["saved_at"]))
