"""``GET /v1/sessions/{id}/windows``: all windows of a session that has just ended, page by page."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from server.access.audit import Act
from server.access.principal import Right
from server.access.tokens import Scope
from server.api.principals import address_of, holder_of, note
from server.api.problems import documented
from server.api.services import Wired
from server.logs import about_session
from server.wire.result import WindowPage

router = APIRouter(tags=["sessions"])

SCOPES = frozenset({Scope.PUBLISH, Scope.OBSERVE, Scope.NUDGE})
"""Who has the result of a session may have its windows."""

PROBLEMS = documented(
    {
        401: "No key and no token, or one that is not valid.",
        403: "A token of another session, or refused because of Host or Origin.",
        404: "There is no such session that has ended, or no such page.",
        410: "It ended too long ago, or the token is over.",
        422: "cursor is out of range.",
        429: "The key or the token was used too often; see Retry-After.",
        503: "No database, or the session's process does not answer; Retry-After says when to try again.",
    }
)


@router.get(
    "/v1/sessions/{session_id}/windows",
    summary="All windows of a session that ended",
    response_model=WindowPage,
    responses=PROBLEMS,
)
async def windows(
    request: Request,
    services: Wired,
    session_id: str,
    cursor: Annotated[str, Query(pattern=r"^\d{1,6}$", description="next of the page before.")] = "0",
) -> Response:
    """For two minutes, as long as the result is kept. With a key of the site, or with a token of the session as
    `Authorization: Bearer <token>`. `session.ended` says in `windows` when its result does not list all."""
    about_session(session_id)
    caller = await holder_of(request, Right.OBSERVE, SCOPES, session_id)
    if int(cursor) == 0:
        await note(request, caller, Act.SESSION_OBSERVED, session_id)
    else:
        await services.gate.observes(caller, session_id, address_of(request))
    source = services.manager.known if services.routing is None else services.routing
    page, following = await source.windows(session_id, caller.site, int(cursor))
    text = f'{{"windows":{page},"next":{json.dumps(None if following is None else str(following))}}}'
    return Response(text, headers={"Cache-Control": "no-store"}, media_type="application/json")
