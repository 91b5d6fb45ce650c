"""The advice (综合建议): what to do with this recording, as a colleague would say it, in Chinese and English.

Chinese is written with full-width punctuation, as everywhere.
"""

import re
from collections.abc import Mapping, Sequence

from server.judge.judgement import Span
from server.judge.labels import Cause, Label, LabelKind, LabelSet
from server.judge.number import PASSED, line_of
from server.judge.share import told_seconds
from server.judge.spans import CONTINUOUS_SIGNAL
from server.judge.verdict import SPEECH_PRESENT
from server.values.rounding import shown_score
from server.values.scores import LabelScore, Overall, Why
from server.values.text import Text

MAX_SPANS_TOLD = 5
MAX_TOPICS_TOLD = 4
LEAST_TOLD = 0.05
"""Share that cannot be heard from which it is told as a whole; below it, the stretches say enough."""

_SAID_ZH = re.compile("(已|描述)?(说明|明确|具体|清晰)$")
_SAID_EN = re.compile(r" (stated|addressed|described|named|identified|graded|clear)$")
"""Endings of titles that claim that something was said; without them the title names the subject."""

FINE = Text("录音可以使用，不用重录。", "This recording is fine and can be used as it is.")
FINE_BUT = Text("录音大体可以使用。", "This recording is fine overall.")
TOO_SHORT = Text(
    "建议复录：录音太短，还没来得及听；请按下录音后等一下再开始说。",
    "Please record again: this recording is too short to hear anything. Start it, wait a moment, then speak.",
)
MUTED = Text(
    "建议复录：话筒没有传来任何声音；请看看话筒是不是被静音、有没有选对，再录一遍。",
    "Please record again: nothing came from the microphone. Check that it is not muted and that it is the right one, "
    "then record once more.",
)
RECORD_AGAIN = Text("请再录一遍", "please record once more")
TOO_LITTLE_HEARD = Text(
    "建议复录：录音里听不清的部分太多。", "Please record again: too much of this recording cannot be heard."
)
NOT_ASSESSED = Text(
    "所选的项目这次都无法评估，请医生自己听一遍再决定。",
    "None of the selected labels could be assessed this time. Please listen to the recording yourself.",
)
WORDS_ONLY = Text(
    "这次只评估了说的内容，没有评估声音。",
    "Only what was said was assessed this time, not how it sounds.",
)
PROCESSED = Text(
    "录音时开着降噪等处理（或无法确认），有些项目因此没有评估。",
    "Some labels were not assessed: the device's sound processing was on, or could not be ruled out.",
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
    lifeless: bool = False,
) -> Text:
    """One short paragraph. ``scores``: aggregates by label id, including ``speech_present`` if it was computed.

    Of an input that was ``lifeless``, only to check the mute switch. Else first what to do: the worst failing label
    with its score, what is at risk and what helps, in the words of its cause where that is known. Then how much cannot
    be heard, if it is a twentieth or more. Then the parts to ask again, unless most of ``heard_samples`` has to be
    recorded again anyway; what the transcript did not contain, unless nothing can be understood at all; and what could
    not be assessed because of the browser's processing.
    """
    if too_short:
        return TOO_SHORT
    if lifeless and judged.verdict == "unusable":
        return MUTED
    parts = [_first(labels, scores, judged, spans)]
    if spans:
        unheard = sum(span.end_sample - span.start_sample for span in spans)
        if heard_samples and unheard >= LEAST_TOLD * heard_samples:
            parts.append(_how_much(unheard, heard_samples, sample_rate))
        if judged.verdict == "accept" or 2 * unheard < heard_samples:
            parts.append(_ask_again(spans, sample_rate))
    missing = [label for label in labels.shown() if is_missing(label, scores[label.id])]
    if missing and judged.verdict != "unusable":
        parts.append(_not_heard(missing, again=judged.verdict == "re-record"))
    if any(scores[label.id].why is Why.PROCESSING_ENABLED for label in labels.shown()):
        parts.append(PROCESSED)
    return Text("".join(part.zh for part in parts), " ".join(part.en for part in parts))


def _first(labels: LabelSet, scores: Mapping[str, LabelScore], judged: Overall, spans: Sequence[Span]) -> Text:
    if judged.verdict == "accept":
        return FINE_BUT if spans else FINE
    worst = worst_label(labels, scores)
    if judged.verdict is None or worst is None:
        return (
            WORDS_ONLY if any(_was_listened_for(label, scores[label.id]) for label in labels.shown()) else NOT_ASSESSED
        )
    label, score = worst
    if score >= line_of(label) and (spans or score >= PASSED):
        return TOO_LITTLE_HEARD
    cause = label.causes.get(scores[label.id].cause or "", Cause())
    endangers, advice = cause.endangers or label.endangers, cause.advice or label.advice or RECORD_AGAIN
    shown = shown_score(score, label.threshold)
    if score < label.threshold:
        zh = f"建议复录：“{label.title.zh}”没有达标（{shown}）"
        en = f"Please record again: “{label.title.en}” falls short ({shown})"
    else:  # no label fails its (lowered) threshold, but the overall score is too low to be used
        zh = f"建议复录：整体偏低，最低的是“{label.title.zh}”（{shown}）"
        en = f"Please record again: it is too low as a whole, “{label.title.en}” most of all ({shown})"
    if endangers is not None:
        zh += f"，{endangers.zh}"
        en += f"; {endangers.en}"
    return Text(f"{zh}；{advice.zh}。", f"{en}. {_capitalised(advice.en)}.")


