"""``GET /v1/token``: a page asks whether its link still opens something, before anybody presses a button."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from server.access.gate import TOKEN_EXPIRED
from server.access.tokens import Scope
from server.api.principals import address_of, bearer_of
from server.api.problems import documented
from server.api.services import Wired
from server.errors import TokenExpiredError, UnauthorizedError
from server.logs import about_session
from server.wire.sessions import TokenState

router = APIRouter(tags=["sessions"])

PROBLEMS: dict[int | str, dict[str, Any]] = documented(
    {
        401: "No token; or `invalid_token`: not one of this server; or `token_expired`: its time is over.",
        403: "`token_used`: its session has begun; or `foreign_token`: of another scope; or refused because of Host.",
        404: "`unknown_session`: nobody came for its session in time.",
        422: "There is no such scope.",
        429: "Too many such requests of this session, or wrong keys from this address; see Retry-After.",
        503: "No database, or the session's process does not answer; Retry-After says when to try again.",
    }
) | {
    200: {
        "description": "The token opens something now.",
        "content": {
            "application/json": {"example": {"scope": "publish", "session_id": "5b0c9f0f3a5d4b7e8c1d2e3f4a5b6c7d"}}
        },
    }
}


@router.get("/v1/token", summary="Whether a token still opens something", response_model=TokenState, responses=PROBLEMS)
async def token(
    request: Request,
    services: Wired,
    scope: Annotated[Scope, Query(description="What the page needs it for.")] = Scope.PUBLISH,
) -> Response:
    """With the token as `Authorization: Bearer <token>`. Nothing is begun, used up or written into the audit; what is
    refused here is refused to the socket with the same code. That there is room for the session is not promised."""
    text = bearer_of(request)
    if not text:
        raise UnauthorizedError("A token is needed: send 'Authorization: Bearer <token>'.", param="authorization")
    caller, claim = await services.gate.look(text, scope, address_of(request))
    about_session(claim.session_id)
    if scope is Scope.PUBLISH:
        if not claim.live:
            raise TokenExpiredError(TOKEN_EXPIRED, param="token")
        source = services.manager.known if services.routing is None else services.routing.links
        await source.check_link(claim.session_id, caller.site)
    answer = TokenState(scope=scope.value, session_id=claim.session_id)
    return Response(answer.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")
