"""What was said in a session: ``WS /v1/sessions/{id}/transcribe`` and ``POST /v1/sessions/{id}/transcript``."""

from functools import partial

from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import ValidationError

from server.access.audit import Act
from server.access.principal import Right
from server.access.tokens import Scope
from server.api.bodies import json_body
from server.api.principals import address_of, holder_of, note
from server.api.problems import client_gone, config_error, documented
from server.api.services import Wired, services_of
from server.api.sockets import open_transport
from server.api.uploads import GoneError, read_body
from server.logs import about_session
from server.wire.transcript import TranscriptBody

router = APIRouter(tags=["sessions"])

MAX_BYTES = 256 * 1024
BODY_S = 10.0
SCOPES = frozenset({Scope.TRANSCRIBE})

PROBLEMS = documented(
    {
        401: "No key and no token, or one that is not valid.",
        403: "A token or key for something else, or refused because of Host or Origin.",
        404: "There is no such session.",
        408: "The body stalled.",
        410: "The session has ended, or the token is over.",
        413: "The body is over 256 KiB.",
        422: "A field is invalid.",
        429: "Too many requests of this key or session; see Retry-After.",
        409: "The patient has not connected yet; Retry-After says when to try again.",
        503: "The session moves, or no database; Retry-After says when to try again.",
    }
)


@router.websocket("/v1/sessions/{session_id}/transcribe")
async def transcribe(websocket: WebSocket, session_id: str) -> None:
    """Runs until the session ends or the service leaves."""
    admitted = await open_transport(websocket, Right.TRANSCRIBE, session_id)
    if admitted is not None:
        services = services_of(websocket)
        noted = partial(note, websocket, admitted.principal, Act.SESSION_TRANSCRIBED)
        here, routing = services.manager.transcribing.run, services.routing
        run = here if routing is None else routing.of(address_of(websocket)).run_transcriber
        await run(admitted.transport, admitted.principal, session_id, noted=noted)


@router.post(
    "/v1/sessions/{session_id}/transcript",
    summary="Hand over what was said in a session",
    status_code=204,
    responses=PROBLEMS,
    openapi_extra=json_body(TranscriptBody),
)
async def transcript(request: Request, services: Wired, session_id: str) -> Response:
    """With a key of the role integrator or admin, or the session's `transcribe_token` as `Authorization: Bearer
    <token>`. A segment replaces an earlier one of the same id while that is one of the last two."""
    about_session(session_id)
    caller = await holder_of(request, Right.TRANSCRIBE, SCOPES, session_id, messages=True)
    try:
        body = await read_body(request, MAX_BYTES, BODY_S)
    except GoneError:
        return client_gone()
    try:
        parsed = TranscriptBody.model_validate_json(body)
    except ValidationError as error:
        raise config_error(error) from None
    await services.gate.transcribes(caller, session_id, address_of(request))
    source = services.manager.transcribing if services.routing is None else services.routing
    await source.hear(session_id, caller.site, parsed.model_dump_json())
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
