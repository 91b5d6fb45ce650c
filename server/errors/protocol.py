"""Faults of a peer's messages."""

from server.errors.base import TingqingError


class ProtocolError(TingqingError):
    code = "protocol_error"
    close_code = 4400
    http_status = 400


class MalformedMessageError(ProtocolError):
    code = "malformed_message"
    fatal = False


class UnexpectedMessageError(ProtocolError):
    code = "unexpected_message"
    fatal = False


class FrameTooLargeError(ProtocolError):
    code = "frame_too_large"
    close_code = 1009


class TooManyFaultsError(ProtocolError):
    code = "too_many_faults"


class FasterThanRealTimeError(ProtocolError):
    code = "faster_than_real_time"
    close_code = 4429
    http_status = 429
