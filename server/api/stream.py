"""``WS /v1/stream``: a patient's socket."""

from functools import partial

from fastapi import APIRouter, WebSocket

from server.access.audit import Act
from server.access.principal import Right
from server.api.principals import address_of, note
from server.api.services import services_of
from server.api.sockets import open_transport

router = APIRouter()


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    """Runs until the session ends or the socket is lost; the session then waits for its patient."""
    admitted = await open_transport(websocket, Right.BEGIN)
    if admitted is not None:
        services = services_of(websocket)
        noted = partial(note, websocket, admitted.principal, Act.SESSION_SPOKEN)
        peer = address_of(websocket)
        address = services.crowd.counted(peer)
        await services.sockets_of(peer).run_stream(
            admitted.transport, admitted.principal, claim=admitted.claim, noted=noted, address=address
        )
