"""Labels, windows and opinions for tests of the judgement."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.dictionaries import Dictionaries
from server.judge.judgement import WindowFacts, WindowJudgement
from server.judge.labels import (
    AcousticEvidence,
    AcousticPart,
    Aggregate,
    ClapEvidence,
    Curve,
    Label,
    LabelKind,
    LabelSet,
    Prompt,
    TranscriptEvidence,
)
from server.judge.session import SessionJudge
from server.judge.sounds import Interference
from server.values.measures import Measures
from server.values.scores import EvidenceKind, Opinion, Why
from server.values.text import Text

RATE = 16_000
DICTIONARIES = Dictionaries.load(Path(__file__).resolve().parents[2] / "labels")
TELEMEDICINE = DICTIONARIES.resolve(None)
ACOUSTIC = AcousticEvidence((AcousticPart("snr_db", Curve(((0.0, 0.0), (20.0, 1.0)))),))
CLAP = ClapEvidence(("a voice",), ("silence",))
TRANSCRIPT = TranscriptEvidence("pain_location")


def quality(
    label_id: str,
    *,
    prompt: str | None = None,
    clap: bool = False,
    weights: tuple[tuple[str, float], ...] = (),
    aggregate: Aggregate = Aggregate.TYPICAL,
    threshold: float = 0.7,
    clear: float = 0.75,
    weight: float = 1.0,
) -> Label:
    return Label(
        id=label_id,
        title=Text(f"{label_id}的标题", f"Title of {label_id}"),
        kind=LabelKind.QUALITY,
        acoustic=ACOUSTIC,
        clap=CLAP if clap else None,
        evidence_weights=weights,
        threshold=threshold,
        clear=clear,
        weight=weight,
        aggregate=aggregate,
        prompt=Prompt(prompt, Text(f"请{label_id}。", f"Please {label_id}.")) if prompt else None,
    )


def content(label_id: str) -> Label:
    return Label(label_id, Text(label_id, label_id), LabelKind.CONTENT, transcript=TRANSCRIPT)


def label_set(*labels: Label, hidden: Sequence[str] = ()) -> LabelSet:
    requested = frozenset(label.id for label in labels if label.id not in hidden)
    return LabelSet(labels, requested, "test", "1")


def facts(
    end_s: float, *, speech_s: float = 5.0, measures: Measures | None = None, partial: bool | None = None
) -> WindowFacts:
    """``speech_s``: spread evenly."""
    start_s = max(0.0, end_s - 10.0)
    seconds = math.ceil(end_s - start_s)
    return WindowFacts(
        start_sample=round(start_s * RATE),
        end_sample=round(end_s * RATE),
        sample_rate=RATE,
        partial=end_s < 10.0 if partial is None else partial,
        speech_s=speech_s,
        speech_ratio=speech_s / 10.0,
        measures=measures,
        speech_by_second=(round(min(speech_s * 100 / seconds, 100.0)),) * seconds,
    )


def opinions(
    scores: Mapping[str, float | None], kind: EvidenceKind = "acoustic"
) -> dict[EvidenceKind, dict[str, Opinion]]:
    """Null scores have ``why: no_speech``."""
    return {
        kind: {
            label_id: Opinion(None, Why.NO_SPEECH) if score is None else Opinion(score)
            for label_id, score in scores.items()
        }
    }


def add(
    judge: SessionJudge,
    end_s: float,
    scores: Mapping[str, float | None],
    *,
    recent: Mapping[str, float | None] | None = None,
    speech_s: float = 5.0,
    measures: Measures | None = None,
    interference: Sequence[Interference] = (),
    partial: bool | None = None,
) -> WindowJudgement:
    """One window with acoustic opinions only; ``recent`` are the same unless given."""
    return judge.add_window(
        facts(end_s, speech_s=speech_s, measures=measures, partial=partial),
        opinions(scores),
        opinions(scores if recent is None else recent),
        interference,
    )
