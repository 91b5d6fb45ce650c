"""What was said of a made visit."""

from dataclasses import dataclass

from tools.material.visits.truth import Stretch, Truth


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt raised or cleared at ``at_s``. ``recent``: the score of its label then; ``measures``: of the window."""

    at_s: float
    raised: bool
    id: str
    label: str
    audience: str
    recent: float | None
    measures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the product said of one visit. ``failed``: scores of labels that did not pass. ``cpu_s``: of judging it,
    the making left out."""

    id: str
    kind: str
    seconds: float
    truth: Truth
    processing: str
    with_far_end: bool
    prompts: tuple[Told, ...]
    verdict: str | None
    overall: float | None
    failed: dict[str, float]
    spans: tuple[tuple[Stretch, str], ...]
    notices: tuple[str, ...]
    measures: dict[str, float]
    cpu_s: float
