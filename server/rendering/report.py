"""Prints results on a terminal: one recording with every label, several as a table."""

from collections.abc import Sequence
from pathlib import PurePath

from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.judge.share import told_seconds
from server.rendering import words
from server.wire.common import InterferenceModel, TextModel
from server.wire.result import ResultLabel, ResultModel, RuleMatchModel

Row = ResultModel | tuple[str, str]
"""A result, or the name and error message of an unreadable file."""

_BAR = 20
_SPANS_SHOWN = 6
_WORST_SHOWN = 2
LEAST_UNHEARD_S = 1.0


def print_report(console: Console, result: ResultModel, language: str, *, name: str | None = None) -> None:
    """Everything a person asks of one recording: grade, verdict, each label, advice, prompts, unusable parts.

    ``name`` is used where the result has no name (a session has no file name).
    """
    console.print(
        Text.assemble(
            (words.harmless(result.source.name or name or result.id), "bold"), "  ", _seconds(result, language)
        )
    )
    console.print(_headline(result, language))
    table = Table.grid(padding=(0, 2))
    for label in [label for label in worst_first(result) if label.state is None]:
        why = words.WHY[label.why](language) if label.why else ""
        failed = label.passed is False
        style = "dim" if label.score is None else ("bold magenta" if failed else "bright_blue")
        line = f"{words.THRESHOLD(language)} {words.number(label.threshold)}" if failed else why
        table.add_row(
            Text(said(label.title, language)),
            Text(words.bar(label.score, _BAR), style=style),
            words.number(label.score, label.threshold),
            Text(line, style="dim"),
        )
    console.print(table)
    _print_said(console, result, language)
    for title, text in _paragraphs(result, language):
        console.print(Text.assemble((f"{title}{words.COLON(language)}", "bold"), text))
    _print_notices(console, [result], language)
    console.print(Text(words.DISCLAIMER(language), style="dim"))


def print_table(console: Console, results: Sequence[Row], language: str) -> None:
    """Print one row per recording, in order: grade, score, weakest labels, advice."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column(words.FILE(language), overflow="fold", ratio=3)
    table.add_column(words.OVERALL(language), no_wrap=True)
    table.add_column(words.SCORE(language), justify="right", no_wrap=True)
    table.add_column(words.WORST(language), overflow="fold", ratio=3)
    table.add_column(words.ADVICE(language), overflow="fold", ratio=5)
    named = [result[0] if isinstance(result, tuple) else result.source.name or result.id for result in results]
    names = [words.harmless(name) for name in _short(named)]
    for name, result in zip(names, results, strict=True):
        if isinstance(result, tuple):
            why = Text(words.harmless(result[1]))
            table.add_row(Text(name), Text(f"! {words.NOT_READ(language)}", style="bold"), "", "", why)
            continue
        look = words.GRADES[result.overall.grade]
        weakest = [label for label in worst_first(result) if label.passed is False][:_WORST_SHOWN]
        table.add_row(
            Text(name),
            Text(f"{look.mark()} {look.word(language)}", style=look.style),
            words.number(result.overall.score),
            Text(
                "\n".join(
                    f"{said(label.title, language)} {words.number(label.score, label.threshold)}" for label in weakest
                )
            ),
            Text(said(result.advice, language)),
        )
    console.print(table)
    _print_notices(console, [result for result in results if isinstance(result, ResultModel)], language)
    passed = sum(1 for result in results if isinstance(result, ResultModel) and result.overall.passed)
    summary = f"{passed}/{len(results)} {words.SUMMARY(language)}{words.STOP(language)}"
    console.print(Text(summary + words.DISCLAIMER(language), style="dim"))


def _print_said(console: Console, result: ResultModel, language: str) -> None:
    """Print what the transcript says about each content label, and when; nothing without a transcript."""
    labels = [label for label in result.labels.values() if label.state is not None]
    if not labels:
        return
    table = Table.grid(padding=(0, 2))
    for label in sorted(labels, key=_as_a_doctor_reads):
        assert label.state is not None
        noticed = is_unexpected(label)
        shape, plain = words.STATE_MARKS[label.state]
        at = "" if label.heard_at_s is None else words.clock(label.heard_at_s)
        note = words.NOTICE_THIS if noticed else words.ASK if label.state == "not_heard" else None
        style = "bold yellow" if noticed else "dim" if label.state == "not_heard" else "bright_blue"
        table.add_row(
            Text(f"  {shape if words.can_show(shape) else plain} {said(label.title, language)}"),
            Text(words.STATES[label.state](language), style=style),
            Text(at),
            Text(note(language) if note else "", style=style),
        )
    console.print(Text(f"{words.WHAT_WAS_SAID(language)}{words.COLON(language).strip()}", style="bold"))
    console.print(table)


def is_unexpected(label: ResultLabel) -> bool:
    """Whether the label is stated where its dictionary expects a denial, or the other way round.

    It lowers no score; the report highlights it.
    """
    return (label.expects, label.state) in (("denied", "stated"), ("stated", "denied"))


def _as_a_doctor_reads(label: ResultLabel) -> tuple[bool, bool]:
    """Sort key: unexpected labels first, labels not heard last, the rest in the order of the dictionary."""
    return (not is_unexpected(label), label.state == "not_heard")


def worst_first(result: ResultModel) -> list[ResultLabel]:
    """Labels with a score first, furthest below the threshold first; the rest in their own order."""

    def rank(label: ResultLabel) -> tuple[bool, float]:
        return (label.score is None, 0.0 if label.score is None else label.score - label.threshold)

    return sorted(result.labels.values(), key=rank)


def said(text: TextModel, language: str) -> str:
    """The sentence in the reader's language."""
    return words.harmless(text.zh if language.lower().startswith("zh") else text.en)


