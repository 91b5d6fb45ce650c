"""What is known of a made visit because it was made so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RATE = 16_000
Audio = npt.NDArray[np.float64]
RECENT_S = 4.0
"""The product's prompts read the last 4 s: one that comes so long after its trouble ended is late, and not false."""
PADDING_S = 2.0
"""A span may begin and end this much beside what it names."""
FALSE_SPAN_S = 3.0


@dataclass(frozen=True, slots=True)
class Stretch:
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    def overlap_s(self, other: "Stretch") -> float:
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True, slots=True)
class Noise:
    """``snr_db``: the patient's active level over the RMS of the noise in ``at``. ``event``: over soon."""

    at: Stretch
    kind: str
    snr_db: float
    event: bool
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """Prompts that are right in ``at``, any of ``ids``. ``must``: one of them has to come before ``at`` ends."""

    ids: frozenset[str]
    at: Stretch
    cause: str
    must: bool
    returned: bool = False

    def allows(self, prompt_id: str, at_s: float) -> bool:
        return prompt_id in self.ids and self.at.start_s <= at_s <= self.at.end_s + RECENT_S


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to the signal, and where."""

    kind: str
    at: Stretch
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """``verdicts``: those that are right, empty where the recipe does not tell. ``lost``: spans that have to be listed;
    ``spoiled``: where spans may be."""

    patient: tuple[Stretch, ...]
    doctor: tuple[Stretch, ...]
    relative: tuple[Stretch, ...]
    listening: float
    patient_dbfs: float
    floor_dbfs: float
    far_end_dbfs: float | None = None
    noises: tuple[Noise, ...] = ()
    outbursts: tuple[Stretch, ...] = ()
    faults: tuple[Fault, ...] = ()
    expected: tuple[Expected, ...] = ()
    lost: tuple[Stretch, ...] = ()
    spoiled: tuple[Stretch, ...] = ()
    verdicts: frozenset[str] = frozenset()
    told: dict[str, str] = field(default_factory=dict)

    def allows(self, prompt_id: str, at_s: float) -> bool:
        return any(one.allows(prompt_id, at_s) for one in self.expected)

    def is_false_span(self, span: Stretch) -> bool:
        """Whether 3 s of it or more lie where everything could be heard."""
        fine = span.seconds - covered_s(span, [*self.spoiled, *self.lost], PADDING_S)
        return fine >= FALSE_SPAN_S

    def listening_at(self, at_s: float) -> bool:
        """Whether the patient spoke before, and is silent now and was in the second before."""
        now = Stretch(at_s - 1, at_s)
        return self.heard_before(at_s) and not any(one.overlap_s(now) for one in self.patient)

    def heard_before(self, at_s: float) -> bool:
        return any(one.start_s < at_s for one in self.patient)

    def going_on(self, at_s: float) -> str:
        """For whoever reads the list of false prompts."""
        near = Stretch(at_s - RECENT_S, at_s)
        parts = {"patient": self.patient, "relative": self.relative, "outburst": self.outbursts}
        if self.far_end_dbfs is not None:
            parts["doctor"] = self.doctor
        doing = [f"{name} {sum(one.overlap_s(near) for one in stretches):.1f} s" for name, stretches in parts.items()]
        troubles = [f"{noise.kind} {noise.snr_db:+.0f} dB" for noise in self.noises if noise.at.overlap_s(near)]
        troubles += [fault.kind for fault in self.faults if fault.at.overlap_s(near)]
        return "; ".join([text for text in doing if not text.endswith(" 0.0 s")] + troubles) or "nothing"


@dataclass(frozen=True, slots=True)
class Visit:
    """``samples`` are of 16 kHz, -1..1. ``gaps``: what a client says was lost (the samples there are not sent).
    ``far_end``: when the page says that the doctor speaks. ``processing``: what the microphone's side did, as the
    browser would report it; empty for none."""

    id: str
    kind: str
    fold: str
    samples: Audio
    truth: Truth
    gaps: tuple[Stretch, ...] = ()
    far_end: tuple[Stretch, ...] = ()
    processing: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def covered_s(span: Stretch, others: Iterable[Stretch], padding_s: float = 0.0) -> float:
    """Seconds of ``span`` that lie in any of ``others``, each longer by ``padding_s`` at both ends."""
    total, reached = 0.0, span.start_s
    for other in sorted(others, key=lambda one: one.start_s):
        start, end = max(other.start_s - padding_s, reached), min(other.end_s + padding_s, span.end_s)
        if end > start:
            total, reached = total + end - start, end
    return total


def joined(stretches: Sequence[Stretch], within_s: float) -> list[Stretch]:
    """In order; those closer than ``within_s`` as one."""
    out: list[Stretch] = []
    for one in sorted(stretches, key=lambda stretch: stretch.start_s):
        if out and one.start_s - out[-1].end_s <= within_s:
            out[-1] = Stretch(out[-1].start_s, max(out[-1].end_s, one.end_s))
        else:
            out.append(one)
    return out
