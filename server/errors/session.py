"""Sessions that cannot go on."""

from server.errors.base import TingqingError


class SessionError(TingqingError):
    """A session that the peer asked for cannot be had."""

    code = "session_error"
    close_code = 4404
    http_status = 404


class UnknownSessionError(SessionError):
    """No session of this id, or a resume token that is not its own: the two are not told apart."""

    code = "unknown_session"


class SessionExpiredError(SessionError):
    """The session has ended, or waited longer for its patient than ``resume_ttl_s``."""

    code = "session_expired"
    close_code = 4410
    http_status = 410


class SessionSupersededError(SessionError):
    """The session went on over a newer socket; this one must not reconnect."""

    code = "session_superseded"
    close_code = 4409
    http_status = 409


class IdleTimeoutError(SessionError):
    """Nothing came for longer than the deadline: no start, no audio, or an upload that stalled."""

    code = "idle_timeout"
    close_code = 4408
    http_status = 408
