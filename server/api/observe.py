"""``WS /v1/sessions/{id}/observe``: a doctor's socket."""

from fastapi import APIRouter, WebSocket

from server.api.principals import principal_of
from server.api.services import services_of
from server.api.sockets import open_transport

router = APIRouter()


@router.websocket("/v1/sessions/{session_id}/observe")
async def observe(websocket: WebSocket, session_id: str) -> None:
    """Runs until the session ends or the observer leaves; any number may watch."""
    transport = await open_transport(websocket)
    if transport is not None:
        await services_of(websocket).manager.run_observer(transport, principal_of(websocket), session_id)
