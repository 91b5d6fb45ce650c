"""Refusals."""

from server.errors.base import TingqingError


class AccessError(TingqingError):
    """The peer may not do this: it closes a socket, and a request is answered without saying what is there."""

    code = "forbidden"
    close_code = 4403
    http_status = 403


class UnauthorizedError(AccessError):
    """Nothing said who asks, or what was said does not hold."""

    code = "unauthorized"
    close_code = 4401
    http_status = 401


class ForbiddenError(AccessError):
    """Known, but not allowed here: the wrong scope, origin or host."""

    code = "forbidden"
