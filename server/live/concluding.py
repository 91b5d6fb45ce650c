"""Turns a session into its outcome."""

import asyncio
import logging

from server.assessment.conclusion import build_result
from server.assessment.engine import HeardAudio
from server.assessment.result import Identity, Result
from server.live.known_voices import keep_voice
from server.live.newcomers import snapshot_message
from server.live.outcome import Farewell, Outcome
from server.live.session import Phase, Session
from server.rendering.long_results import RenderedEnd, rendered_end
from server.wire.server import EndReason

log = logging.getLogger(__name__)


def windows_path(session_id: str) -> str:
    """Where all windows of an ended session are, on the server that had it."""
    return f"/v1/sessions/{session_id}/windows"


async def conclude(session: Session, reason: EndReason, heard: HeardAudio) -> Outcome:
    """The outcome of the session so far. A long result is built on a thread, so that others go on. The session stays as
    it is; its patient's voice is kept for a visit that follows.

    Raises whatever goes wrong while the result is built.
    """
    if session.long:
        result, end = await asyncio.to_thread(_ended, session, reason, heard)
    else:
        result, end = _ended(session, reason, heard)
    keep_voice(session, reason)
    snapshot = snapshot_message(session, Phase.ENDED).model_dump_json(exclude={"ended"})
    return _outcome(session, reason, result, Farewell(end.ended, snapshot, session.resume_digest, end.pages))


async def conclude_anyway(session: Session, reason: EndReason, heard: HeardAudio) -> Outcome:
    """The same where nobody waits for the result: the session must be released even if there can be none."""
    try:
        return await conclude(session, reason, heard)
    except Exception:
        log.exception("a result could not be put together")
        return without_result(session, reason)


def without_result(session: Session, reason: EndReason) -> Outcome:
    """Of a session whose result could not be built."""
    return _outcome(session, reason, None, None)


def _outcome(session: Session, reason: EndReason, result: Result | None, farewell: Farewell | None) -> Outcome:
    return Outcome(
        session.id,
        session.site,
        session.start.reference,
        reason,
        session.clock.wall_time(),
        result,
        farewell,
        session.began,
        session.prompts.course,
    )


def _ended(session: Session, reason: EndReason, heard: HeardAudio) -> tuple[Result, RenderedEnd]:
    start = session.start
    identity = Identity(
        id=session.id,
        kind="session",
        reference=start.reference,
        attempt_of=session.terms.attempt_of,
        metadata=start.metadata,
    )
    result = build_result(session.assessment, heard, identity, session.rules.matches)
    return result, rendered_end(result, reason, windows_path(session.id))
