"""``WS /v1/stream``: a patient's socket."""

from fastapi import APIRouter, WebSocket

from server.api.principals import principal_of
from server.api.services import services_of
from server.api.sockets import open_transport

router = APIRouter()


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    """Runs until the session ends or the socket is lost; the session then waits for its patient."""
    transport = await open_transport(websocket)
    if transport is not None:
        await services_of(websocket).manager.run_stream(transport, principal_of(websocket))
