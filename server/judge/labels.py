"""Labels as the judgement sees them. ``server.dictionaries`` reads label files into these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from server.judge.rules import Rule
from server.values.audio import Basis
from server.values.notices import Notice
from server.values.text import Text


class LabelKind(StrEnum):
    """``quality``: of the sound; counts in the overall score. ``content``: of what was said; reported separately."""

    QUALITY = "quality"
    CONTENT = "content"


class Aggregate(StrEnum):
    """How a session's score follows from its windows.

    ``typical``: the usual window, less for the share of the speech that is spoiled. ``worst``: the worst tenth.
    ``best``: the best full window, for what one good stretch settles, or a sound that matters wherever it occurs; label
    files may also call it ``any``.
    """

    TYPICAL = "typical"
    WORST = "worst"
    BEST = "best"

    @classmethod
    def _missing_(cls, value: object) -> "Aggregate | None":
        return cls.BEST if value == "any" else None


@dataclass(frozen=True, slots=True)
class Curve:
    """Piecewise linear from a measure to evidence 0..1; flat outside. ``points``: (measure, evidence), sorted.

    A fitted curve puts the decision threshold of its measure at 0.70.
    """

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class AcousticPart:
    """One measure (a field of ``Measures``, ``speech_s`` or a scorer's internal measure) with its curve."""

    measure: str
    curve: Curve
    weight: float = 1.0
    cause: str | None = None
    """Code of what is wrong if this part alone decides that the label fails."""


@dataclass(frozen=True, slots=True)
class AcousticEvidence:
    """Parts combined by weighted ``mean`` or by ``min`` (each can only lower the score)."""

    parts: tuple[AcousticPart, ...]
    combine: Literal["mean", "min"] = "mean"
    pass_needs: tuple[str, ...] = ()
    """Without one of these measures the evidence may only fail the label: what else there is cannot show that all is
    well. Empty: no such need."""


@dataclass(frozen=True, slots=True)
class ClapEvidence:
    """English label texts; ``contrast`` describes what the label is not.

    ``hidden_by_processing``: the label depends on noise or loudness, which a browser's processing falsifies. Labels
    with acoustic evidence do not need it: their measures say so.
    """

    positive: tuple[str, ...]
    contrast: tuple[str, ...]
    hidden_by_processing: bool = False


@dataclass(frozen=True, slots=True)
class TranscriptEvidence:
    """The topic that a transcript is searched for, and which answer the visit expects. ``caregiver``: what others near
    the patient say counts too."""

    topic: str
    expects: Literal["any", "stated", "denied"] = "any"
    caregiver: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the patient is asked to do. Labels that ask the same thing share the ``id``.

    ``after_s``: how long the label must stay below its threshold before the prompt is raised.
    """

    id: str
    text: Text
    after_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Cause:
    """Words for one cause of a label's failing, in place of the label's own; ``None``: the label's own fit.

    ``prompt``: the sentence that the patient reads.
    """

    prompt: Text | None = None
    endangers: Text | None = None
    advice: Text | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A label with everything needed to judge and report it; weights of evidence are by scorer kind."""

    id: str
    title: Text
    kind: LabelKind
    acoustic: AcousticEvidence | None = None
    acoustic_processed: AcousticEvidence | None = None
    """In place of ``acoustic`` where a processed microphone is judged as heard (``Basis.AS_HEARD``)."""
    clap: ClapEvidence | None = None
    transcript: TranscriptEvidence | None = None
    evidence_weights: tuple[tuple[str, float], ...] = ()
    """Weight of each evidence kind in the combination; 1.0 if absent."""
    aliases: tuple[str, ...] = ()
    threshold: float = 0.70
    clear: float = 0.75
    weight: float = 1.0
    harm: float = 0.4
    """How much of the quality is lost where this label is 0, 0..1."""
    aggregate: Aggregate = Aggregate.TYPICAL
    prompt: Prompt | None = None
    muted_prompt: Prompt | None = None
    """Raised instead of ``prompt`` if the input is digital silence or its own noise."""
    endangers: Text | None = None
    advice: Text | None = None
    causes: Mapping[str, Cause] = field(default_factory=dict, hash=False)
    """By the code that an opinion gives (``Opinion.cause``)."""
    asked_as: str | None = None
    """The text of an ad hoc label as requested; ``format=flat`` keeps it."""

    def acoustic_on(self, basis: Basis) -> AcousticEvidence | None:
        """The curves that hold on this basis."""
        as_heard = basis is Basis.AS_HEARD and self.acoustic_processed is not None
        return self.acoustic_processed if as_heard else self.acoustic


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels of one session or file, in order, with the dictionary they come from.

    ``requested`` are the requested ids. ``labels`` may hold more: ``speech_present`` is always computed for the
    verdict, even if the request leaves it out; it is then not in ``requested`` and not shown. ``notices`` tell the
    caller how the request was read: a generated contrast, or why a label cannot be scored. ``digest``: equal digests
    mean equal labels, whatever ``version`` their files claim. ``rules``: those of these dictionaries, on
    requested labels.
    """

    labels: tuple[Label, ...]
    requested: frozenset[str]
    dictionary: str
    version: str
    notices: tuple[Notice, ...] = ()
    digest: str = ""
    rules: tuple[Rule, ...] = ()

    def reads(self, measure: str, basis: Basis = Basis.ROOM) -> bool:
        """Whether a label's curves read this measure."""
        found = (label.acoustic_on(basis) for label in self.labels)
        return any(part.measure == measure for acoustic in found if acoustic is not None for part in acoustic.parts)

    def shown(self) -> tuple[Label, ...]:
        """The requested labels, in their order; the others are judged but not reported."""
        return tuple(label for label in self.labels if label.id in self.requested)
