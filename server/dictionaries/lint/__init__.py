"""Reads a label file the way a careful colleague would: every fault with its line, and how to write it better."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.dictionaries.lint import evidence, form, language, sameness, sounds, wording
from server.dictionaries.lint.findings import Draft, Finding, Known, Rule, raw_entries, raw_labels
from server.dictionaries.locate import line_of, syntax_error_line
from server.values import Text

__all__ = ["Finding", "Known", "Rule", "lint_file", "lint_source"]


def lint_file(path: Path, known: Known) -> list[Finding]:
    """Raises OSError where the file cannot be read; everything else that is wrong with it is a finding."""
    raw = path.read_bytes()
    try:
        return lint_source(raw.decode("utf-8"), str(path), known)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return [_syntax(str(path), line, Text("不是 UTF-8 文本", "not UTF-8 text"))]


def lint_source(source: str, path: str, known: Known) -> list[Finding]:
    """The findings in the order of their lines. ``path`` is only repeated."""
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        line = syntax_error_line(str(error)) or source.count("\n") + 1
        return [_syntax(path, line, Text(f"不是 TOML:{error}", f"not TOML: {error}"))]
    found: dict[tuple[int, Rule, str], Finding] = {}
    for draft in _drafts(data, known):
        line = line_of(source, draft.at)
        finding = Finding(path, line, draft.rule, draft.severity, _label_at(data, draft), draft.message, draft.better)
        found.setdefault((line, draft.rule, draft.message.en), finding)
    return sorted(found.values(), key=lambda one: one.line)


def _drafts(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    if sounds.is_sounds(data):
        yield from sounds.check(data)
        return
    labels = list(raw_labels(data))
    name = data.get("name")
    yield from form.check(data, known)
    for label in labels:
        yield from wording.check(label)
        yield from language.check(label)
        yield from evidence.check(label, known)
    yield from sameness.check(labels, known, name if isinstance(name, str) else "")
    yield from evidence.notes(labels, known)


def _label_at(data: Mapping[str, Any], draft: Draft) -> str | None:
    if len(draft.at) < 2:
        return None
    found = next((label for label in raw_entries(data, str(draft.at[0])) if label.index == draft.at[1]), None)
    return found.id or None if found else None


def _syntax(path: str, line: int, message: Text) -> Finding:
    better = Text(
        "多半是少了引号、括号或逗号;文件存为 UTF-8", "often a missing quote, bracket or comma; save it as UTF-8"
    )
    return Finding(path, line, Rule.SYNTAX, "finding", None, message, better)
