"""The format of a label file (``labels/*.toml``): pydantic models, converted to the judgement's dataclasses."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from server.dictionaries.adhoc import normalise
from server.dictionaries.entries import FileModel, Identifier, Sentence, TextEntry, Unit
from server.dictionaries.rules import MAX_RULES, RuleEntry
from server.errors import LabelQueryError
from server.judge.labels import (
    AcousticEvidence,
    AcousticPart,
    Aggregate,
    Cause,
    ClapEvidence,
    Curve,
    Label,
    LabelKind,
    Prompt,
    TranscriptEvidence,
)

DictionaryName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}:[a-z][a-z0-9_]{0,63}$")]
Weight = Annotated[float, Field(gt=0.0, le=100.0)]
Share = Annotated[float, Field(ge=0.0, le=100.0)]


class PromptEntry(TextEntry):
    """What the patient is asked to do: kind, without blame, one action."""

    id: Identifier
    """Labels that ask the same thing share it."""
    after_s: float = Field(default=3.0, ge=1.0, le=60.0)
    """Seconds that the label must stay below its threshold before the prompt is raised."""


class MutedPromptEntry(TextEntry):
    """What the patient is asked to do if the microphone gives nothing: kind, without blame, one action."""

    id: Identifier
    """Labels that ask the same thing share it."""


class PartEntry(FileModel):
    """One measure with its curve: at least one point, measures strictly increasing, evidence 0..1."""

    measure: Identifier
    """A measure of docs/measures.md, such as snr_db."""
    weight: Weight = 1.0
    curve: tuple[tuple[float, Unit], ...] = Field(min_length=1)
    """[measure, evidence] points; the decision threshold of the measure has evidence 0.70."""
    cause: Identifier | None = None
    """What is wrong if this part makes the label fail: the id of a cause of this label, which has its own words."""

    @field_validator("curve")
    @classmethod
    def rising(cls, curve: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        """Raises ValueError where two points have the same measure, or one lies left of the point before."""
        if any(right[0] <= left[0] for left, right in pairwise(curve)):
            raise ValueError("the measures of a curve must increase from point to point")
        return curve


class AcousticEntry(FileModel):
    """What can be measured."""

    parts: tuple[PartEntry, ...] = Field(min_length=1)
    combine: Literal["mean", "min"] = "mean"
    """min: each part can only lower the evidence."""
    pass_needs: tuple[Identifier, ...] = ()
    """Measures of its parts of which one must be there for the label to pass; without them it fails or is null."""
    weight: Weight = 1.0

    @field_validator("pass_needs")
    @classmethod
    def read(cls, needs: tuple[str, ...], told: ValidationInfo) -> tuple[str, ...]:
        """Raises ValueError for a measure that no part reads."""
        unread = set(needs) - {part.measure for part in told.data.get("parts", ())}
        if unread:
            raise ValueError(f"no part reads {', '.join(sorted(unread))}: name measures of the parts in pass_needs")
        return needs


class ClapEntry(FileModel):
    """The texts that the sound is compared with, in English: the text encoder reads no other language."""

    positive: tuple[Sentence, ...] = Field(min_length=1)
    """What the label sounds like."""
    contrast: tuple[Sentence, ...] = Field(min_length=1)
    """What it is not."""
    hidden_by_processing: bool = False
    """true: about noise or loudness, so not scored when the browser's processing is on. For acoustic evidence this
    follows from its measures."""
    weight: Weight = 1.0


class TranscriptEntry(FileModel):
    """What was said. It never lowers a score."""

    topic: Identifier
    """A topic of docs/topics.md."""
    expects: Literal["any", "stated", "denied"] = "any"
    """What the doctor expects; the opposite is shown too."""
    caregiver: bool | None = None
    """Whether a caregiver may say it for the patient; by default what the file's caregiver_speaks says."""
    weight: Weight = 1.0

    def value(self, *, caregiver_speaks: bool) -> TranscriptEvidence:
        """As the judgement has it."""
        caregiver = caregiver_speaks if self.caregiver is None else self.caregiver
        return TranscriptEvidence(self.topic, self.expects, caregiver)


class CauseEntry(FileModel):
    """One ``[[label.cause]]``: words for one cause of failing, in place of the label's own."""

    id: Identifier
    """Named by a part of the acoustic evidence."""
    prompt: TextEntry | None = None
    """The sentence that the patient reads, instead of the prompt's own; the prompt keeps its id."""
    endangers: TextEntry | None = None
    advice: TextEntry | None = None

    def value(self) -> Cause:
        """As the judgement has it."""
        texts = (entry.value() if entry else None for entry in (self.prompt, self.endangers, self.advice))
        return Cause(*texts)


