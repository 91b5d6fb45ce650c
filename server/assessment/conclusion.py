"""Builds the result from everything judged and heard so far."""

from collections.abc import Mapping
from dataclasses import replace

from server.assessment.assessment import Assessment
from server.assessment.engine import HeardAudio
from server.assessment.result import Identity, JudgedLabel, Provenance, Result
from server.assessment.timeline import timeline_of
from server.judge.faint_voice import faint_cap
from server.judge.labels import LabelSet
from server.judge.rules import Match, Standing, matched
from server.values.measures import Measures
from server.values.mode import Mode
from server.values.notices import Notice, NoticeCode
from server.values.rounding import unit
from server.values.voices import Voice

LITTLE = 0.1
MANY_LEFT_OUT = 0.05
"""Share of the windows from which it is told that models were left out; ``model.shed`` counts every one."""

LITTLE_SPEECH = Notice(
    "这段录音里，有人说话的时间不到十分之一；评分只依据这些话。",
    "Someone speaks in less than a tenth of this recording; the scores rest on that speech alone.",
    NoticeCode.LITTLE_SPEECH,
)

AS_HEARD = Notice(
    "按医生听到的声音评分：设备处理了话筒的声音（或无法确认），未评估房间环境。",
    "Judged as the doctor hears it: the device processed the sound, or may have; the room itself is not judged.",
    NoticeCode.AS_HEARD,
)


def build_result(
    assessment: Assessment, heard: HeardAudio, identity: Identity, matches: tuple[Match, ...] = ()
) -> Result:
    """Everything judged so far as a Result. Changes nothing; may be called before the end (a session that expires).

    ``matches``: of live rules, so far.
    """
    said = assessment.said(heard.duration_s)
    conclusion = assessment.judge.conclude(said)
    shown = {label.id: label for label in assessment.labels.shown()}
    labels = {
        label_id: JudgedLabel(
            label, conclusion.labels[label_id], conclusion.passed[label_id], (said or {}).get(label_id)
        )
        for label_id, label in shown.items()
    }
    windows, unusable = assessment.log.windows(), tuple(conclusion.unusable_spans)
    return Result(
        identity=identity,
        mode=assessment.mode,
        basis=assessment.capture.basis,
        samples=heard.samples,
        sample_rate=heard.sample_rate,
        speech_s=heard.speech_s,
        labels=labels,
        matches=matched(assessment.labels.rules, _standings(labels), matches),
        overall=conclusion.overall,
        advice=conclusion.advice,
        prompts=tuple(conclusion.prompts),
        unusable_spans=unusable,
        timeline=timeline_of(windows, shown, unusable, heard.samples, heard.sample_rate),
        not_heard=tuple(label_id for label_id in conclusion.not_heard if label_id in shown),
        not_assessed=tuple(label_id for label_id in conclusion.not_assessed if label_id in shown),
        interference=tuple(assessment.findings.interference()),
        events=tuple(assessment.findings.events()),
        measures=whole_measures(assessment, heard),
        windows=windows,
        voices=assessment.voices(),
        provenance=_provenance(assessment, transcribed=said is not None),
        notices=(
            *assessment.notices(heard.duration_s),
            *((AS_HEARD,) if assessment.capture.processed else ()),
            *_listening(heard),
            *_faint(assessment.labels, assessment.voices()),
            *_lost(assessment.unjudged),
            *_left_out(assessment.shed - assessment.unjudged, len(windows)),
        ),
    )


def _standings(labels: Mapping[str, JudgedLabel]) -> dict[str, Standing]:
    """Scores as they are shown, so that nobody reads 0.7 where a rule says that it is less."""
    return {
        label_id: Standing(
            unit(one.score.score),
            one.passed,
            None if one.said is None else one.said.state,
            None if one.said is None else one.said.heard_at_s,
        )
        for label_id, one in labels.items()
    }


def _listening(heard: HeardAudio) -> tuple[Notice, ...]:
    """Listening is no fault, but whoever reads the scores should know on how little speech they rest."""
    return (LITTLE_SPEECH,) if 0.0 < heard.speech_s < LITTLE * heard.duration_s else ()


def _faint(labels: LabelSet, voices: tuple[Voice, ...]) -> tuple[Notice, ...]:
    """The loud voice must not hide it: whoever listens turns down the sound for one and misses the other.

    Nothing of a voice that would cost a recording nothing: a few words of somebody in the background.
    """
    faint = [voice.speech_dbfs for voice in voices if voice.faint and voice.speech_dbfs is not None]
    if not faint or not faint_cap(labels, voices, Mode.RECORDING):
        return ()
    loud = max(voice.speech_dbfs for voice in voices if voice.speech_dbfs is not None)
    return (
        Notice(
            f"有一个人的声音（{min(faint):.0f} dBFS）比另一个人（{loud:.0f} dBFS）小得多，请他离话筒近一些。",
            f"One voice ({min(faint):.0f} dBFS) is much fainter than another ({loud:.0f} dBFS): "
            "ask that person to come closer to the microphone.",
            NoticeCode.FAINT_VOICE,
        ),
    )


def _lost(windows: int) -> tuple[Notice, ...]:
    """The scores leave out what there was no time to score, and nothing else in the result shows where."""
    if not windows:
        return ()
    ends = "last window was" if windows == 1 else f"last {windows} windows were"
    return (
        Notice(
            f"系统繁忙，结束时最后 {windows} 个窗口没来得及评分；结果只依据其余部分。",
            f"The server was busy: the {ends} not scored in time. The result rests on the others.",
            NoticeCode.WINDOWS_LOST,
        ),
    )


def _left_out(without: int, windows: int) -> tuple[Notice, ...]:
    """Scores, voices and names of windows that had to do without a model look like those of the others."""
    if not without or without < MANY_LEFT_OUT * windows:
        return ()
    return (
        Notice(
            f"{windows} 个窗口中有 {without} 个，部分模型没有及时给出结果：噪声、声音名称或旁人的声音可能有遗漏。",
            f"For {without} of {windows} windows some models gave no answer in time: a noise, its name or another "
            "person's voice may have been missed.",
            NoticeCode.PARTS_LEFT_OUT,
        ),
    )


def _provenance(assessment: Assessment, *, transcribed: bool) -> Provenance:
    engine, labels = assessment.engine, assessment.labels
    return Provenance(
        scorers=(*engine.scorer_names, *(["transcript"] if transcribed else [])),
        clap=engine.clap,
        version=engine.version,
        dictionary=labels.dictionary,
        dictionary_version=labels.version,
        digest=labels.digest,
        windows_replaced=assessment.windows_replaced,
        shed=assessment.shed,
    )


def whole_measures(assessment: Assessment, heard: HeardAudio) -> Measures:
    """Of the whole recording: from its full windows if there are any. A short recording's DNSMOS comes at the end."""
    logged = list(assessment.log.measured())
    full = [(measures, speech_s) for partial, measures, speech_s in logged if not partial]
    windows = full or [(measures, speech_s) for _, measures, speech_s in logged]
    whole = assessment.engine.summarise(heard.totals, windows)
    mos = assessment.closing_mos
    if mos is not None and whole.mos_overall is None:
        whole = replace(whole, mos_signal=mos.signal, mos_background=mos.background, mos_overall=mos.overall)
    return whole
