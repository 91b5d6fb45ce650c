"""``session.started``: what a new or resumed session is told first."""

from typing import Literal

from pydantic import Field

from server.wire.base import WireModel
from server.wire.client import AudioConfig, CaptureConfig
from server.wire.common import BASIS, BasisName, Kind, NoticeModel, Score, TextModel


class AppliedConfig(WireModel):
    """The configuration in effect, which may differ from the request."""

    pace: Literal["realtime", "fast"]
    audio: AudioConfig
    capture: CaptureConfig
    language: str
    vad: str
    mode: Literal["recording", "visit"] = "recording"
    voice: Literal["known", "unknown"] | None = Field(
        default=None, description="Whether the patient's voice is known from the check that voice_of names."
    )


class Limits(WireModel):
    """The limits that the server enforces."""

    max_frame_bytes: int
    max_session_s: float
    idle_timeout_s: float
    pause_timeout_s: float
    resume_ttl_s: float


class SessionLabel(WireModel):
    """A label of this session; ``prompt`` is the id of the prompt that it may raise."""

    id: str
    title: TextModel
    kind: Kind
    threshold: Score
    prompt: str | None = None


class SessionStarted(WireModel):
    """Answer to ``session.start``; audio may follow. ``resume_token`` is secret: it lets a client resume."""

    type: Literal["session.started"] = "session.started"
    session_id: str
    resume_token: str
    next_sample: int = Field(ge=0, description="Send from this input-rate sample; 0 for a new session.")
    config: AppliedConfig
    limits: Limits
    labels: list[SessionLabel]
    scorers: list[str]
    basic_mode: bool = Field(description="True if no CLAP is loaded.")
    basis: BasisName = Field(default="room", description=BASIS)
    notices: list[NoticeModel] = Field(default_factory=list, description="What the caller should know.")
