"""The result of a file or session, from what was judged and what was heard."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from pydantic import JsonValue, TypeAdapter

from server.assessment import render
from server.assessment.assessment import Assessment
from server.assessment.engine import HeardAudio
from server.judge.labels import Label
from server.judge.said import Said
from server.judge.session import Conclusion
from server.values.measures import Measures
from server.wire.result import (
    DictionaryModel,
    ModelModel,
    Result,
    ResultLabel,
    SourceModel,
    SpanModel,
    WindowModel,
)

window_models = TypeAdapter(list[WindowModel])
"""Validates thousands of windows at once: ten times as fast as one by one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the result is about, as the caller named it; echoed, never logged."""

    id: str
    kind: Literal["file", "session"]
    name: str | None = None
    reference: str | None = None
    site: str | None = None
    attempt_of: str | None = None
    metadata: dict[str, JsonValue] | None = None


def build_result(assessment: Assessment, heard: HeardAudio, identity: Identity) -> Result:
    """Everything judged so far as a Result. Changes nothing; may be called before the end (a session that expires)."""
    labels = assessment.labels
    said = assessment.said(heard.duration_s)
    conclusion = assessment.judge.conclude(said)
    shown = [label.id for label in labels.shown()]
    engine = assessment.engine
    return Result(
        id=identity.id,
        reference=identity.reference,
        site=identity.site,
        attempt_of=identity.attempt_of,
        metadata=identity.metadata,
        source=SourceModel(
            kind=identity.kind,
            name=identity.name,
            duration_s=render.rounded(heard.duration_s) or 0.0,
            speech_s=render.rounded(heard.speech_s) or 0.0,
            sample_rate=heard.sample_rate,
        ),
        labels={label.id: _label(label, conclusion, said or {}) for label in labels.shown()},
        overall=render.overall(conclusion.overall),
        advice=render.text(conclusion.advice),
        prompts=list(conclusion.prompts),
        unusable_spans=[
            SpanModel(
                start_s=render.rounded(span.start_sample / heard.sample_rate) or 0.0,
                end_s=render.rounded(span.end_sample / heard.sample_rate) or 0.0,
                why=str(span.why),
            )
            for span in conclusion.unusable_spans
        ],
        not_heard=[label_id for label_id in conclusion.not_heard if label_id in shown],
        not_assessed=[label_id for label_id in conclusion.not_assessed if label_id in shown],
        interference=render.interferences(assessment.findings.interference()),
        events=render.events(assessment.findings.events(), heard.sample_rate),
        measures=render.measures(whole_measures(assessment, heard)),
        windows=_windows(assessment, heard.sample_rate),
        model=ModelModel(
            scorers=[*engine.scorer_names, *(["transcript"] if said is not None else [])],
            clap=engine.clap,
            version=engine.version,
            dictionary=DictionaryModel(name=labels.dictionary, version=labels.version, digest=labels.digest),
            windows_replaced=assessment.windows_replaced,
            shed=assessment.shed,
        ),
        notices=[render.text(one) for one in assessment.notices(heard.duration_s)],
    )


def _windows(assessment: Assessment, rate: int) -> list[WindowModel]:
    """A hundred at a time: the interpreter's other threads run in between."""
    plain = assessment.log.on_wire(rate)
    windows: list[WindowModel] = []
    while batch := list(islice(plain, 100)):
        windows += window_models.validate_python(batch)
    return windows


def whole_measures(assessment: Assessment, heard: HeardAudio) -> Measures:
    """Of the whole recording: full windows only where there is one; DNSMOS of a short recording stands in the end."""
    logged = list(assessment.log.measured())
    full = [(measures, speech_s) for partial, measures, speech_s in logged if not partial]
    windows = full or [(measures, speech_s) for _, measures, speech_s in logged]
    whole = assessment.engine.summarise(heard.totals, windows)
    mos = assessment.closing_mos
    if mos is not None and whole.mos_overall is None:
        whole = replace(whole, mos_signal=mos.signal, mos_background=mos.background, mos_overall=mos.overall)
    return whole


def _label(label: Label, conclusion: Conclusion, said: Mapping[str, Said]) -> ResultLabel:
    score = conclusion.labels[label.id]
    told = said.get(label.id)
    return ResultLabel(
        title=render.text(label.title),
        kind=label.kind.value,
        score=render.unit(score.score),
        threshold=label.threshold,
        passed=conclusion.passed[label.id],
        weight=label.weight,
        evidence=render.evidence(score.evidence),
        why=score.why,
        state=None if told is None else told.state.value,
        heard_at_s=None if told is None else render.rounded(told.heard_at_s),
        expects=None if label.transcript is None else label.transcript.expects,
    )
