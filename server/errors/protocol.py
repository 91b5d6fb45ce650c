"""Faults of a peer's messages."""

from server.errors.base import TingqingError


class ProtocolError(TingqingError):
    """A message that violates docs/protocol.md."""

    code = "protocol_error"
    close_code = 4400
    http_status = 400


class MalformedMessageError(ProtocolError):
    """Not JSON, or an unknown type or field; ``param`` names the field. Answered, and the session goes on."""

    code = "malformed_message"
    fatal = False


class UnexpectedMessageError(ProtocolError):
    """A valid message that is not allowed in the session's state. Answered, and the session goes on."""

    code = "unexpected_message"
    fatal = False


class FrameTooLargeError(ProtocolError):
    """A WebSocket message over 64 KiB."""

    code = "frame_too_large"
    close_code = 1009


class TooManyChangesError(ProtocolError):
    """Labels changed more often than a person does, or a transcript came in too many pieces. Answered, and the session
    goes on with what it has."""

    code = "too_many_changes"
    http_status = 429
    fatal = False
    retryable = True


class UnknownPromptError(ProtocolError):
    """The session's labels have no prompt of this id. Answered, and the observer goes on."""

    code = "unknown_prompt"
    fatal = False


class TooManyPromptsError(ProtocolError):
    """The doctors of a session sent more prompts than a patient can follow. Answered, and the observer goes on."""

    code = "too_many_prompts"
    fatal = False
    retryable = True


class TooManyFaultsError(ProtocolError):
    """Too many malformed messages in a short time: the socket is closed."""

    code = "too_many_faults"


class FasterThanRealTimeError(ProtocolError):
    """In a session of pace ``realtime``, audio faster than real time, beyond the allowed burst."""

    code = "faster_than_real_time"
    close_code = 4429
    http_status = 429
