"""Messages of the live shell, built from the core's events and the error tree."""

from pydantic import BaseModel

from server.errors import TingqingError
from server.logs import request_id
from server.stream.events import Level, SpeechStarted, SpeechStopped
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from server.wire.client import SessionStart
from server.wire.common import ErrorBody
from server.wire.server import ErrorMessage, LevelMessage, SpeechStartedMessage, SpeechStoppedMessage


def error_message(error: TingqingError) -> ErrorMessage:
    """With a request id of the socket, which the log has too."""
    body = ErrorBody(
        type=error.type_name(),
        code=error.code,
        message=error.message,
        param=error.param,
        retryable=error.retryable,
        retry_after_s=error.retry_after_s,
    )
    return ErrorMessage(error=body, request_id=request_id.get())


def capture_of(start: SessionStart) -> Capture:
    """What the browser granted; anything it did not report is unknown."""
    granted = start.capture
    return Capture(
        source=CaptureSource(granted.source),
        echo_cancellation=granted.echoCancellation,
        noise_suppression=granted.noiseSuppression,
        auto_gain_control=granted.autoGainControl,
    )


def format_of(start: SessionStart) -> AudioFormat:
    """As declared; the rate was checked when the message was parsed."""
    return AudioFormat(Encoding(start.audio.encoding), start.audio.sample_rate)


def level_message(level: Level) -> LevelMessage:
    """Levels in tenths of a decibel."""
    return LevelMessage(
        rms_dbfs=round(level.rms_dbfs, 1),
        peak_dbfs=round(level.peak_dbfs, 1),
        speaking=level.speaking,
        clipping=level.clipping,
    )


def speech_message(event: SpeechStarted | SpeechStopped, rate: int) -> SpeechStartedMessage | SpeechStoppedMessage:
    """Samples of ``rate`` become seconds of the stream."""
    model = SpeechStartedMessage if isinstance(event, SpeechStarted) else SpeechStoppedMessage
    return model(at_s=event.sample / rate)


def kind_of(message: BaseModel) -> str:
    """Observers keep the latest message of each kind; prompts and warnings are kept by id or code."""
    kind = str(getattr(message, "type"))  # noqa: B009 - every wire message has one, BaseModel does not say so
    about = getattr(message, "id", None) or getattr(message, "code", "")
    return f"{kind.removesuffix('.raised').removesuffix('.cleared')}:{about}"
