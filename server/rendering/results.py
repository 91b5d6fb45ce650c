"""A result as a model of ``tingqing.v1``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from server.assessment.result import JudgedLabel, Result
from server.assessment.timeline import Stretch
from server.assessment.window_log import MEASURES, LoggedWindow, LoggedWindows
from server.judge.rules import Match
from server.rendering import wire
from server.values.measures import Measures
from server.values.rounding import rounded, unit
from server.values.scores import LabelScore
from server.wire.result import (
    DictionaryModel,
    ModelModel,
    ResultLabel,
    ResultModel,
    RuleMatchModel,
    SourceModel,
    StretchModel,
    WindowModel,
)

window_models = TypeAdapter(list[WindowModel])
"""Validates thousands of windows at once: ten times as fast as one by one."""

MOST_FAILED = 200
"""Times of a label in a result (the latest)."""

AT_ONCE = 100
"""Windows per validation: the interpreter's other threads run in between."""


def result_model(result: Result) -> ResultModel:
    """Takes a second or two for hours of audio: call it on a thread where others wait."""
    identity, rate = result.identity, result.sample_rate
    return ResultModel(
        id=identity.id,
        reference=identity.reference,
        site=identity.site,
        attempt_of=identity.attempt_of,
        metadata=identity.metadata,
        mode=result.mode.value,
        basis=result.basis.value,
        source=SourceModel(
            kind=identity.kind,
            name=identity.name,
            duration_s=rounded(result.duration_s) or 0.0,
            speech_s=rounded(result.speech_s) or 0.0,
            sample_rate=rate,
        ),
        labels={
            label_id: _label(one, result.timeline.failed.get(label_id, ()), rate)
            for label_id, one in result.labels.items()
        },
        overall=wire.overall(result.overall),
        advice=wire.text(result.advice),
        prompts=list(result.prompts),
        unusable_spans=wire.spans(result.unusable_spans, rate),
        not_heard=list(result.not_heard),
        not_assessed=list(result.not_assessed),
        interference=wire.interferences(result.interference),
        events=wire.events(result.events, rate),
        voices=wire.voices(result.voices),
        measures=wire.measures(result.measures),
        windows=_windows(result.windows, rate),
        model=_model(result),
        notices=wire.notices(result.notices),
        rules=[_match(one) for one in result.matches],
        best_60s=None if result.timeline.best is None else _stretch(result.timeline.best, rate),
    )


def result_json(result: Result) -> str:
    """The same as JSON text."""
    return result_model(result).model_dump_json()


def _stretch(samples: Stretch, rate: int) -> StretchModel:
    return StretchModel(start_s=rounded(samples[0] / rate) or 0.0, end_s=rounded(samples[1] / rate) or 0.0)


def _label(judged: JudgedLabel, failed: Sequence[Stretch], rate: int) -> ResultLabel:
    label, said = judged.label, judged.said
    return ResultLabel(
        title=wire.text(label.title),
        kind=label.kind.value,
        score=unit(judged.score.score),
        threshold=label.threshold,
        passed=judged.passed,
        weight=label.weight,
        evidence=wire.evidence(judged.score.evidence),
        why=judged.score.why,
        state=None if said is None else said.state.value,
        heard_at_s=None if said is None else rounded(said.heard_at_s),
        expects=None if label.transcript is None else label.transcript.expects,
        failed=[_stretch(one, rate) for one in failed[-MOST_FAILED:]],
    )


def _match(match: Match) -> RuleMatchModel:
    rule, standing = match.rule, match.standing
    return RuleMatchModel(
        id=rule.id,
        dictionary=rule.dictionary,
        event=rule.event,
        title=None if rule.title is None else wire.text(rule.title),
        label=rule.label,
        score=standing.score,
        passed=standing.passed,
        state=None if standing.state is None else standing.state.value,
        at_s=rounded(standing.at_s),
    )


def _model(result: Result) -> ModelModel:
    by = result.provenance
    return ModelModel(
        scorers=list(by.scorers),
        clap=by.clap,
        version=by.version,
        dictionary=DictionaryModel(name=by.dictionary, version=by.dictionary_version, digest=by.digest),
        windows_replaced=by.windows_replaced,
        shed=by.shed,
    )


def _windows(windows: LoggedWindows, rate: int) -> list[WindowModel]:
    return [one for batch in window_batches(windows, rate) for one in batch]


def window_batches(windows: LoggedWindows, rate: int) -> Iterator[list[WindowModel]]:
    """All windows, ``AT_ONCE`` at a time: hours of them take hundreds of MB as models. ``rate``: of the result, Hz."""
    for start in range(0, len(windows), AT_ONCE):
        yield window_models.validate_python([_window(one, rate) for one in windows[start : start + AT_ONCE]])


def _window(window: LoggedWindow, rate: int) -> dict[str, Any]:
    """The fields of ``WindowModel``; numbers were rounded when they were logged."""
    return {
        "start_s": window.start_sample / rate,
        "end_s": window.end_sample / rate,
        "start_sample": window.start_sample,
        "end_sample": window.end_sample,
        "partial": window.partial,
        "speech_ratio": window.speech_ratio,
        "labels": _scores(window.labels),
        "measures": _measures(window.measures),
    }


def _scores(labels: Mapping[str, LabelScore]) -> dict[str, Any]:
    return {
        label_id: {"score": one.score, "evidence": one.evidence, "why": one.why} for label_id, one in labels.items()
    }


def _measures(measures: Measures) -> dict[str, Any]:
    pauses = measures.pauses
    return {name: getattr(measures, name) for name in MEASURES} | {
        "pauses": pauses and {"count": pauses.count, "longest_s": pauses.longest_s, "ratio": pauses.ratio}
    }
