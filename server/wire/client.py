"""Messages from the patient's side. Binary messages are PCM; every text message is one of these as a JSON object."""

import math
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from server.errors import (
    AudioError,
    MalformedMessageError,
    TingqingError,
    UnsupportedEncodingError,
    UnsupportedRateError,
)
from server.values.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from server.values.labels import LabelQuery, RequestedLabel
from server.wire.base import WireModel
from server.wire.transcript import Transcript

MAX_PARAM = 100
"""Longest field path in an error, in characters: the name of an unknown field comes from the peer."""


class LabelRequest(WireModel):
    """One requested label, by id, title, alias or ad hoc text, with its own threshold or weight."""

    label: str = Field(min_length=1, max_length=200)
    threshold: float | None = Field(default=None, ge=0.0, le=1.0, strict=True)
    weight: float | None = Field(default=None, ge=0.0, le=100.0, strict=True)


LabelsField = str | list[LabelRequest]


def requested(labels: LabelsField | None) -> LabelQuery:
    """The request as a value."""
    if labels is None or isinstance(labels, str):
        return labels
    return [RequestedLabel(one.label, one.threshold, one.weight) for one in labels]


LABELS_FORM = "write a dictionary's name, labels separated by commas, or an array of {label, threshold?, weight?}"


class AudioConfig(WireModel):
    """What the binary messages hold."""

    encoding: Literal["pcm_s16le", "pcm_f32le", "mulaw", "alaw"] = "pcm_s16le"
    sample_rate: int = Field(ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, description="Hz, mono, as actually captured.")


class CaptureConfig(WireModel):
    """The browser's actual settings (``track.getSettings()``). Absent = microphone, unknown processing."""

    source: Literal["microphone", "file", "line", "telephone"] = "microphone"
    echoCancellation: bool | None = None  # noqa: N815 - the names of MediaTrackSettings
    noiseSuppression: bool | None = None  # noqa: N815
    autoGainControl: bool | None = None  # noqa: N815


class ResumeConfig(WireModel):
    """From ``session.started``; the token is secret."""

    session_id: str
    resume_token: str


class VoiceOf(WireModel):
    """A session that has ended, the microphone check, whose patient is the same; the token is from its
    ``session.started``."""

    session_id: str = Field(max_length=100)
    resume_token: str = Field(max_length=200)


MAX_DEPTH = 16
"""How deep ``metadata`` may nest. Results repeat it within their own fields, and JSON is read 200 deep at most."""


def _repeatable(value: JsonValue) -> JsonValue:
    """Raises ValueError for NaN or Infinity anywhere, and for deep nests: the result repeats the value."""
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"at most {MAX_DEPTH} levels of lists and objects")
        match one:
            case float() as number if not math.isfinite(number):
                raise ValueError("numbers must be finite")
            case list() as items:
                waiting += [(item, depth + 1) for item in items]
            case dict() as fields:
                waiting += [(field, depth + 1) for field in fields.values()]
    return value


MetadataField = dict[str, Annotated[JsonValue, AfterValidator(_repeatable)]]


class SessionStart(WireModel):
    """First message on ``/v1/stream``. With ``resume``, the session continues from ``next_sample``."""

    type: Literal["session.start"]
    audio: AudioConfig
    mode: Literal["recording", "visit"] = Field(
        default="recording", description="visit: a conversation, in which silence is listening."
    )
    pace: Literal["realtime", "fast"] = "realtime"
    capture: CaptureConfig = CaptureConfig()
    labels: LabelsField | None = Field(default=None, max_length=20_000)
    language: str | None = Field(default=None, max_length=35, description="BCP 47: zh-CN, en …")
    reference: str | None = Field(default=None, max_length=200)
    metadata: MetadataField | None = Field(default=None, max_length=50)
    resume: ResumeConfig | None = None
    keep_voice: bool = Field(
        default=False,
        description="Once the patient ends it, keep their voice (192 numbers: biometric data) for half an hour, in "
        "memory, for voice_of of the visit that follows.",
    )
    voice_of: VoiceOf | None = Field(
        default=None, description="The patient's voice is known from this check, if it ended less than 30 minutes ago."
    )


class AudioPause(WireModel):
    """The patient stops sending; the session waits for ``pause_timeout_s``."""

    type: Literal["audio.pause"]


class AudioResume(WireModel):
    """Audio follows again; the sample count continues without a gap."""

    type: Literal["audio.resume"]


