"""Prints dictionaries and lint findings on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from server.rendering import words
from server.rendering.report import said
from server.rendering.words import Words

if TYPE_CHECKING:
    from rich.console import Console

    from server.dictionaries.lint import LintFinding
    from server.judge.labels import LabelSet
    from server.wire.label_sets import KnownLabel, LabelSetsModel

NAME = Words("名称", "Name")
TITLE = Words("标题", "Title")
VERSION = Words("版本", "Version")
COUNTS = Words("标签（质量 + 内容）", "Labels (quality + content)")
JUDGED_BY = Words("依据", "Judged by")
AT_RISK = Words("影响", "At risk")
ALSO = Words("又名", "Also")
FINE = Words("没有发现问题", "no problems found")
FOUND = Words("处问题", "problems")
NOTES = Words("条说明", "notes")
_KINDS = {"quality": Words("质量", "quality"), "content": Words("内容", "content")}
_EVIDENCE = {
    "acoustic": Words("声学指标", "acoustic measures"),
    "clap": Words("CLAP", "CLAP"),
    "transcript": Words("转写", "transcript"),
}


def print_list(console: "Console", sets: "LabelSetsModel", language: str) -> None:
    """One row per dictionary, the default first."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in (NAME, TITLE, VERSION, COUNTS):
        table.add_column(title(language))
    for one in sets.label_sets:
        quality = sum(label.kind == "quality" for label in one.labels)
        counts = f"{len(one.labels)} ({quality} + {len(one.labels) - quality})"
        table.add_row(one.name, said(one.title, language), one.version, counts)
    console.print(table)


def print_labels(console: "Console", labels: "LabelSet", known: Sequence["KnownLabel"], language: str) -> None:
    """Each label with its aliases, its evidence, and what is at risk when it fails."""
    from rich.text import Text

    console.print(
        Text.assemble(
            (labels.dictionary, "bold"), f"  {VERSION(language)} {labels.version}", (f"  {labels.digest}", "dim")
        )
    )
    for label in known:
        other = label.title.en if language.startswith("zh") else label.title.zh
        console.print(Text.assemble("\n", (said(label.title, language), "bold"), f"  {other}  ", (label.id, "dim")))
        lines = [_judged_by(label, language)]
        if label.aliases:
            lines.append(f"{ALSO(language)}: {' / '.join(label.aliases)}")
        if label.endangers:
            lines.append(f"{AT_RISK(language)}: {said(label.endangers, language)}")
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)
    if labels.rules:
        console.print(Text(f"\n{words.RULES(language)}", style="bold"))
    for rule in labels.rules:
        title = f"  {rule.title.in_language(language)}" if rule.title else ""
        how = f"{rule.label}: {rule.when}  ({rule.at.value})"
        console.print(
            Text.assemble(f"  {how} → ", (rule.event, "bold"), title, (f"  {rule.id}", "dim")), soft_wrap=True
        )
    for notice in labels.notices:
        console.print(Text(f"\n{words.NOTICE(language)}: {notice.in_language(language)}", style="dim"))


def _judged_by(label: "KnownLabel", language: str) -> str:
    evidence = " + ".join(_EVIDENCE[kind](language) for kind in label.evidence) or "-"
    topic = f" ({label.topic}, {label.expects})" if label.topic else ""
    passes = f", {words.THRESHOLD(language)} {label.threshold:.2f}" if label.kind == "quality" else ""
    return f"{_KINDS[label.kind](language)}, {JUDGED_BY(language)}: {evidence}{topic}{passes}"


def print_findings(console: "Console", findings: Sequence["LintFinding"], files: int, language: str) -> None:
    """``file:line: [rule] what is wrong``, and on the next line how to fix it."""
    from rich.text import Text

    for one in findings:
        note = f"{words.NOTICE(language).lower()} " if one.severity == "note" else ""
        about = f"{one.label}: " if one.label else ""
        message = one.message.in_language(language)
        style = "dim" if one.severity == "note" else ""
        console.print(Text(f"{one.path}:{one.line}: {note}[{one.rule}] {about}{message}", style=style), soft_wrap=True)
        console.print(Text(f"    → {one.better.in_language(language)}", style="dim"), soft_wrap=True)
    faults = sum(one.severity == "finding" for one in findings)
    notes = len(findings) - faults
    verdict = f"{faults} {FOUND(language)}" if faults else FINE(language)
    console.print(
        f"{verdict}" + (f", {notes} {NOTES(language)}" if notes else "") + f" ({words.FILE(language)}: {files})"
    )


def finding_json(finding: "LintFinding") -> dict[str, Any]:
    """A finding for programs; ``line`` is 1-based."""
    return {
        "file": finding.path,
        "line": finding.line,
        "rule": str(finding.rule),
        "severity": finding.severity,
        "label": finding.label,
        "message": {"zh": finding.message.zh, "en": finding.message.en},
        "better": {"zh": finding.better.zh, "en": finding.better.en},
    }
