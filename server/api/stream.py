"""``WS /v1/stream``: a patient's socket."""

from fastapi import APIRouter, WebSocket

from server.access.principal import Right
from server.api.services import services_of
from server.api.sockets import open_transport

router = APIRouter()


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    """Runs until the session ends or the socket is lost; the session then waits for its patient."""
    admitted = await open_transport(websocket, Right.SPEAK)
    if admitted is not None:
        transport, principal = admitted
        await services_of(websocket).manager.run_stream(transport, principal)
