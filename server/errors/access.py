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
    """Known, but not allowed here: the wrong scope, origin or host."""

    code = "forbidden"