def _print_notices(console: Console, results: Sequence[ResultModel], language: str) -> None:
    """Print each notice about the requested labels once: they are the same for every file."""
    for notice in dict.fromkeys(said(notice, language) for result in results for notice in result.notices):
        console.print(Text(f"{words.NOTICE(language)}{words.COLON(language)}{notice}", style="dim"))


def _short(names: list[str]) -> list[str]:
    """File names without their folders, unless two would then be equal."""
    short = [PurePath(name).name for name in names]
    return short if len(set(short)) == len(set(names)) else names


def _headline(result: ResultModel, language: str) -> Text:
    look = words.GRADES[result.overall.grade]
    verdict = words.VERDICTS[result.overall.verdict](language)
    assessed = words.assessed(result.overall.assessed, language)
    mode = "" if result.model.clap else f" | {words.BASIC_MODE(language)}"
    return Text.assemble(
        (f"{look.mark()} {look.word(language)}", look.style),
        f"  {words.number(result.overall.score)}  ",
        (verdict, "bold"),
        (f" {words.BRACKETS(language).format(assessed + mode)}", "dim"),
        (_unheard(result, language), "bold"),
    )


def _unheard(result: ResultModel, language: str) -> str:
    """How much of the recording cannot be used, from a second on."""
    unheard = sum(span.end_s - span.start_s for span in result.unusable_spans)
    if unheard < LEAST_UNHEARD_S:
        return ""
    part, whole = told_seconds(unheard, result.windows[-1].end_s if result.windows else result.source.duration_s)
    return "  " + words.UNHEARD(language).format(whole=whole, part=part)


def _seconds(result: ResultModel, language: str) -> tuple[str, str]:
    source = result.source
    return (f"{source.duration_s:.1f} s{words.COMMA(language)}{words.SPEECH(language)} {source.speech_s:.1f} s", "dim")


def names_of(sounds: Sequence[InterferenceModel], language: str) -> str:
    """Titles in a row, with the comma of their language."""
    return words.LISTED(language).join(said(sound.title, language) for sound in sounds)


def _listed(items: Sequence[str], language: str) -> str:
    return words.LISTED(language).join(items)


def _events(result: ResultModel, language: str) -> str:
    told = [
        f"{words.clock(event.start_s)}-{words.clock(event.end_s)} {said(event.title, language)}"
        for event in result.events[:_SPANS_SHOWN]
    ]
    return _listed(told + ["…"] * (len(result.events) > _SPANS_SHOWN), language)


def voices_told(result: ResultModel, language: str, dash: str = "-", most_spans: int = _SPANS_SHOWN) -> list[str]:
    """One phrase for each voice: whose, how long, how loud, how fast, and when who is not the patient spoke. Nothing
    where the patient alone was heard, and well."""
    if len(result.voices) < 2 and not any(voice.faint for voice in result.voices):
        return []
    told = []
    for voice in result.voices:
        facts = [f"{voice.speech_s:.0f} s"]
        facts += [] if voice.speech_dbfs is None else [f"{voice.speech_dbfs:.0f} dBFS"]
        facts += [] if voice.snr_db is None else [f"SNR {voice.snr_db:.0f} dB"]
        rate = voice.speech_rate_sps
        facts += [] if rate is None else [words.PACE_OF_A_VOICE(language).format(rate=rate)]
        facts += [words.FAINT(language)] if voice.faint else []
        text = words.ROLES[voice.role](language) + words.BRACKETS(language).format(words.COMMA(language).join(facts))
        if voice.role != "patient":
            shown = voice.spans[:most_spans]
            spans = [f"{words.clock(span.start_s)}{dash}{words.clock(span.end_s)}" for span in shown]
            text += " " + _listed(spans + ["…"] * (len(voice.spans) > most_spans), language)
        told.append(text)
    return told


def rule_name(match: RuleMatchModel, language: str) -> str:
    """Its title, if it has one, and the event that it is to other systems."""
    if match.title is None:
        return match.event
    return said(match.title, language) + words.BRACKETS(language).format(match.event)


def _paragraphs(result: ResultModel, language: str) -> list[tuple[str, str]]:
    found = [(words.ADVICE(language), said(result.advice, language))]
    if result.rules:
        found.append((words.RULES(language), _listed([rule_name(one, language) for one in result.rules], language)))
    if result.prompts:
        found.append((words.PROMPTS(language), _listed(result.prompts, language)))
    if result.unusable_spans:
        spans = [f"{words.clock(span.start_s)}-{words.clock(span.end_s)}" for span in result.unusable_spans]
        more = ["…"] * (len(spans) > _SPANS_SHOWN)
        found.append((words.SPANS(language), _listed(spans[:_SPANS_SHOWN] + more, language)))
    if result.interference:
        found.append((words.AROUND(language), names_of(result.interference, language)))
    if voices := voices_told(result, language):
        found.append((words.VOICES(language), words.SEMICOLON(language).join(voices)))
    if result.events:
        found.append((words.OWN_SOUNDS(language), _events(result, language)))
    if names := [said(result.labels[one].title, language) for one in result.not_assessed if one in result.labels]:
        found.append((words.NOT_ASSESSED(language), _listed(names, language)))
    return found
