"""Values that several messages and the result share."""

from typing import Annotated, Literal

from pydantic import Field

from server.values.notices import NoticeCode
from server.values.scores import Why
from server.wire.base import WireModel

Score = Annotated[float, Field(ge=0.0, le=1.0)]
Grade = Literal["clear", "usable", "poor", "nodata"]
Verdict = Literal["accept", "re-record", "unusable"]
BasisName = Literal["room", "as_heard"]
BASIS = (
    "What is judged. room: the sound of the room. as_heard: the sound as the doctor hears it, not the room: of a "
    "microphone whose noise suppression or gain control is on or unknown, and of a file, line or telephone that says "
    "that one of them is on. Echo cancellation alone is room."
)
Kind = Literal["quality", "content"]


class TextModel(WireModel):
    """A sentence or title in Chinese and English."""

    zh: str
    en: str


class NoticeModel(TextModel):
    """What the caller should know: ``code`` is for programs and does not change, the sentences are for people.

    Older servers send none.
    """

    code: NoticeCode | None = None


class EvidenceModel(WireModel):
    """Each scorer's opinion of a label, 0..1, or null if it has none."""

    acoustic: Score | None = None
    clap: Score | None = None
    transcript: Score | None = None


class LabelScoreModel(WireModel):
    """A label in one window. ``why`` says why ``score`` is null."""

    score: Score | None
    evidence: EvidenceModel
    why: Why | None = None


class OverallModel(WireModel):
    """All labels together; without a single score the grade is ``nodata``."""

    score: Score | None
    grade: Grade
    passed: bool
    verdict: Verdict | None
    assessed: str = Field(description="How many labels have a score, for example '8 of 14'.")


class PausesModel(WireModel):
    """Silences between words: their number, the longest, and their share of the time."""

    count: int = Field(ge=0)
    longest_s: float = Field(ge=0)
    ratio: Score


class MeasuresModel(WireModel):
    """Physical quantities; null if not measurable."""

    snr_db: float | None = None
    noise_dbfs: float | None = None
    speech_dbfs: float | None = None
    clipping_ratio: float | None = None
    dropout_ratio: float | None = None
    speech_ratio: float | None = None
    speech_rate_sps: float | None = None
    reverberation: float | None = None
    bandwidth_hz: float | None = None
    pauses: PausesModel | None = None
    mos_signal: float | None = None
    mos_background: float | None = None
    mos_overall: float | None = None


class InterferenceModel(WireModel):
    """A disturbing sound around the patient. ``score``: its share among the sounds it was compared with; in a result,
    the mean over the windows in which it disturbed."""

    id: str
    title: TextModel
    score: Score


class EventModel(WireModel):
    """A sound made by the patient, such as a cough, reported to the doctor. It occurred between ``start_s`` and
    ``end_s``."""

    id: str
    title: TextModel
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    score: Score


class VoiceSpan(WireModel):
    """Where a voice speaks, in seconds of the recording."""

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)


class VoiceModel(WireModel):
    """One person's voice. ``speech_dbfs``, ``snr_db`` and ``speech_rate_sps`` are of where it speaks alone; null where
    too little was heard, levels also where the browser processes the sound. ``faint``: much fainter than the loudest
    voice, and hard to hear."""

    id: str
    role: Literal["patient", "other", "far_end"]
    speech_s: float = Field(ge=0)
    speech_dbfs: float | None
    snr_db: float | None
    speech_rate_sps: float | None
    faint: bool
    spans: list[VoiceSpan]


class WindowRef(WireModel):
    """The window that an update judges; sample indices are of the input rate."""

    start_s: float
    end_s: float
    start_sample: int
    end_sample: int
    partial: bool
    speech_ratio: Score


class ErrorBody(WireModel):
    """``code`` is for programs and does not change; ``message`` is for people; ``param`` names the field at fault."""

    type: str
    code: str
    message: str
    param: str | None = None
    retryable: bool = False
    retry_after_s: float | None = None
