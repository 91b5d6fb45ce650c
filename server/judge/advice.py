"""The advice (综合建议): what to do with this recording, as a colleague would say it, in Chinese and English.

Chinese is written with the half-width comma, colon and brackets of the patient sentences.
"""

import math
from collections.abc import Mapping, Sequence

from server.judge.judgement import Span
from server.judge.labels import Label, LabelKind, LabelSet
from server.judge.spans import CONTINUOUS_SIGNAL
from server.judge.verdict import SPEECH_PRESENT
from server.values import LabelScore, Overall, Text, Why

MAX_SPANS_TOLD = 5

FINE = Text("录音可以使用,不用重录。", "This recording is fine and can be used as it is.")
FINE_BUT = Text("录音大体可以使用。", "This recording is fine overall.")
TOO_SHORT = Text(
    "建议复录:录音太短,还没来得及听;请按下录音后等一下再开始说。",
    "Please record again: this recording is too short to hear anything. Start it, wait a moment, then speak.",
)
NOT_ASSESSED = Text(
    "所选的项目这次都没法评估,请医生自己听一遍再决定。",
    "None of the selected labels could be assessed this time. Please listen to the recording yourself.",
)
PROCESSED = Text(
    "录音时开着降噪等处理(或无法确认),所以噪声和音量没有评估。",
    "Noise and loudness were not assessed: the browser's processing was on, or could not be ruled out.",
)


def advise(
    labels: LabelSet,
    scores: Mapping[str, LabelScore],
    judged: Overall,
    spans: Sequence[Span],
    sample_rate: int,
    *,
    heard_samples: int = 0,
    too_short: bool = False,
) -> Text:
    """One short paragraph. ``scores``: the aggregates by label id, ``speech_present`` among them if it was computed.

    First what to do: the worst failing label with its score, what it endangers and what helps; then the stretches to
    ask again, unless most of ``heard_samples`` is to be recorded again anyway; and what could not be assessed because
    of the browser's processing.
    """
    if too_short:
        return TOO_SHORT
    parts = [_first(labels, scores, judged, spans)]
    lost = sum(span.end_sample - span.start_sample for span in spans)
    if spans and (judged.verdict == "accept" or 2 * lost < heard_samples):
        parts.append(_ask_again(spans, sample_rate))
    if any(scores[label.id].why is Why.PROCESSING_ENABLED for label in labels.shown()):
        parts.append(PROCESSED)
    return Text("".join(part.zh for part in parts), " ".join(part.en for part in parts))


def _first(labels: LabelSet, scores: Mapping[str, LabelScore], judged: Overall, spans: Sequence[Span]) -> Text:
    if judged.verdict == "accept":
        return FINE_BUT if spans else FINE
    worst = worst_label(labels, scores)
    if judged.verdict is None or worst is None:
        return NOT_ASSESSED
    label, score = worst
    shown = _shown(score, label.threshold)
    zh = f"建议复录:“{label.title.zh}”没有达标({shown})"
    en = f"Please record again: “{label.title.en}” falls short ({shown})"
    if label.endangers is not None:
        zh += f",{label.endangers.zh}"
        en += f"; {label.endangers.en}"
    advice = label.advice or Text("请再录一遍", "please record once more")
    return Text(f"{zh};{advice.zh}。", f"{en}. {_capitalised(advice.en)}.")


def _shown(score: float, threshold: float) -> str:
    """Two decimals; not rounded up to the pass line that it falls short of."""
    rounded = f"{score:.2f}"
    return f"{math.floor(score * 100) / 100:.2f}" if score < threshold <= float(rounded) else rounded


def worst_label(labels: LabelSet, scores: Mapping[str, LabelScore]) -> tuple[Label, float] | None:
    """The lowest score among the failing quality labels, and among all if none fails.

    Where nobody speaks, that is what is wrong, whatever else fails, and though it was not asked for; unless the signal
    itself is broken, which explains the silence.
    """
    scored = [
        (label, score)
        for label in labels.labels
        if label.kind is LabelKind.QUALITY and (score := scores[label.id].score) is not None
    ]
    failing = [(label, score) for label, score in scored if score < label.threshold]
    speechless = [pair for pair in failing if pair[0].id == SPEECH_PRESENT]
    broken = [pair for pair in failing if speechless and pair[0].id == CONTINUOUS_SIGNAL]
    candidates = broken or speechless or failing or scored
    return min(candidates, key=lambda pair: pair[1]) if candidates else None


def _ask_again(spans: Sequence[Span], sample_rate: int) -> Text:
    told = [f"{_clock(span.start_sample / sample_rate)}–{_clock(span.end_sample / sample_rate)}" for span in spans]
    more = len(told) - MAX_SPANS_TOLD
    zh, en = "、".join(told[:MAX_SPANS_TOLD]), ", ".join(told[:MAX_SPANS_TOLD])
    if more > 0:
        zh, en = f"{zh}等 {len(told)} 处", f"{en} and {more} more"
    return Text(f"{zh} 未听清,请重问。", f"{en} could not be heard; please ask again.")


def _clock(seconds: float) -> str:
    minutes, whole = divmod(int(seconds + 0.5), 60)
    return f"{minutes:02d}:{whole:02d}"


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
