"""``POST /v1/sessions/{id}/heard``: a doctor says, by one click, whether the patient could be heard."""

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from server.access.audit import Act
from server.access.principal import Principal, Right, Role
from server.access.tokens import Scope
from server.api.bodies import json_body
from server.api.principals import holder_of, note
from server.api.problems import client_gone, config_error, documented
from server.api.services import Services, Wired
from server.api.uploads import GoneError, read_body
from server.errors import UnknownSessionError
from server.live.whereabouts import Whereabouts
from server.logs import about_session
from server.wire.base import WireModel

router = APIRouter(tags=["sessions"])

MAX_BYTES = 1024
BODY_S = 10.0
SCOPES = frozenset({Scope.OBSERVE, Scope.NUDGE})


class Heard(WireModel):
    """``clear``: 听得清, could be heard; else 听不清."""

    clear: bool = Field(strict=True)


class HeardAnswer(WireModel):
    """``kept``: whether it was written down. A server without keys identifies nobody and writes nothing."""

    kept: bool


PROBLEMS = documented(
    {
        401: "No key and no token, or one that is not valid.",
        403: "A token or key for something else, or refused because of Host or Origin.",
        404: "There is no such session.",
        408: "The body stalled.",
        410: "The token is over.",
        413: "The body is over 1 KiB.",
        422: "The body has no clear.",
        429: "Too many requests of this key or session; see Retry-After.",
        503: "No database, or the session's process does not answer; Retry-After says when to try again.",
    }
)


@router.post(
    "/v1/sessions/{session_id}/heard",
    summary="Say whether the patient could be heard",
    response_model=HeardAnswer,
    responses=PROBLEMS,
    openapi_extra=json_body(Heard),
)
async def heard(request: Request, services: Wired, session_id: str) -> Response:
    """With a key or a sign-in of the site, or the session's observe or nudge token as `Authorization: Bearer <token>`.
    It is kept in the audit, with the time and who said it; the last word of each counts. It changes no score."""
    about_session(session_id)
    caller = await holder_of(request, Right.OBSERVE, SCOPES, session_id, messages=True)
    try:
        body = await read_body(request, MAX_BYTES, BODY_S)
    except GoneError:
        return client_gone()
    try:
        said = Heard.model_validate_json(body)
    except ValidationError as error:
        raise config_error(error) from None
    await _check_known(services, caller, session_id)
    await note(request, caller, Act.HEARD_CLEARLY if said.clear else Act.HEARD_BADLY, session_id)
    answer = HeardAnswer(kept=caller.role is not Role.ANYONE)
    return Response(answer.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _check_known(services: Services, caller: Principal, session_id: str) -> None:
    """A token is of a session that there is. Raises UnknownSessionError."""
    if caller.role is Role.GUEST:
        return
    if services.routing is not None and await services.routing.owner(session_id, caller.site) is not None:
        return
    if await services.manager.known.where(session_id, caller.site) is Whereabouts.UNKNOWN:
        raise UnknownSessionError("There is no such session.")
