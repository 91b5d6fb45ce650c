"""``POST /v1/sessions``: a backend announces a session and gets a token for the patient and one for the doctor."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from server.access.audit import Act
from server.access.principal import Principal, Right
from server.access.tokens import Scope
from server.api.addresses import base_of, socket_base_of
from server.api.bodies import json_body
from server.api.principals import needs, note
from server.api.problems import client_gone, config_error, documented
from server.api.services import Services, Wired
from server.api.uploads import GoneError, read_body
from server.live.pending import SessionTerms
from server.logs import about_session
from server.wire.sessions import AnnouncedSession, SessionRequest

router = APIRouter(tags=["sessions"])

Caller = Annotated[Principal, needs(Right.INVITE)]

MAX_BYTES = 64 * 1024
BODY_S = 10.0

PROBLEMS = documented(
    {
        401: "No key, or one that is not valid.",
        403: "Refused because of Host, Origin or the key's role.",
        408: "The body stalled.",
        413: "The body is over 64 KiB.",
        422: "A field is invalid, or the labels cannot be resolved.",
        429: "The key was used too often, or many wrong keys came from this address; see Retry-After.",
        503: "Too many announced sessions, no database, or shutting down; Retry-After says when to try again.",
    }
)


@router.post(
    "/v1/sessions",
    summary="Announce a session",
    status_code=201,
    response_model=AnnouncedSession,
    responses=PROBLEMS,
    openapi_extra=json_body(SessionRequest),
)
async def announce(request: Request, services: Wired, caller: Caller) -> Response:
    """The patient can connect until `expires_at`, 15 minutes by default. An empty body settles nothing."""
    try:
        asked = _parsed(await read_body(request, MAX_BYTES, BODY_S))
    except GoneError:
        return client_gone()
    terms = SessionTerms(asked.labels, asked.language, asked.reference, asked.metadata, asked.mode, asked.attempt_of)
    session_id = await services.manager.announce(caller, terms)
    about_session(session_id)
    try:
        await note(request, caller, Act.SESSION_ANNOUNCED, session_id)
        announced = await _tokens(services, request, caller, session_id)
    except BaseException:
        services.manager.withdraw(session_id)
        raise
    return Response(
        announced.model_dump_json(), 201, headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


async def _tokens(services: Services, request: Request, caller: Principal, session_id: str) -> AnnouncedSession:
    limits = services.manager.limits
    to_come = timedelta(seconds=limits.claim_s)
    # A doctor may watch what is left of a session that has just ended, and a patient collect its result.
    more = timedelta(seconds=limits.max_session_s + limits.pause_s + limits.resume_ttl_s)
    issue, key_id = services.gate.tokens.issue, caller.key_id
    publish = await issue(Scope.PUBLISH, session_id, caller.site, to_come, key_id=key_id, resumes=more)
    observe, nudge, transcribe = [
        await issue(scope, session_id, caller.site, to_come + more, key_id=key_id)
        for scope in (Scope.OBSERVE, Scope.NUDGE, Scope.TRANSCRIBE)
    ]
    base = base_of(request)
    doctor, visit = (f"{base}/{page}?session={session_id}#token=" for page in ("doctor", "visit"))
    return AnnouncedSession(
        id=session_id,
        ws_url=f"{socket_base_of(request)}/v1/stream",
        publish_token=publish,
        observe_token=observe,
        nudge_token=nudge,
        transcribe_token=transcribe,
        transcribe_url=f"{socket_base_of(request)}/v1/sessions/{session_id}/transcribe",
        observe_url=doctor + observe,
        nudge_url=doctor + nudge,
        patient_url=f"{base}/#token={publish}",
        visit_url=visit + publish,
        visit_doctor_url=visit + nudge,
        expires_at=datetime.now(UTC).replace(microsecond=0) + to_come,
    )


def _parsed(body: bytes) -> SessionRequest:
    try:
        return SessionRequest.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise config_error(error) from None