def worst_label(labels: LabelSet, scores: Mapping[str, LabelScore]) -> tuple[Label, float] | None:
    """The lowest score among the failing quality labels; if none fails, among requested labels with a weight.

    If nobody speaks, that comes first, whatever else fails and even if it was not requested; unless the signal itself
    is broken, which explains the silence.
    """
    scored = [
        (label, score)
        for label in labels.labels
        if label.kind is LabelKind.QUALITY and (score := scores[label.id].score) is not None
    ]
    failing = [(label, score) for label, score in scored if score < label.threshold]
    speechless = [pair for pair in failing if pair[0].id == SPEECH_PRESENT]
    broken = [pair for pair in failing if speechless and pair[0].id == CONTINUOUS_SIGNAL]
    counted = [(label, score) for label, score in scored if label.weight > 0.0 and label.id in labels.requested]
    candidates = broken or speechless or failing or counted
    return min(candidates, key=lambda pair: pair[1]) if candidates else None


def _was_listened_for(label: Label, score: LabelScore) -> bool:
    return label.kind is LabelKind.CONTENT and (score.score is not None or is_missing(label, score))


def is_missing(label: Label, score: LabelScore) -> bool:
    """Whether there was a transcript, and it says nothing about this content label."""
    return label.kind is LabelKind.CONTENT and score.score is None and score.why is Why.NO_EVIDENCE


def _not_heard(missing: Sequence[Label], *, again: bool) -> Text:
    """What to ask: the question itself for one label, the subjects for several.

    ``again``: there will be another recording in which it can be said.
    """
    ask = Text("重录时请一并问到", "please ask in the next recording") if again else Text("请补问", "please ask")
    subjects = [_subject(label) for label in missing]
    zh, en = [one.zh for one in subjects], [one.en for one in subjects]
    if len(missing) == 1:
        advice = missing[0].advice or Text("请补问一句", "please ask about it")
        return Text(f"没有听到{zh[0]}；{advice.zh}。", f"Not heard: {en[0]}; {advice.en}.")
    more = len(missing) - MAX_TOPICS_TOLD
    told_zh = "、".join(zh[:MAX_TOPICS_TOLD])
    if more > 0:
        return Text(
            f"没有听到{told_zh}等 {len(missing)} 项，{ask.zh}。",
            f"Not heard: {', '.join(en[:MAX_TOPICS_TOLD])} and {more} more; {ask.en}.",
        )
    told_en = f"{', '.join(en[:-1])} and {en[-1]}"
    return Text(f"没有听到{told_zh}，{ask.zh}。", f"Not heard: {told_en}; {ask.en}.")


def _subject(label: Label) -> Text:
    """The subject of a label: its title without the claim that it was said. If a denial is expected, the subject is a
    question, since "fainting was not heard" could be read as a denial.
    """
    zh = _SAID_ZH.sub("", label.title.zh) or label.title.zh
    en = _lowered(_SAID_EN.sub("", label.title.en))
    if label.transcript is not None and label.transcript.expects == "denied":
        return Text(f"有无{zh}", f"{en} (yes or no)")
    return Text(zh, en)


def _how_much(unheard: int, heard: int, sample_rate: int) -> Text:
    part, whole = told_seconds(unheard / sample_rate, heard / sample_rate)
    return Text(f"{whole} 秒中有 {part} 秒听不清。", f"Of {whole} s, {part} s cannot be used.")


def _ask_again(spans: Sequence[Span], sample_rate: int) -> Text:
    told = [f"{_clock(span.start_sample / sample_rate)}–{_clock(span.end_sample / sample_rate)}" for span in spans]
    more = len(told) - MAX_SPANS_TOLD
    zh, en = "、".join(told[:MAX_SPANS_TOLD]), ", ".join(told[:MAX_SPANS_TOLD])
    if more > 0:
        zh, en = f"{zh}等 {len(told)} 处", f"{en} and {more} more"
    return Text(f"{zh} 未听清，请重问。", f"{en} could not be heard; please ask again.")


def _clock(seconds: float) -> str:
    minutes, whole = divmod(int(seconds + 0.5), 60)
    return f"{minutes:02d}:{whole:02d}"


def _lowered(title: str) -> str:
    """A title in lower case for use within a sentence; abbreviations stay as they are."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
