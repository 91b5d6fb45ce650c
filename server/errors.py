"""The error tree. Every leaf has one wire code, one close code and one HTTP status.

::

    TingqingError
    ├── ConfigError                      a setting, flag or label set that cannot work
    │   ├── SettingsError                refused at start, exit code 2
    │   ├── LabelFileError               a file of ``labels/`` with file and line
    │   ├── TranscriptError              a line of a transcript that is none
    │   ├── LabelQueryError              a label set asked for that cannot be resolved
    │   └── ManifestError                labelled recordings for ``evaluate``, with file and line
    ├── AudioError                       the peer's audio
    │   ├── UnsupportedRateError         outside 8–96 kHz
    │   ├── UnsupportedEncodingError     neither pcm_s16le nor pcm_f32le
    │   ├── NonFiniteSamplesError        NaN or Infinity in pcm_f32le        (recoverable)
    │   ├── OddLengthError               a total length that cuts a sample   (recoverable)
    │   ├── UndecodableFileError         libsndfile cannot read it
    │   └── PayloadTooLargeError         an upload over the limit
    ├── ProtocolError                    the peer's messages
    │   ├── MalformedMessageError        not JSON, unknown type or field
    │   ├── UnexpectedMessageError       a valid message in the wrong state
    │   ├── FrameTooLargeError           over 64 KiB                         1009
    │   ├── TooManyFaultsError           the fifth malformed control in 10 s 4400
    │   └── FasterThanRealTimeError      pace=realtime only                  4429
    ├── AccessError
    │   ├── UnauthorizedError            4401
    │   └── ForbiddenError               scope, origin, host                 4403
    ├── SessionError
    │   ├── UnknownSessionError          4404
    │   ├── SessionExpiredError          4410
    │   ├── SessionSupersededError       4409
    │   └── IdleTimeoutError             4408
    ├── CapacityError                    4503, retryable
    ├── DrainingError                    1012, retryable
    ├── SnapshotError                    a snapshot of another version
    └── ScoringError                     a scorer failed; the session goes on

A peer's faults are errors of this tree; our own bugs are assertions.
"""

from typing import ClassVar


class TingqingError(Exception):
    """Base of all errors that reach a person or a peer.

    ``message`` says what is wrong and what to do; ``param`` names the field, flag or file at fault.
    """

    code: ClassVar[str] = "internal"
    close_code: ClassVar[int] = 1011
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    fatal: ClassVar[bool] = True

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    @classmethod
    def type_name(cls) -> str:
        """The family, as the wire's ``error.type``: ``audio``, ``protocol``, ``session`` …"""
        family = cls
        while family.__base__ is not TingqingError and family is not TingqingError:
            base = family.__base__
            assert base is not None
            assert issubclass(base, TingqingError)
            family = base
        return "internal" if family is TingqingError else family.__name__.removesuffix("Error").lower()


class ConfigError(TingqingError):
    code = "invalid_config"
    close_code = 4400
    http_status = 422


class SettingsError(ConfigError):
    code = "invalid_settings"


class LabelFileError(ConfigError):
    """A fault in a label file. ``path`` and ``line`` (1-based, or ``None``) lead the message."""

    code = "invalid_label_file"

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else path
        super().__init__(f"{where}: {message}", param=path)
        self.path = path
        self.line = line


class LabelQueryError(ConfigError):
    code = "invalid_labels"


class ManifestError(ConfigError):
    """A manifest of labelled recordings that cannot be used as a whole; ``line`` is 1-based."""

    code = "invalid_manifest"

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {message}", param=path)


class TranscriptError(ConfigError):
    """``line`` is 1-based. The message never holds words of the transcript."""

    code = "invalid_transcript"

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message, param="transcript")
        self.line = line


class AudioError(TingqingError):
    code = "invalid_audio"
    close_code = 4400
    http_status = 422


class UnsupportedRateError(AudioError):
    code = "unsupported_sample_rate"


class UnsupportedEncodingError(AudioError):
    code = "unsupported_encoding"


class NonFiniteSamplesError(AudioError):
    code = "non_finite_samples"
    fatal = False


class OddLengthError(AudioError):
    code = "odd_length"
    fatal = False


class UndecodableFileError(AudioError):
    code = "undecodable_file"
    http_status = 415


class PayloadTooLargeError(AudioError):
    code = "payload_too_large"
    http_status = 413


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


class CapacityError(TingqingError):
    code = "at_capacity"
    close_code = 4503
    http_status = 503
    retryable = True


class DrainingError(TingqingError):
    code = "draining"
    close_code = 1012
    http_status = 503
    retryable = True


class SnapshotError(TingqingError):
    code = "snapshot_mismatch"


class ScoringError(TingqingError):
    code = "scoring_failed"
    retryable = True
    fatal = False
    http_status = 503
