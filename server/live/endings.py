"""How a socket, and perhaps its session, ends."""

from dataclasses import dataclass

from server.errors import SessionSupersededError, TingqingError
from server.wire.server import EndReason

ENDED = 1000
INTERNAL = 1011
GOING_AWAY = 1001
RESTART = 1012
NO_CLOSE = (1005, 1006)
"""Codes without a close frame that says why (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """``reason`` of ``session.ended``; ``None``: the session continues without this socket. ``lost``: no peer, who
    closed with ``close_code`` or whose connection broke."""

    reason: EndReason | None
    close_code: int
    error: TingqingError | None = None
    lost: bool = False

    @property
    def left_page(self) -> bool:
        """Whether the peer is a browser whose page was closed or left (RFC 6455, 7.4.1)."""
        return self.lost and self.close_code == GOING_AWAY

    @property
    def why(self) -> str:
        """As written in the log."""
        if self.lost:
            return f"its peer left ({self.close_code})" if self.close_code not in NO_CLOSE else "its line broke"
        if self is LEFT:
            return "the server stops"
        return self.error.code if self.error is not None else self.reason or "its socket closed"


CLIENT = Ending("client", ENDED)
EXPIRED = Ending("expired", ENDED)
DRAIN = Ending("drain", GOING_AWAY)
LEFT = Ending(None, GOING_AWAY)
"""The server stops, and the session can go on in another process."""

LOST = Ending(None, 1006, lost=True)


def left(code: int) -> Ending:
    """The peer closed, as a browser does whose page is closed (1001), or its connection broke."""
    return Ending(None, code, lost=True)


def superseded() -> Ending:
    """The socket closes, and the session continues over the newer one."""
    error = SessionSupersededError("The session goes on from another connection.")
    return Ending(None, error.close_code, error)


def fault(error: TingqingError) -> Ending:
    """The peer's fatal error ends the session, with the wire's reason for it."""
    reasons: dict[str, EndReason] = {"idle_timeout": "idle", "faster_than_real_time": "faster_than_real_time"}
    return Ending(reasons.get(error.code, "error"), error.close_code, error)


def internal() -> Ending:
    """A fault of ours: the session can be resumed from its last judged window."""
    return Ending(None, INTERNAL, TingqingError("The server made a mistake; resume the session."))
