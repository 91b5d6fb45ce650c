"""Scorers' opinions, labels' scores and the overall judgement."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Why(StrEnum):
    """Why a score is ``null``. Ordered: when several apply, the first listed is reported."""

    TOO_SHORT = "too_short"
    PROCESSING_ENABLED = "processing_enabled"
    NO_SPEECH = "no_speech"
    SHED = "shed"
    NEEDS_CLAP = "needs_clap"
    NEEDS_TRANSCRIPT = "needs_transcript"
    NO_EVIDENCE = "no_evidence"
    UNSCORABLE = "unscorable"


@dataclass(frozen=True, slots=True)
class Opinion:
    """One scorer's evidence for one label: ``value`` 0..1, or ``None`` with ``why``.

    ``cause``: a short code of what makes the label fail, such as ``telephone_band``, where that is known.
    """

    value: float | None
    why: Why | None = None
    cause: str | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.why is not None), "an opinion has either a value or a why"


EvidenceKind = Literal["acoustic", "clap", "transcript"]

NAMES: Literal["names"] = "names"
"""Of a scorer that names sounds and has no opinion on labels."""
ScorerKind = EvidenceKind | Literal["names"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label's combined value in one window or over a session, with its evidence.

    ``cause``: what most of all makes the label fail, where a scorer knows it (``Opinion.cause``).
    """

    score: float | None
    evidence: Mapping[EvidenceKind, float | None]
    why: Why | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Overall:
    """The judgement over one window or a session. ``assessed`` reads ``"8 of 14"``."""

    score: float | None
    grade: Literal["clear", "usable", "poor", "nodata"]
    passed: bool
    verdict: Literal["accept", "re-record", "unusable"] | None
    assessed: str
