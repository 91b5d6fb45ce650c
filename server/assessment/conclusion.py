"""Builds the result from everything judged and heard so far."""

from dataclasses import replace

from server.assessment.assessment import Assessment
from server.assessment.engine import HeardAudio
from server.assessment.result import Identity, JudgedLabel, Provenance, Result
from server.values.measures import Measures
from server.values.text import Text

LITTLE = 0.1
LITTLE_SPEECH = Text(
    "这段录音里，有人说话的时间不到十分之一；评分只依据这些话。",
    "Someone speaks in less than a tenth of this recording; the scores rest on that speech alone.",
)


def build_result(assessment: Assessment, heard: HeardAudio, identity: Identity) -> Result:
    """Everything judged so far as a Result. Changes nothing; may be called before the end (a session that expires)."""
    said = assessment.said(heard.duration_s)
    conclusion = assessment.judge.conclude(said)
    shown = {label.id: label for label in assessment.labels.shown()}
    return Result(
        identity=identity,
        mode=assessment.mode,
        samples=heard.samples,
        sample_rate=heard.sample_rate,
        speech_s=heard.speech_s,
        labels={
            label_id: JudgedLabel(
                label, conclusion.labels[label_id], conclusion.passed[label_id], (said or {}).get(label_id)
            )
            for label_id, label in shown.items()
        },
        overall=conclusion.overall,
        advice=conclusion.advice,
        prompts=tuple(conclusion.prompts),
        unusable_spans=tuple(conclusion.unusable_spans),
        not_heard=tuple(label_id for label_id in conclusion.not_heard if label_id in shown),
        not_assessed=tuple(label_id for label_id in conclusion.not_assessed if label_id in shown),
        interference=tuple(assessment.findings.interference()),
        events=tuple(assessment.findings.events()),
        measures=whole_measures(assessment, heard),
        windows=assessment.log.windows(),
        provenance=_provenance(assessment, transcribed=said is not None),
        notices=(*assessment.notices(heard.duration_s), *_listening(heard)),
    )


def _listening(heard: HeardAudio) -> tuple[Text, ...]:
    """Listening is no fault, but whoever reads the scores should know on how little speech they rest."""
    return (LITTLE_SPEECH,) if 0.0 < heard.speech_s < LITTLE * heard.duration_s else ()


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
