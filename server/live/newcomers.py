"""Full state for newcomers: the first message to a patient, and the first to an observer."""

from typing import Literal

from server.live.nudges import sendable
from server.live.session import Phase, Session
from server.rendering import wire
from server.rendering.trend import trend
from server.wire.server import Snapshot
from server.wire.started import AppliedConfig, SessionStarted


def started_message(session: Session, next_sample: int) -> SessionStarted:
    """The configuration in effect, and the input-rate sample from which the client sends."""
    labels = session.assessment.labels_asked_for
    return SessionStarted(
        session_id=session.id,
        resume_token=session.resume_token,
        next_sample=next_sample,
        config=AppliedConfig(
            mode=session.start.mode,
            pace=session.pace.value,
            audio=session.start.audio,
            capture=session.start.capture,
            language=session.language,
            vad=session.engine.vad,
            voice=voice_state(session),
        ),
        limits=session.limits.on_wire(),
        labels=wire.session_labels(labels),
        scorers=list(session.engine.scorer_names),
        basic_mode=session.engine.basic_mode,
        basis=session.assessment.capture.basis.value,
        notices=wire.notices(session.assessment.label_notices(labels)),
    )


def voice_state(session: Session) -> Literal["known", "unknown"] | None:
    """Whether the patient's voice is known from a check, ``None`` if none was named."""
    if session.assessment.knows_patient:
        return "known"
    return "unknown" if session.start.voice_of is not None else None


def snapshot_message(session: Session, phase: Phase | None = None, *, nudge: bool = False) -> Snapshot:
    """The state of the session for an observer, or its state once it is in ``phase``. ``nudge``: the observer may send
    and mute prompts."""
    labels = session.assessment.labels_asked_for
    return Snapshot(
        session_id=session.id,
        state=(phase or session.phase).value,
        labels=wire.session_labels(labels),
        scorers=list(session.engine.scorer_names),
        basic_mode=session.engine.basic_mode,
        basis=session.assessment.capture.basis.value,
        capture=session.start.capture,
        language=session.language,
        update=session.update,
        prompts=session.prompts.up,
        warnings=session.warnings.active(session.clock.now()),
        notices=wire.notices(session.assessment.label_notices(labels)),
        nudge=nudge,
        sendable=sendable(labels),
        muted=session.prompts.muted,
        declined=session.prompts.declined,
        left=session.left,
        trend=trend(session.assessment.log.windows(), labels, session.audio.sample_rate),
        said=session.transcript.said,
    )
