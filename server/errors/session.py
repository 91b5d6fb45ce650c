"""Sessions that cannot go on."""

from server.errors.base import TingqingError


class SessionError(TingqingError):
    code = "session_error"
    close_code = 4404
    http_status = 404


class UnknownSessionError(SessionError):
    code = "unknown_session"


class SessionExpiredError(SessionError):
    code = "session_expired"
    close_code = 4410
    http_status = 410


class SessionSupersededError(SessionError):
    code = "session_superseded"
    close_code = 4409
    http_status = 409


class IdleTimeoutError(SessionError):
    code = "idle_timeout"
    close_code = 4408
    http_status = 408
