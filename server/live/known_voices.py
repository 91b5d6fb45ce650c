"""The patient's voice goes from the microphone check to the visit that follows."""

from server.access.keys import digest_of
from server.assessment.checked_voices import KEEP_S, CheckedVoices
from server.live.clock import Clock
from server.live.session import Session
from server.values.voices import KnownVoice
from server.wire.client import SessionStart
from server.wire.server import EndReason


def keep_voice(session: Session, reason: EndReason) -> None:
    """The patient ended ``session``: who has its resume token may begin a visit in which this voice is known, if that
    was asked for."""
    if not session.start.keep_voice or reason != "client" or (voice := session.assessment.patients_voice()) is None:
        return
    named = session.id, session.site, session.resume_digest
    keep_for(session.engine.checked_voices, session.clock, *named, voice)


def keep_for(
    voices: CheckedVoices,
    clock: Clock,
    session_id: str,
    site: str,
    digest: str,
    voice: KnownVoice,
    for_s: float = KEEP_S,
) -> None:
    """Nobody may come for a long time, and then the voice is gone nevertheless."""
    voices.keep(session_id, site, digest, voice, clock.now(), for_s)
    clock.call_later(for_s + 1.0, lambda: voices.forget_old(clock.now()))


def check_named_by(start: SessionStart) -> dict[str, str] | None:
    """As other processes are asked for its voice: without the token."""
    check = start.voice_of
    return None if check is None else {"session_id": check.session_id, "digest": digest_of(check.resume_token)}


def bring_voice(session: Session) -> None:
    """The voice of the check that ``session`` names, if it is still known, and the same site's."""
    if (check := session.start.voice_of) is None:
        return
    found = session.engine.checked_voices.find(
        check.session_id, session.site, digest_of(check.resume_token), session.clock.now()
    )
    if found is not None:
        session.assessment.know_patient(found)
