"""Messages from the server to the patient and, with the same ``seq``, to observers."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from server.wire.base import WireModel
from server.wire.client import CaptureConfig
from server.wire.common import (
    BASIS,
    BasisName,
    ErrorBody,
    EventModel,
    InterferenceModel,
    LabelScoreModel,
    MeasuresModel,
    NoticeModel,
    OverallModel,
    Score,
    TextModel,
    VoiceModel,
    WindowRef,
)
from server.wire.result import ResultModel, SpanModel, WindowsElsewhere
from server.wire.started import SessionLabel, SessionStarted
from server.wire.transcript import SaidMessage
from server.wire.watching import PromptDeclinedMessage, PromptMutedMessage, TrendPoint


class AudioAck(WireModel):
    """The server has taken ``samples`` samples. Keep 20 s for a resume nevertheless."""

    type: Literal["audio.ack"] = "audio.ack"
    samples: int = Field(ge=0, description="Input-rate samples taken so far, cumulative.")


class LevelMessage(WireModel):
    """Up to five per second of audio, over its last 200 ms."""

    type: Literal["level"] = "level"
    rms_dbfs: float
    peak_dbfs: float
    speaking: bool
    clipping: bool


class SessionView(WireModel):
    """The aggregate so far: label id to score, the session's overall, and the stretches that could not be heard."""

    labels: dict[str, Score | None]
    overall: OverallModel
    unusable_spans: list[SpanModel] = Field(
        default_factory=list, description="As in the result if the session ended here; the latest 200 of them."
    )


class QualityUpdate(WireModel):
    """One per judged window. ``seq`` counts them over the session, across its sockets."""

    type: Literal["quality.update"] = "quality.update"
    seq: int = Field(ge=1)
    window: WindowRef
    labels: dict[str, LabelScoreModel]
    recent: dict[str, Score | None]
    session: SessionView
    overall: OverallModel = Field(description="The judgement of this window; the meter shows it.")
    measures: MeasuresModel
    interference: list[InterferenceModel]
    events: list[EventModel] = Field(
        default_factory=list,
        description="Sounds heard now or a moment ago; the end may still move, and with it the start.",
    )
    voices: list[VoiceModel] = Field(
        default_factory=list,
        description="Voices told apart so far, each with its latest 20 spans; none without the talker models.",
    )
    lag_ms: float = Field(
        description="From when the window's last sample was due (fast, replayed: from its arrival) to this message."
    )


class SpeechStartedMessage(WireModel):
    """``at_s``: where in the stream the speech began."""

    type: Literal["speech.started"] = "speech.started"
    at_s: float


class SpeechStoppedMessage(WireModel):
    """``at_s``: where in the stream the speech ended."""

    type: Literal["speech.stopped"] = "speech.stopped"
    at_s: float


PromptSource = Literal["listener", "doctor"]


class PromptRaisedMessage(WireModel):
    """``audience`` is the doctor after two prompts that the patient did not follow.

    ``source``: who asks. The listener itself, or a doctor who watches (``prompt.send``).
    """

    type: Literal["prompt.raised"] = "prompt.raised"
    id: str
    label: str
    text: TextModel
    audience: Literal["patient", "doctor"] = "patient"
    source: PromptSource = "listener"


class PromptClearedMessage(WireModel):
    """The prompt with this ``id`` is over: stop showing it."""

    type: Literal["prompt.cleared"] = "prompt.cleared"
    id: str
    label: str
    text: TextModel
    audience: Literal["patient", "doctor"] = "patient"
    source: PromptSource = "listener"


class PromptText(WireModel):
    """A prompt of the session's labels, as ``prompt.send`` would show it."""

    id: str
    text: TextModel


WarningCode = Literal[
    "silent_input",
    "clipping",
    "scoring_lag",
    "processing_enabled",
    "audio_gap",
    "expiring",
    "not_what_was_declared",
]


