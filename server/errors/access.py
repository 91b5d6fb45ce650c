"""Refusals."""

from server.errors.base import TingqingError


class AccessError(TingqingError):
    code = "forbidden"
    close_code = 4403
    http_status = 403


class UnauthorizedError(AccessError):
    code = "unauthorized"
    close_code = 4401
    http_status = 401


class ForbiddenError(AccessError):
    code = "forbidden"
