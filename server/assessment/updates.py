"""The update after one window, as a value; each protocol renders it in its own form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from server.assessment.findings import Event
from server.errors import ScoringError
from server.judge.judgement import PromptEvent, Span, WindowFacts, WindowJudgement
from server.judge.sounds import Interference
from server.scoring.denoising import UNKNOWN_LEVELS
from server.scoring.talking import NOBODY_ASKED
from server.values.audio import Float32Array
from server.values.measures import Measures
from server.values.scores import LabelScore, Overall
from server.values.voices import Voice


@dataclass(frozen=True, slots=True)
class Update:
    """One window judged, at full precision. ``seq`` counts the windows of the session or file from 1.

    Mappings are by label id: the labels requested, in their order. ``labels``, ``overall`` and ``measures`` are of this
    window, ``recent`` of its last 4 s, ``session_*`` the aggregates so far. ``unusable_spans``: those of the result
    if the session ended now. ``events``: the patient's own, heard now or a moment ago. ``voices``: all that were told
    apart so far.
    """

    seq: int
    facts: WindowFacts
    labels: Mapping[str, LabelScore]
    recent: Mapping[str, float | None]
    overall: Overall
    session_labels: Mapping[str, float | None]
    session_overall: Overall
    measures: Measures
    interference: tuple[Interference, ...]
    events: tuple[Event, ...]
    unusable_spans: tuple[Span, ...]
    voices: tuple[Voice, ...] = ()

    @classmethod
    def of(
        cls,
        seq: int,
        facts: WindowFacts,
        judgement: WindowJudgement,
        measures: Measures,
        events: Sequence[Event],
        voices: tuple[Voice, ...],
    ) -> Self:
        """Of a window that was judged."""
        return cls(
            seq=seq,
            facts=facts,
            labels=judgement.labels,
            recent=judgement.recent,
            overall=judgement.overall,
            session_labels=judgement.session_labels,
            session_overall=judgement.session_overall,
            measures=measures,
            interference=tuple(judgement.interference),
            events=tuple(events),
            unusable_spans=tuple(judgement.unusable_spans),
            voices=voices,
        )


@dataclass(frozen=True, slots=True)
class Assessed:
    """What ``Assessment.assess`` returns: the update, and what else the caller must handle.

    ``prompts``: raised and cleared by this window, in order. ``failures``: scorers that gave nothing. ``without``: what
    was due and missing: ``mos``, ``voices``, ``denoiser``, and the kinds of the failed scorers. Times in seconds: of
    the slowest scorer, and ``inference_s`` of the denoiser before it too. ``denoised``, ``together``: as in
    ``ScoreRequest``. ``judged``: a scorer answered that has opinions on labels.
    """

    update: Update
    prompts: tuple[PromptEvent, ...]
    failures: tuple[ScoringError, ...]
    queue_s: float
    inference_s: float
    denoised: Float32Array = field(default_factory=lambda: UNKNOWN_LEVELS, repr=False)
    together: Float32Array = field(default_factory=lambda: NOBODY_ASKED, repr=False)
    without: tuple[str, ...] = ()
    judged: bool = True