class WarningMessage(WireModel):
    """A problem that does not end the session and that a person can fix."""

    type: Literal["warning"] = "warning"
    code: WarningCode
    guess: str | None = Field(
        default=None, description="With not_what_was_declared: what the bytes look like, such as webm or stereo."
    )


class Heartbeat(WireModel):
    """Sent when nothing else was sent for 1 s."""

    type: Literal["heartbeat"] = "heartbeat"


class GoAway(WireModel):
    """The server stops in ``time_left_s``. ``resumable``: the session can go on in another process of its folder, so
    close this socket and resume at once; otherwise finish here."""

    type: Literal["go_away"] = "go_away"
    time_left_s: float
    resumable: bool = False


EndReason = Literal["client", "idle", "expired", "drain", "error", "faster_than_real_time"]


class SessionEnded(WireModel):
    """Last message of a session; the socket closes after it. Under 1 MiB, whatever the session's length."""

    type: Literal["session.ended"] = "session.ended"
    reason: EndReason
    result: ResultModel
    windows: WindowsElsewhere | None = Field(
        default=None, description="Where all windows are, if the result lists only some of them; null: it has all."
    )


class ErrorMessage(WireModel):
    """A fault of the peer. If it is fatal, the socket closes after it."""

    type: Literal["error"] = "error"
    error: ErrorBody
    request_id: str


class LabelsUpdated(WireModel):
    """Answer to ``labels.update``: the labels in effect from the next window on. ``sendable``: as in ``snapshot``."""

    type: Literal["labels.updated"] = "labels.updated"
    labels: list[SessionLabel]
    notices: list[NoticeModel] = Field(default_factory=list, description="What the caller should know.")
    sendable: list[PromptText] = Field(default_factory=list)


class SessionStateMessage(WireModel):
    """The patient paused or resumed sending."""

    type: Literal["session.state"] = "session.state"
    state: Literal["live", "paused", "reconnecting"]
    left: bool = Field(default=False, description="With reconnecting: the patient closed or left the page.")


class Snapshot(WireModel):
    """First message to an observer: the current state of the session. ``update`` is the latest one, if any."""

    type: Literal["snapshot"] = "snapshot"
    session_id: str
    state: Literal["live", "paused", "reconnecting", "ended"]
    labels: list[SessionLabel]
    scorers: list[str]
    basic_mode: bool
    basis: BasisName = Field(default="room", description=BASIS)
    capture: CaptureConfig
    language: str
    update: QualityUpdate | None = None
    prompts: list[PromptRaisedMessage] = Field(default_factory=list)
    warnings: list[WarningCode] = Field(default_factory=list)
    ended: SessionEnded | None = None
    notices: list[NoticeModel] = Field(default_factory=list, description="What the caller should know.")
    nudge: bool = Field(default=False, description="This observer may send prompt.send and prompt.mute.")
    sendable: list[PromptText] = Field(default_factory=list, description="What prompt.send can ask, each id once.")
    muted: list[str] = Field(default_factory=list, description="Ids of the prompts that a doctor muted.")
    declined: list[str] = Field(default_factory=list, description='Ids to which the patient said "not now".')
    left: bool = Field(default=False, description="As in session.state.")
    trend: list[TrendPoint] = Field(default_factory=list, description="The last 60 s, oldest first.")
    said: SaidMessage | None = Field(default=None, description="What was said so far, if somebody hands it over.")


ServerMessage = Annotated[
    SessionStarted
    | AudioAck
    | LevelMessage
    | QualityUpdate
    | SpeechStartedMessage
    | SpeechStoppedMessage
    | PromptRaisedMessage
    | PromptClearedMessage
    | PromptMutedMessage
    | PromptDeclinedMessage
    | WarningMessage
    | Heartbeat
    | GoAway
    | SessionEnded
    | ErrorMessage
    | LabelsUpdated
    | SessionStateMessage
    | SaidMessage
    | Snapshot,
    Field(discriminator="type"),
]

server_messages: TypeAdapter[Any] = TypeAdapter(ServerMessage)
