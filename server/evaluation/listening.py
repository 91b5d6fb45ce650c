"""Keeps the measures of a recording's windows, so that other curves can judge it without a second analysis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.assessment.engine import Engine
from server.assessment.updates import Assessed
from server.judge.judgement import Conclusion, WindowFacts
from server.judge.labels import LabelSet
from server.judge.session import SessionJudge
from server.model.acoustic.opinions import opinion
from server.model.acoustic.scorer import readings
from server.recording.decode import Recording
from server.recording.parties import assess_recording
from server.values.audio import Basis, CaptureSource
from server.values.measures import Measures, Mos
from server.values.mode import Mode
from server.values.scores import EvidenceKind, Opinion
from server.values.windows import Window


@dataclass(frozen=True, slots=True)
class WindowReading:
    """The measures that curves read, by name, for the window and its last 4 s; other scorers' opinions unchanged."""

    facts: WindowFacts
    values: Mapping[str, float]
    recent: Mapping[str, float]
    others: Mapping[EvidenceKind, Mapping[str, Opinion]]


@dataclass(frozen=True, slots=True)
class ListenedRecording:
    """An analysed recording. ``closing``: the longest window of a short one, with the DNSMOS that came at the end."""

    windows: tuple[WindowReading, ...]
    mode: Mode = Mode.RECORDING
    closing: WindowReading | None = None


async def listen(
    engine: Engine,
    recording: Recording,
    labels: LabelSet,
    mode: Mode = Mode.RECORDING,
    source: CaptureSource = CaptureSource.FILE,
) -> ListenedRecording:
    """Assess ``recording`` as ``tingqing assess`` does and keep the measures. Raises the same errors."""
    windows: list[WindowReading] = []
    latest: list[tuple[Window, Assessed]] = []
    telephone = source is CaptureSource.TELEPHONE

    def keep(window: Window, assessed: Assessed) -> None:
        windows.append(_reading(window, assessed, _mos(assessed.update.measures, window), telephone))
        latest[:] = [(window, assessed)]

    result = await assess_recording(engine, recording, labels, mode=mode, source=source, on_window=keep)
    rated = any(window.facts.measures and window.facts.measures.mos_overall for window in windows)
    if rated or not latest:
        return ListenedRecording(tuple(windows), mode)
    window, assessed = latest[0]
    mos = _mos(result.measures, window)
    return ListenedRecording(tuple(windows), mode, None if mos is None else _reading(window, assessed, mos, telephone))


def _mos(measures: Measures, window: Window) -> Mos | None:
    if measures.mos_signal is None or measures.mos_background is None or measures.mos_overall is None:
        return None
    return Mos(measures.mos_signal, measures.mos_background, measures.mos_overall, window.end_sample)


def _reading(window: Window, assessed: Assessed, mos: Mos | None, telephone: bool) -> WindowReading:
    update = assessed.update
    whole, recent = readings(window, mos, denoised=assessed.denoised, together=assessed.together, telephone=telephone)
    others: dict[EvidenceKind, dict[str, Opinion]] = {}
    for label_id, score in update.labels.items():
        for kind, value in score.evidence.items():
            if kind != "acoustic" and value is not None:
                others.setdefault(kind, {})[label_id] = Opinion(value)
    return WindowReading(replace(update.facts, measures=whole.measures), whole.values, recent.values, others)


def judge_again(heard: ListenedRecording, labels: LabelSet) -> Conclusion:
    """The judgement of ``heard`` by ``labels``; with the labels of the first analysis, exactly that of the result."""
    judge = SessionJudge(labels, heard.mode)
    for window in heard.windows:
        judge.add_window(
            window.facts,
            {**window.others, "acoustic": _opinions(labels, window.values)},
            {"acoustic": _opinions(labels, window.recent)},
        )
    if heard.closing is not None:
        closing = {**heard.closing.others, "acoustic": _opinions(labels, heard.closing.values)}
        judge.settle(heard.closing.facts, closing)
    return judge.conclude()


def _opinions(labels: LabelSet, values: Mapping[str, float]) -> dict[str, Opinion]:
    found = {label.id: opinion(label, values, basis=Basis.ROOM) for label in labels.labels}
    return {label_id: one for label_id, one in found.items() if one is not None}


def full_windows(heard: ListenedRecording) -> Sequence[WindowReading]:
    """The windows that count in an aggregate."""
    if heard.closing is not None:
        return (heard.closing,)
    full = [window for window in heard.windows if not window.facts.partial]
    return full or heard.windows
