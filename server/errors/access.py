"""Refusals."""

from server.errors.base import TingqingError


class AccessError(TingqingError):
    """The peer may not do this. The answer does not reveal what exists."""

    code = "forbidden"
    close_code = 4403
    http_status = 403


class UnauthorizedError(AccessError):
    """No credentials, or invalid ones."""

    code = "unauthorized"
    close_code = 4401
    http_status = 401


class ForbiddenError(AccessError):
    """Known, but not allowed here: the wrong role, origin or host."""

    code = "forbidden"


class InvalidTokenError(AccessError):
    """Not a token of this server: altered, signed by nobody, or signed with a key that was dropped."""

    code = "invalid_token"
    close_code = 4401
    http_status = 401


class TokenExpiredError(AccessError):
    """Genuine, but its time is over, or the key that asked for it was revoked."""

    code = "token_expired"
    close_code = 4410
    http_status = 401


class TokenUsedError(AccessError):
    """Genuine, but it began its session already: a publish token does that once."""

    code = "token_used"


class ForeignTokenError(AccessError):
    """Genuine, but for another session or another kind of socket."""

    code = "foreign_token"


class TooManyRequestsError(AccessError):
    """A key was used too often, or an address was wrong too often; ``retry_after_s`` says when to retry."""

    code = "too_many_requests"
    close_code = 4503
    http_status = 429
    retryable = True
