"""Judged values as wire models. Numbers are rounded here and nowhere else, the same for live, files and results."""

import math
from collections.abc import Mapping, Sequence

from server.assessment.findings import Event
from server.judge.labels import Label, LabelSet
from server.judge.session import PromptEvent
from server.judge.session import PromptRaised as JudgedRaise
from server.judge.sounds import Interference
from server.values.measures import Measures
from server.values.scores import EvidenceKind, LabelScore, Overall
from server.values.text import Text
from server.wire.common import (
    EventModel,
    EvidenceModel,
    InterferenceModel,
    LabelScoreModel,
    MeasuresModel,
    OverallModel,
    PausesModel,
    TextModel,
)
from server.wire.server import PromptClearedMessage, PromptRaisedMessage, SessionLabel

FLOOR_DB = -120.0
"""The lowest level reported, dB."""

DECIMALS = 7
"""Coarse enough for short JSON, fine enough that equal scores stay equal to 1e-6 on either side of a rounding edge."""


def rounded(value: float | None) -> float | None:
    """``value`` to 7 decimals; ``None`` for what JSON cannot hold."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), DECIMALS)


def unit(value: float | None) -> float | None:
    """A score: rounded, within 0..1."""
    number = rounded(value)
    return None if number is None else min(1.0, max(0.0, number))


def decibels(value: float | None) -> float | None:
    """Rounded and floored at -120 dB."""
    if value is not None and value == -math.inf:
        return FLOOR_DB
    number = rounded(value)
    return None if number is None else max(FLOOR_DB, number)


def text(value: Text) -> TextModel:
    return TextModel(zh=value.zh, en=value.en)


def evidence(values: Mapping[EvidenceKind, float | None]) -> EvidenceModel:
    return EvidenceModel(
        acoustic=unit(values.get("acoustic")),
        clap=unit(values.get("clap")),
        transcript=unit(values.get("transcript")),
    )


def label_score(score: LabelScore) -> LabelScoreModel:
    return LabelScoreModel(
        score=unit(score.score),
        evidence=evidence(score.evidence),
        why=score.why,
    )


def label_scores(scores: Mapping[str, LabelScore], labels: LabelSet) -> dict[str, LabelScoreModel]:
    """Those that were asked for; ``speech_present`` may be judged without being shown."""
    return {label.id: label_score(scores[label.id]) for label in labels.shown() if label.id in scores}


def plain_scores(scores: Mapping[str, float | None], labels: LabelSet) -> dict[str, float | None]:
    return {label.id: unit(scores[label.id]) for label in labels.shown() if label.id in scores}


def overall(value: Overall) -> OverallModel:
    return OverallModel(
        score=unit(value.score),
        grade=value.grade,
        passed=value.passed,
        verdict=value.verdict,
        assessed=value.assessed,
    )


def measures(value: Measures) -> MeasuresModel:
    pauses = value.pauses
    return MeasuresModel(
        snr_db=decibels(value.snr_db),
        noise_dbfs=decibels(value.noise_dbfs),
        speech_dbfs=decibels(value.speech_dbfs),
        clipping_ratio=rounded(value.clipping_ratio),
        dropout_ratio=rounded(value.dropout_ratio),
        speech_ratio=rounded(value.speech_ratio),
        speech_rate_sps=rounded(value.speech_rate_sps),
        reverberation=rounded(value.reverberation),
        bandwidth_hz=rounded(value.bandwidth_hz),
        pauses=None
        if pauses is None
        else PausesModel(
            count=pauses.count, longest_s=rounded(pauses.longest_s) or 0.0, ratio=unit(pauses.ratio) or 0.0
        ),
        mos_signal=rounded(value.mos_signal),
        mos_background=rounded(value.mos_background),
        mos_overall=rounded(value.mos_overall),
    )


def interferences(values: Sequence[Interference]) -> list[InterferenceModel]:
    return [InterferenceModel(id=one.id, title=text(one.title), score=unit(one.score) or 0.0) for one in values]


def events(values: Sequence[Event], rate: int) -> list[EventModel]:
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


def session_label(label: Label) -> SessionLabel:
    return SessionLabel(
        id=label.id,
        title=text(label.title),
        kind=label.kind.value,
        threshold=label.threshold,
        prompt=None if label.prompt is None else label.prompt.id,
    )


def session_labels(labels: LabelSet) -> list[SessionLabel]:
    return [session_label(label) for label in labels.shown()]


def notices(labels: LabelSet) -> list[TextModel]:
    """What was made of the caller's words, for the person who wrote them."""
    return [text(one) for one in labels.notices]


def prompt_event(event: PromptEvent) -> PromptRaisedMessage | PromptClearedMessage:
    model = PromptRaisedMessage if isinstance(event, JudgedRaise) else PromptClearedMessage
    return model(id=event.id, label=event.label_id, text=text(event.text), audience=event.audience)