class LabelEntry(FileModel):
    """One ``[[label]]``. Acoustic measures or CLAP judge quality; only a transcript judges content."""

    id: Identifier
    """Final: results and integrations refer to it."""
    title: TextEntry
    """One claim, as a clinician would write it."""
    kind: LabelKind
    """quality: how it sounds. content: what is said."""
    aliases: tuple[Sentence, ...] = ()
    """Other names in either language, including lay words."""
    threshold: Unit = 0.70
    """The score needed to pass. 0.0: a sound that is only shown to the doctor."""
    clear: Unit = 0.75
    """The score at which the label's prompt ends; at least the threshold."""
    weight: Share = 1.0
    """Weight in the overall score; 0.0: it does not count."""
    harm: Unit = 0.4
    """How much of the quality is lost where this label is 0."""
    aggregate: Literal["typical", "worst", "best", "any"] = "typical"
    """Aggregation over a recording. typical: the usual window, less for the share of speech that is spoiled. worst: the
    worst tenth. best, or any: the best full window."""
    prompt: PromptEntry | None = None
    muted_prompt: MutedPromptEntry | None = None
    """Raised instead of prompt if only digital silence or the input's own noise arrives. Only beside prompt."""
    endangers: TextEntry | None = None
    """What is at risk when the label fails: half a sentence, without a full stop."""
    advice: TextEntry | None = None
    """What to do about it: half a sentence, without a full stop."""
    cause: tuple[CauseEntry, ...] = Field(default=(), max_length=20)
    """Words for causes that the parts of the acoustic evidence name."""
    acoustic: AcousticEntry | None = None
    acoustic_processed: AcousticEntry | None = None
    """In place of acoustic where a microphone's sound is judged as its noise suppression and automatic gain hand it on.
    Without it, a label that reads noise or loudness is null there. Only beside acoustic; its weight is acoustic's."""
    clap: ClapEntry | None = None
    transcript: TranscriptEntry | None = None

    @field_validator("title", "aliases")
    @classmethod
    def askable(cls, names: TextEntry | tuple[str, ...]) -> TextEntry | tuple[str, ...]:
        """Raises ValueError for a name that no request could ask for."""
        for name in (names.zh, names.en) if isinstance(names, TextEntry) else names:
            try:
                empty = not normalise(name)
            except LabelQueryError as error:
                raise ValueError(error.message) from None
            if empty:
                raise ValueError("a name cannot consist of invisible characters only")
        return names

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Raises ValueError where fields that are right alone do not fit each other."""
        if self.clear < self.threshold:
            raise ValueError(f"clear ({self.clear}) is below threshold ({self.threshold}): the prompt would flicker")
        if self.muted_prompt is not None and self.prompt is None:
            raise ValueError("muted_prompt is raised instead of prompt: add a prompt")
        if self.acoustic_processed is not None and self.acoustic is None:
            raise ValueError("acoustic_processed stands in for acoustic: add [label.acoustic]")
        self._check_causes()
        if self.kind is LabelKind.CONTENT and (self.acoustic is not None or self.clap is not None):
            raise ValueError("a content label can only have transcript evidence: sound does not tell what was said")
        if self.kind is LabelKind.QUALITY and self.transcript is not None:
            raise ValueError(
                "a quality label needs acoustic or clap evidence: a transcript does not tell how it sounds"
            )
        if self.acoustic is None and self.clap is None and self.transcript is None:
            raise ValueError("no evidence: add [label.acoustic], [label.clap] or [label.transcript]")
        return self

    def _check_causes(self) -> None:
        tables = (self.acoustic, self.acoustic_processed)
        named = {part.cause for table in tables if table is not None for part in table.parts if part.cause}
        known = [cause.id for cause in self.cause]
        if named != set(known) or len(known) != len(set(known)):
            raise ValueError("each cause of a part needs one [[label.cause]] with its id, and each of these a part")

    def value(self, *, caregiver_speaks: bool = False) -> Label:
        """As the judgement has it, with threshold, clear line and weight of the file."""
        return Label(
            id=self.id,
            title=self.title.value(),
            kind=self.kind,
            acoustic=acoustic_evidence(self.acoustic),
            acoustic_processed=acoustic_evidence(self.acoustic_processed),
            clap=ClapEvidence(self.clap.positive, self.clap.contrast, self.clap.hidden_by_processing)
            if self.clap
            else None,
            transcript=self.transcript.value(caregiver_speaks=caregiver_speaks) if self.transcript else None,
            evidence_weights=self.evidence_weights(),
            aliases=self.aliases,
            threshold=self.threshold,
            clear=self.clear,
            weight=self.weight,
            harm=self.harm,
            aggregate=Aggregate(self.aggregate),
            prompt=Prompt(self.prompt.id, self.prompt.value(), self.prompt.after_s) if self.prompt else None,
            muted_prompt=Prompt(self.muted_prompt.id, self.muted_prompt.value()) if self.muted_prompt else None,
            endangers=self.endangers.value() if self.endangers else None,
            advice=self.advice.value() if self.advice else None,
            causes={cause.id: cause.value() for cause in self.cause},
        )

    def evidence_weights(self) -> tuple[tuple[str, float], ...]:
        """(scorer kind, weight) of the evidence that is there."""
        entries = (("acoustic", self.acoustic), ("clap", self.clap), ("transcript", self.transcript))
        return tuple((kind, entry.weight) for kind, entry in entries if entry is not None)


class DictionaryFile(FileModel):
    """A label file: name, version and labels in the order in which they are shown, included ones first."""

    name: DictionaryName
    """The name used in requests. Final: results and integrations refer to it."""
    version: str = Field(min_length=1, max_length=40)
    """Part of every result. Increase it with every change of a label."""
    title: TextEntry
    caregiver_speaks: bool = False
    """true: what a caregiver says counts as the patient's, as for a child. Otherwise only what the patient says."""
    include: tuple[Reference, ...] = Field(default=(), max_length=100)
    """Labels included unchanged from other files, written "dictionary:label_id", so that curves stay in one place."""
    label: tuple[LabelEntry, ...] = Field(min_length=1, max_length=200)
    rule: tuple[RuleEntry, ...] = Field(default=(), max_length=MAX_RULES)
    """Events of your own, each when a condition on one of these labels holds: docs/labels.md."""


def acoustic_evidence(entry: AcousticEntry | None) -> AcousticEvidence | None:
    """As the judgement has it, or None for a label that no measure tells."""
    if entry is None:
        return None
    parts = tuple(AcousticPart(part.measure, Curve(part.curve), part.weight, part.cause) for part in entry.parts)
    return AcousticEvidence(parts=parts, combine=entry.combine, pass_needs=entry.pass_needs)
