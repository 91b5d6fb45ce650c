"""The patient's voice goes from the microphone check to the visit that follows."""

from server.access.keys import digest_of
from server.assessment.checked_voices import KEEP_S
from server.live.session import Session
from server.wire.server import EndReason


def keep_voice(session: Session, reason: EndReason) -> None:
    """The patient ended ``session``: who has its resume token may begin a visit in which this voice is known, if that
    was asked for."""
    if not session.start.keep_voice or reason != "client" or (voice := session.assessment.patients_voice()) is None:
        return
    voices = session.engine.checked_voices
    clock = session.clock
    voices.keep(session.id, session.site, session.resume_digest, voice, clock.now())
    # Nobody may come for a long time, and then the voice must be gone nevertheless.
    clock.call_later(KEEP_S + 1.0, lambda: voices.forget_old(clock.now()))


def bring_voice(session: Session) -> None:
    """The voice of the check that ``session`` names, if it is still known, and the same site's."""
    if (check := session.start.voice_of) is None:
        return
    found = session.engine.checked_voices.find(
        check.session_id, session.site, digest_of(check.resume_token), session.clock.now()
    )
    if found is not None:
        session.assessment.know_patient(found)
