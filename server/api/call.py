"""``WS /v1/sessions/{id}/call``: how the browsers of patient and doctor find each other. See ``server.live.calls``."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, WebSocket

from server.access.audit import Act
from server.access.principal import Right
from server.access.tokens import Scope, Tokens
from server.api.principals import address_of, note
from server.api.services import Services, services_of
from server.api.sockets import Admitted, open_transport
from server.errors import InvalidTokenError, TingqingError
from server.live.calls import Comer, join_message
from server.live.transport import Disconnected
from server.logs import about_session

router = APIRouter()

SEATS = "tingqing.call"
"""The audience of what a patient comes back with, so that it is taken for nothing else."""


@router.websocket("/v1/sessions/{session_id}/call")
async def call(websocket: WebSocket, session_id: str) -> None:
    """With the publish token as the patient; with the nudge token, a key or a sign-in as the doctor."""
    about_session(session_id)
    admitted = await open_transport(websocket, Right.CALL, session_id)
    if admitted is None:
        return
    services = services_of(websocket)
    try:
        join = await join_message(admitted.transport, services.calls.limits)
        comer = await _comer(services, admitted, session_id, join.seat)
        await note(websocket, admitted.principal, Act.CALL_JOINED, session_id)
    except TingqingError as error:
        await services.calls.refuse(admitted.transport, error)
        return
    except Disconnected:
        return
    routing = services.routing
    if routing is None or not await routing.of(address_of(websocket)).pass_call(admitted.transport, comer):
        await services.calls.run(admitted.transport, comer)


async def _comer(services: Services, admitted: Admitted, session_id: str, seat: str | None) -> Comer:
    site, claim = admitted.principal.site, admitted.claim
    if claim is None or claim.scope is not Scope.PUBLISH:
        return Comer(site, session_id, "doctor")
    tokens = services.gate.tokens
    returns = seat is not None and await _sat_at(tokens, seat, session_id)
    return Comer(site, session_id, "patient", claim.live, returns, await _seat(services, session_id))


async def _seat(services: Services, session_id: str) -> str:
    limits = services.manager.limits
    lasts = timedelta(seconds=limits.claim_s + limits.max_session_s + limits.pause_s + limits.resume_ttl_s)
    ends = datetime.now(UTC) + lasts
    return await services.gate.tokens.sign({"aud": SEATS, "sub": session_id, "exp": int(ends.timestamp())})


async def _sat_at(tokens: Tokens, seat: str, session_id: str) -> bool:
    try:
        claims = await tokens.verified(seat, SEATS)
    except InvalidTokenError:
        return False
    return bool(claims["sub"] == session_id and datetime.now(UTC).timestamp() < int(claims["exp"]))
