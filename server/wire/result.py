"""The result of a file or session."""

from typing import Literal

from pydantic import Field, JsonValue

from server.values.scores import Why
from server.wire.base import WireModel
from server.wire.common import (
    BASIS,
    BasisName,
    EventModel,
    EvidenceModel,
    InterferenceModel,
    Kind,
    LabelScoreModel,
    MeasuresModel,
    NoticeModel,
    OverallModel,
    Score,
    TextModel,
    VoiceModel,
    WindowRef,
)


class SourceModel(WireModel):
    """What was judged: ``duration_s`` of it, ``speech_s`` of that speech, at the rate it was recorded with."""

    kind: Literal["file", "session"]
    name: str | None = Field(default=None, description="As given.")
    duration_s: float = Field(ge=0)
    speech_s: float = Field(ge=0)
    sample_rate: int


class StretchModel(WireModel):
    """From when to when, in seconds of the recording."""

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)


class ResultLabel(WireModel):
    """A label over the whole recording. ``why`` says why ``score`` is null."""

    title: TextModel
    kind: Kind
    score: Score | None
    threshold: Score
    passed: bool | None
    weight: float
    evidence: EvidenceModel
    why: Why | None = None
    state: Literal["stated", "denied", "not_heard"] | None = None
    """For a content label with a transcript: shown to the doctor, whatever was expected."""
    heard_at_s: float | None = Field(default=None, ge=0)
    """When it was said, in seconds of the recording, if the transcript has times."""
    expects: Literal["any", "stated", "denied"] | None = None
    """For a content label, from its dictionary: if ``state`` is the opposite, the doctor should notice."""
    failed: list[StretchModel] = Field(
        default_factory=list, description="When it was under its threshold, by windows of 10 s; the latest 200."
    )


class SpanModel(WireModel):
    """A stretch that cannot be used; ``why`` is the label that failed it."""

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    why: str


class WindowModel(WindowRef):
    """One window of 10 s, or shorter where ``partial``; sample indices are of the input rate."""

    labels: dict[str, LabelScoreModel]
    measures: MeasuresModel


class WindowsElsewhere(WireModel):
    """A long session has more windows than a message should hold. The rest of its result is complete."""

    count: int = Field(ge=0, description="How many windows the result rests on.")
    path: str = Field(description="GET it on the same server, page by page, while the result is kept: two minutes.")


class WindowPage(WireModel):
    """Some windows of a session that ended, in order. ``next``: the cursor of the page after it."""

    windows: list[WindowModel]
    next: str | None


class DictionaryModel(WireModel):
    """The dictionary that the labels came from."""

    name: str
    version: str
    digest: str = Field(default="", description="Equal digests mean equal labels, including included and ad hoc ones.")


class ModelModel(WireModel):
    """What produced the scores."""

    scorers: list[str]
    clap: str | None = None
    version: str
    dictionary: DictionaryModel
    windows_replaced: int = Field(default=0, ge=0)
    shed: int = Field(default=0, ge=0)


class RuleMatchModel(WireModel):
    """A rule of a dictionary that matched: ``event`` is the clinic's own name for it. The rest: how its label stood
    then."""

    id: str
    dictionary: str
    event: str
    title: TextModel | None = None
    label: str
    score: Score | None = None
    passed: bool | None = None
    state: Literal["stated", "denied", "not_heard"] | None = None
    at_s: float | None = Field(
        default=None, ge=0, description="Seconds: where it was heard; of a live score, up to where it was judged."
    )


class ResultModel(WireModel):
    """The judgement of a recording. It judges the recording, not the patient. It is not a diagnosis."""

    id: str
    reference: str | None = None
    site: str | None = None
    attempt_of: str | None = None
    metadata: dict[str, JsonValue] | None = None
    source: SourceModel
    mode: Literal["recording", "visit"] = Field(default="recording", description="As asked for.")
    basis: BasisName = Field(default="room", description=BASIS)
    labels: dict[str, ResultLabel]
    overall: OverallModel
    advice: TextModel
    prompts: list[str]
    unusable_spans: list[SpanModel]
    not_heard: list[str]
    not_assessed: list[str]
    interference: list[InterferenceModel]
    events: list[EventModel]
    voices: list[VoiceModel] = Field(
        default_factory=list, description="Voices told apart; none without the talker models."
    )
    measures: MeasuresModel
    windows: list[WindowModel]
    model: ModelModel
    notices: list[NoticeModel] = Field(default_factory=list, description="What the caller should know.")
    rules: list[RuleMatchModel] = Field(default_factory=list, description="Rules that matched, each once.")
    best_60s: StretchModel | None = Field(
        default=None, description="What a doctor should hear first: the minute with the most speech that can be heard."
    )
