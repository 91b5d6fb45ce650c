"""``WS /v1/stream``: a patient's socket."""

from fastapi import APIRouter, WebSocket

from server.api.services import services_of
from server.api.sockets import open_transport, refuse
from server.errors import UnknownSessionError

router = APIRouter()
elsewhere = APIRouter()


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    transport = await open_transport(websocket)
    if transport is not None:
        await services_of(websocket).manager.run_stream(transport)


@elsewhere.websocket("/{path:path}")
async def nowhere(websocket: WebSocket) -> None:
    """A mistyped address, told in words: a browser shows nothing of a refused upgrade."""
    await refuse(
        websocket,
        UnknownSessionError("Nothing listens here: use /v1/stream, or /v1/sessions/{session_id}/observe."),
    )
