"""Starlette's WebSocket as the Transport of ``server.live``; opening and refusing sockets."""

from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from server.access.principal import Principal, Right
from server.access.tokens import Claim, Scope
from server.api.principals import principal_of
from server.api.services import services_of
from server.errors import ConfigError, TingqingError
from server.live.messages import error_message
from server.live.transport import Disconnected
from server.wire.base import PROTOCOL

MAX_REASON_BYTES = 123
"""Bytes of reason that fit into a close frame (RFC 6455, 5.5)."""

GONE = 1006

BEARER = "bearer."
"""Begins the subprotocol that carries a token: browsers let a page set no header of a handshake."""

SCOPES = {
    Right.BEGIN: frozenset({Scope.PUBLISH}),
    Right.OBSERVE: frozenset({Scope.OBSERVE, Scope.NUDGE}),
    Right.TRANSCRIBE: frozenset({Scope.TRANSCRIBE}),
    Right.CALL: frozenset({Scope.PUBLISH, Scope.NUDGE}),
}
"""The tokens that open a socket for which a key needs this right."""


class SocketTransport:
    """One accepted WebSocket. One task calls ``receive``; one other task calls ``send_text`` and ``close``."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes:
        """The next message. Raises Disconnected with the close code (1005: no code, or the connection was lost)."""
        try:
            message = await self._websocket.receive()
        except WebSocketDisconnected:
            raise Disconnected(GONE) from None
        if message["type"] == "websocket.disconnect":
            raise Disconnected(int(message.get("code") or GONE))
        text = message.get("text")
        return str(text) if text is not None else bytes(message["bytes"])

    async def send_text(self, text: str) -> None:
        """Send ``text``. Waits while the peer does not read (the caller has a deadline). Raises Disconnected."""
        try:
            await self._websocket.send_text(text)
        except WebSocketDisconnect as error:
            raise Disconnected(error.code) from None
        except RuntimeError:  # raised by Starlette and uvicorn after a close
            raise Disconnected(GONE) from None

    async def close(self, code: int, reason: str) -> None:
        """Close once; a connection that is already gone is not an error."""
        short = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        try:
            await self._websocket.close(code, short)
        except (WebSocketDisconnect, RuntimeError):
            return


@dataclass(frozen=True, slots=True)
class Admitted:
    """An accepted socket. ``claim``: of who came with a token."""

    transport: SocketTransport
    principal: Principal
    claim: Claim | None = None

    @property
    def nudges(self) -> bool:
        """Whether it may send and mute prompts."""
        return self.principal.may(Right.NUDGE) if self.claim is None else self.claim.scope is Scope.NUDGE


async def open_transport(websocket: WebSocket, right: Right, session_id: str | None = None) -> Admitted | None:
    """Accept a caller who has ``right``, by a token for it (subprotocol ``bearer.<token>``) or a key.

    ``tingqing.v1`` is echoed if it was offered, the token never. ``None``: refused and closed, or gone. A client that
    offers no subprotocol is assumed to speak this one; a client that offers only others does not.
    """
    offered = websocket.scope["subprotocols"]
    if offered and PROTOCOL not in offered:
        await refuse(websocket, ConfigError(f"This server speaks the subprotocol {PROTOCOL}.", param="subprotocol"))
        return None
    try:
        principal, claim = await _caller(websocket, right, session_id)
    except TingqingError as error:
        await refuse(websocket, error)
        return None
    if not await _accepted(websocket, PROTOCOL if offered else None):
        return None
    return Admitted(SocketTransport(websocket), principal, claim)


async def _accepted(websocket: WebSocket, subprotocol: str | None) -> bool:
    """False if the peer has gone meanwhile, which the server tells as an OSError."""
    try:
        await websocket.accept(subprotocol)
    except OSError:
        return False
    return True


async def _caller(websocket: WebSocket, right: Right, session_id: str | None) -> tuple[Principal, Claim | None]:
    tokens = [one.removeprefix(BEARER) for one in websocket.scope["subprotocols"] if one.startswith(BEARER)]
    if not tokens:
        return await principal_of(websocket, right), None
    return await services_of(websocket).gate.guest(tokens[0], SCOPES[right], session_id)


async def refuse(websocket: WebSocket, error: TingqingError) -> None:
    """Accept, send the error, close with its code."""
    if not await _accepted(websocket, PROTOCOL if PROTOCOL in websocket.scope["subprotocols"] else None):
        return
    transport = SocketTransport(websocket)
    try:
        await transport.send_text(error_message(error).model_dump_json())
    except Disconnected:
        return
    await transport.close(error.close_code, error.code)
