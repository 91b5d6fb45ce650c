"""The form of a label file (``labels/*.toml``): pydantic models, and their way into the judgement's dataclasses."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from server.judge.labels import (
    AcousticEvidence,
    AcousticPart,
    Aggregate,
    ClapEvidence,
    Curve,
    Label,
    LabelKind,
    Prompt,
    TranscriptEvidence,
)
from server.values import Text

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
DictionaryName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}:[a-z][a-z0-9_]{0,63}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(gt=0.0, le=100.0)]


class FileModel(BaseModel):
    """Unknown keys are faults: a misspelt key would otherwise silently keep its default."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


class TextEntry(FileModel):
    zh: Sentence
    en: Sentence

    def value(self) -> Text:
        return Text(zh=self.zh, en=self.en)


class PromptEntry(TextEntry):
    id: Identifier
    after_s: float = Field(default=3.0, ge=1.0, le=60.0)


class PartEntry(FileModel):
    """One measure through its curve: at least one point, measures strictly rising, evidence 0..1."""

    measure: Identifier
    weight: Weight = 1.0
    curve: tuple[tuple[float, Unit], ...] = Field(min_length=1)

    @field_validator("curve")
    @classmethod
    def rising(cls, curve: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if any(right[0] <= left[0] for left, right in pairwise(curve)):
            raise ValueError("the measures of a curve must rise from point to point")
        return curve


class AcousticEntry(FileModel):
    parts: tuple[PartEntry, ...] = Field(min_length=1)
    combine: Literal["mean", "min"] = "mean"
    weight: Weight = 1.0


class ClapEntry(FileModel):
    positive: tuple[Sentence, ...] = Field(min_length=1)
    contrast: tuple[Sentence, ...] = Field(min_length=1)
    weight: Weight = 1.0


class TranscriptEntry(FileModel):
    topic: Identifier
    expects: Literal["any", "stated", "denied"] = "any"
    weight: Weight = 1.0


class LabelEntry(FileModel):
    """One ``[[label]]``. Quality is heard by acoustic measures or CLAP, content by a transcript only."""

    id: Identifier
    title: TextEntry
    kind: LabelKind
    aliases: tuple[Sentence, ...] = ()
    threshold: Unit = 0.70
    clear: Unit = 0.75
    weight: Weight = 1.0
    aggregate: Aggregate = Aggregate.TYPICAL
    prompt: PromptEntry | None = None
    endangers: TextEntry | None = None
    advice: TextEntry | None = None
    acoustic: AcousticEntry | None = None
    clap: ClapEntry | None = None
    transcript: TranscriptEntry | None = None

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if self.clear < self.threshold:
            raise ValueError(f"clear ({self.clear}) lies under threshold ({self.threshold}): its prompt would flicker")
        if self.kind is LabelKind.CONTENT and (self.acoustic is not None or self.clap is not None):
            raise ValueError("a content label has transcript evidence only: sound does not tell what was said")
        if self.kind is LabelKind.QUALITY and self.transcript is not None:
            raise ValueError("a quality label has acoustic or clap evidence: a transcript does not tell how it sounds")
        if self.acoustic is None and self.clap is None and self.transcript is None:
            raise ValueError("no evidence: add [label.acoustic], [label.clap] or [label.transcript]")
        return self

    def value(self) -> Label:
        return Label(
            id=self.id,
            title=self.title.value(),
            kind=self.kind,
            acoustic=acoustic_evidence(self.acoustic),
            clap=ClapEvidence(self.clap.positive, self.clap.contrast) if self.clap else None,
            transcript=TranscriptEvidence(self.transcript.topic, self.transcript.expects) if self.transcript else None,
            evidence_weights=self.evidence_weights(),
            aliases=self.aliases,
            threshold=self.threshold,
            clear=self.clear,
            weight=self.weight,
            aggregate=self.aggregate,
            prompt=Prompt(self.prompt.id, self.prompt.value(), self.prompt.after_s) if self.prompt else None,
            endangers=self.endangers.value() if self.endangers else None,
            advice=self.advice.value() if self.advice else None,
        )

    def evidence_weights(self) -> tuple[tuple[str, float], ...]:
        entries = (("acoustic", self.acoustic), ("clap", self.clap), ("transcript", self.transcript))
        return tuple((kind, entry.weight) for kind, entry in entries if entry is not None)


class DictionaryFile(FileModel):
    """A label file: name, version and labels, in the order in which they are shown: included ones first."""

    name: DictionaryName
    """What people ask for. Final: results and integrations refer to it."""
    version: str = Field(min_length=1, max_length=40)
    """Goes into every result. Raise it with every change of a label."""
    title: TextEntry
    include: tuple[Reference, ...] = Field(default=(), max_length=100)
    """Labels of other files as they stand there, each written "dictionary:label_id". Curves then live in one place."""
    label: tuple[LabelEntry, ...] = Field(min_length=1, max_length=200)


def acoustic_evidence(entry: AcousticEntry | None) -> AcousticEvidence | None:
    if entry is None:
        return None
    parts = tuple(AcousticPart(part.measure, Curve(part.curve), part.weight) for part in entry.parts)
    return AcousticEvidence(parts=parts, combine=entry.combine)