class AudioGap(WireModel):
    """Samples that the client had to drop; they advance time, are marked as lost, and do not count as dropouts."""

    type: Literal["audio.gap"]
    samples: int = Field(gt=0, le=MAX_SAMPLE_RATE * 3600)


class FarEnd(WireModel):
    """The far end (the doctor's voice, from the call's remote track) starts or stops speaking.

    It takes effect at the sample that has been received, with a tail of 300 ms after its end; nothing there is measured
    as the patient's. In a replay, send each mark again at its place in the audio.
    """

    type: Literal["far_end"]
    speaking: bool = Field(strict=True)


class LabelsUpdate(WireModel):
    """Other labels from the next window on; answered by ``labels.updated`` or an ``error``."""

    type: Literal["labels.update"]
    labels: LabelsField = Field(max_length=20_000)


class PromptSnooze(WireModel):
    """ "Not now": this prompt is not raised again in this visit."""

    type: Literal["prompt.snooze"]
    id: str = Field(min_length=1, max_length=100)


class KeepAlive(WireModel):
    """No effect, not on ``idle_timeout_s`` either; keeps proxies from closing the connection."""

    type: Literal["keepalive"]


class SessionEnd(WireModel):
    """No more audio: the last window is scored, and ``session.ended`` follows with the result."""

    type: Literal["session.end"]


ClientMessage = Annotated[
    SessionStart
    | AudioPause
    | AudioResume
    | AudioGap
    | FarEnd
    | Transcript
    | LabelsUpdate
    | PromptSnooze
    | KeepAlive
    | SessionEnd,
    Field(discriminator="type"),
]

client_messages: TypeAdapter[Any] = TypeAdapter(ClientMessage)

CLIENT_MODELS: tuple[type[WireModel], ...] = get_args(get_args(ClientMessage)[0])


def type_of(model: type[BaseModel]) -> str:
    """The value of the message's ``type`` field."""
    (value,) = get_args(model.model_fields["type"].annotation)
    return str(value)


TYPES = tuple(map(type_of, CLIENT_MODELS))


def parse_client_message(text: str | bytes) -> ClientMessage:
    """Parse one text message.

    Raises MalformedMessageError, UnsupportedRateError or UnsupportedEncodingError. ``param`` names the first faulty
    field, and the message says what was expected; the peer's values are not echoed.
    """
    try:
        return client_messages.validate_json(text)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise first_fault(error) from None


def first_fault(error: ValidationError, types: tuple[str, ...] = ()) -> TingqingError:
    """What the first fault means. ``types``: those that the sender may use; a patient's if there are none."""
    return _fault(_telling(error.errors(include_url=False, include_input=False)), types or TYPES)


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """The first error, unless it only says that a list of labels is not a string: a list is allowed."""
    first, *others = errors
    deeper = [one for one in others if len(one["loc"]) > len(first["loc"])]
    return deeper[0] if first["loc"][-1:] == ("str",) and deeper else first


def _fault(first: ErrorDetails, types: tuple[str, ...]) -> TingqingError:
    shown = [str(part) for part in first["loc"] if part not in (*TYPES, *types, *_BRANCHES)]
    where = ".".join(shown)[:MAX_PARAM] or None
    if where == "labels" and first["type"] in ("string_type", "too_long"):
        return MalformedMessageError(f"labels: {LABELS_FORM}; at most 20000 characters.", param=where)
    if where and re.fullmatch(r"labels\.\d+", where):
        return MalformedMessageError(f"{where}: {first['msg']}; {LABELS_FORM}.", param=where)
    if where in _AUDIO_FAULTS and first["type"] in ("greater_than_equal", "less_than_equal", "literal_error"):
        return _AUDIO_FAULTS[where](f"{where}: {first['msg']}.", param=where)
    # The discriminator's own message repeats the peer's value.
    what = f"'type' must be one of {', '.join(types)}" if first["type"] == "union_tag_invalid" else first["msg"]
    return MalformedMessageError(
        f"{where or 'message'}: {what}. Every text message is one JSON object with a known 'type'; "
        "see docs/protocol.md.",
        param=where,
    )


_BRANCHES = ("str", "list[LabelRequest]")
"""pydantic's names for the two forms of ``labels``; the client did not write them."""

_AUDIO_FAULTS: dict[str | None, type[AudioError]] = {
    "audio.sample_rate": UnsupportedRateError,
    "audio.encoding": UnsupportedEncodingError,
}
