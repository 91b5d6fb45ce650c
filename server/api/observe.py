"""``WS /v1/sessions/{id}/observe``: a doctor's socket."""

from functools import partial

from fastapi import APIRouter, WebSocket

from server.access.audit import Act
from server.access.principal import Right
from server.api.principals import address_of, note
from server.api.services import services_of
from server.api.sockets import open_transport

router = APIRouter()


@router.websocket("/v1/sessions/{session_id}/observe")
async def observe(websocket: WebSocket, session_id: str) -> None:
    """Runs until the session ends or the observer leaves; any number may watch."""
    admitted = await open_transport(websocket, Right.OBSERVE, session_id)
    if admitted is not None:
        sockets = services_of(websocket).sockets_of(address_of(websocket))
        noted = partial(note, websocket, admitted.principal, Act.SESSION_OBSERVED)
        nudging = partial(note, websocket, admitted.principal, about=session_id) if admitted.nudges else None
        await sockets.run_observer(admitted.transport, admitted.principal, session_id, noted=noted, nudging=nudging)
