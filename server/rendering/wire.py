"""Judged values as models of ``tingqing.v1``. Numbers are rounded here, the same for live, files and results."""

from collections.abc import Iterable, Mapping

from server.assessment.findings import Event
from server.assessment.updates import Update
from server.assessment.window_log import LEVELS, MEASURES
from server.judge.judgement import PromptEvent, PromptRaised, Span
from server.judge.labels import Label, LabelSet
from server.judge.sounds import Interference
from server.values.measures import Measures
from server.values.notices import Notice
from server.values.rounding import decibels, rounded, unit
from server.values.scores import EvidenceKind, LabelScore, Overall
from server.values.text import Text
from server.values.voices import Voice
from server.wire.common import (
    EventModel,
    EvidenceModel,
    InterferenceModel,
    LabelScoreModel,
    MeasuresModel,
    NoticeModel,
    OverallModel,
    PausesModel,
    TextModel,
    VoiceModel,
    VoiceSpan,
    WindowRef,
)
from server.wire.result import SpanModel
from server.wire.server import PromptClearedMessage, PromptRaisedMessage, QualityUpdate, SessionView
from server.wire.started import SessionLabel

MOST_SPANS = 200
"""Maximum number of unusable spans in an update (the latest): more than a doctor asks about, and at most 15 kB."""


MOST_VOICE_SPANS = 20
"""Spans of each voice in an update (the latest)."""


def quality_update(update: Update, lag_ms: float) -> QualityUpdate:
    """``lag_ms``: from when the window's last sample was due to now."""
    facts = update.facts
    return QualityUpdate(
        seq=update.seq,
        window=WindowRef(
            start_s=facts.start_sample / facts.sample_rate,
            end_s=facts.end_sample / facts.sample_rate,
            start_sample=facts.start_sample,
            end_sample=facts.end_sample,
            partial=facts.partial,
            speech_ratio=unit(facts.speech_ratio) or 0.0,
        ),
        labels={label_id: label_score(score) for label_id, score in update.labels.items()},
        recent=scores(update.recent),
        session=SessionView(
            labels=scores(update.session_labels),
            overall=overall(update.session_overall),
            unusable_spans=spans(update.unusable_spans[-MOST_SPANS:], facts.sample_rate),
        ),
        overall=overall(update.overall),
        measures=measures(update.measures),
        interference=interferences(update.interference),
        events=events(update.events, facts.sample_rate),
        voices=voices(update.voices, MOST_VOICE_SPANS),
        lag_ms=round(lag_ms, 1),
    )


def spans(values: Iterable[Span], rate: int) -> list[SpanModel]:
    """``rate``: of the input, Hz."""
    return [
        SpanModel(
            start_s=rounded(one.start_sample / rate) or 0.0,
            end_s=rounded(one.end_sample / rate) or 0.0,
            why=str(one.why),
        )
        for one in values
    ]


def prompt_event(event: PromptEvent) -> PromptRaisedMessage | PromptClearedMessage:
    """``prompt.raised`` or ``prompt.cleared``, for the audience that the event names."""
    model = PromptRaisedMessage if isinstance(event, PromptRaised) else PromptClearedMessage
    return model(id=event.id, label=event.label_id, text=text(event.text), audience=event.audience)


def text(value: Text) -> TextModel:
    """Both languages; the client picks."""
    return TextModel(zh=value.zh, en=value.en)


def evidence(values: Mapping[EvidenceKind, float | None]) -> EvidenceModel:
    """Null for a scorer kind that had no opinion."""
    return EvidenceModel(
        acoustic=unit(values.get("acoustic")),
        clap=unit(values.get("clap")),
        transcript=unit(values.get("transcript")),
    )


def label_score(score: LabelScore) -> LabelScoreModel:
    """``why`` says why a score is null."""
    return LabelScoreModel(score=unit(score.score), evidence=evidence(score.evidence), why=score.why)


def scores(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Label id to its score; null without one."""
    return {label_id: unit(value) for label_id, value in values.items()}


def overall(value: Overall) -> OverallModel:
    """The verdict is null if no label had a score."""
    return OverallModel(
        score=unit(value.score),
        grade=value.grade,
        passed=value.passed,
        verdict=value.verdict,
        assessed=value.assessed,
    )


def measures(value: Measures) -> MeasuresModel:
    """Levels floored at -120 dB; null if nothing could be measured."""
    pauses = value.pauses
    told = {name: (decibels if name in LEVELS else rounded)(getattr(value, name)) for name in MEASURES}
    if pauses is None:
        return MeasuresModel(**told, pauses=None)
    longest_s, ratio = rounded(pauses.longest_s) or 0.0, unit(pauses.ratio) or 0.0
    return MeasuresModel(**told, pauses=PausesModel(count=pauses.count, longest_s=longest_s, ratio=ratio))


def interferences(values: Iterable[Interference]) -> list[InterferenceModel]:
    """In the order given."""
    return [InterferenceModel(id=one.id, title=text(one.title), score=unit(one.score) or 0.0) for one in values]


def events(values: Iterable[Event], rate: int) -> list[EventModel]:
    """Samples of ``rate`` become seconds of the recording."""
    return [
        EventModel(
            id=one.id,
            title=text(one.title),
            start_s=rounded(one.start / rate) or 0.0,
            end_s=rounded(one.end / rate) or 0.0,
            score=unit(one.score) or 0.0,
        )
        for one in values
    ]


def voices(values: Iterable[Voice], most_spans: int | None = None) -> list[VoiceModel]:
    """In the order given, with the latest ``most_spans`` spans of each."""
    return [
        VoiceModel(
            id=one.id,
            role=one.role.value,
            speech_s=rounded(one.speech_s) or 0.0,
            speech_dbfs=decibels(one.speech_dbfs),
            snr_db=decibels(one.snr_db),
            speech_rate_sps=rounded(one.speech_rate_sps),
            faint=one.faint,
            spans=[
                VoiceSpan(start_s=rounded(start) or 0.0, end_s=rounded(end) or 0.0)
                for start, end in (one.spans if most_spans is None else one.spans[-most_spans:])
            ],
        )
        for one in values
    ]


def session_label(label: Label) -> SessionLabel:
    """The label as in ``session.started``; its prompt by id."""
    return SessionLabel(
        id=label.id,
        title=text(label.title),
        kind=label.kind.value,
        threshold=label.threshold,
        prompt=None if label.prompt is None else label.prompt.id,
    )


def session_labels(labels: LabelSet) -> list[SessionLabel]:
    """The requested labels; the others are judged but not sent."""
    return [session_label(label) for label in labels.shown()]


def notices(values: Iterable[Notice]) -> list[NoticeModel]:
    """What the caller should know beside the scores."""
    return [NoticeModel(zh=one.zh, en=one.en, code=one.code) for one in values]
