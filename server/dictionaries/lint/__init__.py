"""Checks a label file as a careful colleague would: every fault with its line, and how to fix it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from server.dictionaries.lint import evidence, form, language, rules, sameness, sounds, topics, wording
from server.dictionaries.lint.findings import Draft, Known, LintFinding, LintRule, raw_entries, raw_labels
from server.dictionaries.locate import line_of
from server.dictionaries.toml_text import NotTomlError, load_toml
from server.values.text import Text

__all__ = ["Known", "LintFinding", "LintRule", "lint_file", "lint_source"]


def lint_file(path: Path, known: Known) -> list[LintFinding]:
    """Raises OSError if the file cannot be read; any other fault is a finding."""
    raw = path.read_bytes()
    try:
        return lint_source(raw.decode("utf-8-sig"), str(path), known)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return [_syntax(str(path), line, Text("不是 UTF-8 文本", "not UTF-8 text"), _UTF8)]


def lint_source(source: str, path: str, known: Known) -> list[LintFinding]:
    """The findings in the order of their lines. ``path`` only appears in them."""
    try:
        data = load_toml(source)
    except NotTomlError as error:
        written = source.split("\n")[error.line - 1 :][:1]
        told = Text(f"不是 TOML：{error}", f"not TOML: {error}")
        return [_syntax(path, error.line, told, _remedy(str(error), *written))]
    found: dict[tuple[int, LintRule, str], LintFinding] = {}
    for draft in _drafts(data, known):
        line = line_of(source, draft.at)
        finding = LintFinding(
            path, line, draft.rule, draft.severity, _label_at(data, draft), draft.message, draft.better
        )
        found.setdefault((line, draft.rule, draft.message.en), finding)
    return sorted(found.values(), key=lambda one: one.line)


def _drafts(data: Mapping[str, Any], known: Known) -> Iterator[Draft]:
    if sounds.is_sounds(data):
        yield from sounds.check(data)
        return
    if topics.is_topics(data):
        yield from topics.check(data, known)
        return
    labels = list(raw_labels(data))
    name = data.get("name")
    yield from form.check(data, known)
    for label in labels:
        yield from wording.check(label)
        yield from language.check(label)
        yield from evidence.check(label, known)
    yield from sameness.check(labels, known, name if isinstance(name, str) else "")
    yield from rules.check(data, known)
    yield from evidence.notes(labels, known)


def _label_at(data: Mapping[str, Any], draft: Draft) -> str | None:
    if len(draft.at) < 2:
        return None
    found = next((label for label in raw_entries(data, str(draft.at[0])) if label.index == draft.at[1]), None)
    return found.id or None if found else None


def _syntax(path: str, line: int, message: Text, better: Text) -> LintFinding:
    return LintFinding(path, line, LintRule.SYNTAX, "finding", None, message, better)


_UTF8 = Text("把文件另存为 UTF-8", "save the file as UTF-8")
_FULL_WIDTH = re.compile("[“”‘’「」＝，【】｛｝＂]")


def _remedy(error: str, written: str = "") -> Text:
    """The most likely fix. ``written``: the line at which parsing stopped."""
    if "twice" in error or "overwrite" in error:
        return Text("同一个键写了两遍，留一个", "the same key is written twice; keep one of them")
    if _FULL_WIDTH.search(written):
        return Text(
            "引号、等号、逗号和括号请用英文（半角）符号",
            "use the quotes, =, commas and brackets of an English keyboard",
        )
    return Text("可能少了引号、括号或逗号", "perhaps a quote, bracket or comma is missing")
