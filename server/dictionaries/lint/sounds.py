"""Checks a sounds file (``labels/sounds/``) as label files are checked: form, languages, duplicates."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from server.dictionaries.lint.evidence import check_text
from server.dictionaries.lint.findings import Draft, LintRule, RawLabel, raw_entries
from server.dictionaries.lint.language import check_part
from server.dictionaries.sounds import SoundsFile
from server.values.text import Text

INTERFERENCE, EVENT = "interference", "event"
_PLAIN = ("quiet", "speaking")
_PARTS = {INTERFERENCE: {"title": "标题", "prompt": "提示（prompt）"}, EVENT: {"title": "标题"}}


def is_sounds(data: Mapping[str, Any]) -> bool:
    """Whether this is meant to be a sounds file rather than a label file."""
    return "label" not in data and not {INTERFERENCE, EVENT, *_PLAIN}.isdisjoint(data)


def check(data: Mapping[str, Any]) -> Iterator[Draft]:
    """Drafts of findings about a file of sounds."""
    yield from _form(data)
    entries = [*raw_entries(data, INTERFERENCE), *raw_entries(data, EVENT)]
    plain = [RawLabel(0, data[name], name) for name in _PLAIN if isinstance(data.get(name), dict)]
    for entry in entries:
        for part, name in _PARTS[entry.table_name].items():
            if part in entry.entry:
                yield from check_part(entry, part, name)
    for entry in (*plain, *entries):
        yield from _each_text(entry)
    yield from _ids(entries)
    yield from _texts(entries)
    yield from _rivals(entries)


def _form(data: Mapping[str, Any]) -> Iterator[Draft]:
    """Everything that the loader would refuse, except faults that another rule explains better."""
    better = Text("写法见 docs/clap.md", "docs/clap.md shows how to write it")
    try:
        SoundsFile.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            loc = fault["loc"]
            if not loc or (loc[-1] in ("zh", "en") and fault["type"] in ("missing", "string_too_short")):
                continue
            where = ".".join(str(part) for part in loc if isinstance(part, str))
            message = fault["msg"].removeprefix("Value error, ")
            yield Draft(loc, LintRule.FORM, Text(f"{where} 的写法有误：{message}", f"{where}: {message}"), better)


def _each_text(entry: RawLabel) -> Iterator[Draft]:
    for place, text in entry.strings("texts"):
        # [quiet] is one table, [[interference]] is an array of tables.
        at = (entry.table_name, "texts", place) if entry.table_name in _PLAIN else entry.at("texts", place)
        yield from check_text(at, text)


def _ids(entries: list[RawLabel]) -> Iterator[Draft]:
    seen = set(_PLAIN)
    for entry in entries:
        if entry.id in seen:
            yield Draft(
                entry.at("id"),
                LintRule.DUPLICATE,
                Text(f"编号 {entry.id} 已经用过", f"there is already a sound {entry.id!r}"),
                Text("编号不能重复，也不能用 quiet 和 speaking", "ids must be unique; quiet and speaking are reserved"),
            )
        seen.add(entry.id)


def _texts(entries: list[RawLabel]) -> Iterator[Draft]:
    """A text shared by two sounds cannot distinguish them. The entries they are compared with may share texts."""
    owners: dict[str, str] = {}
    for entry in entries:
        for place, text in entry.strings("texts"):
            owner = owners.setdefault(text.casefold(), entry.id)
            if text and (owner != entry.id):
                yield Draft(
                    entry.at("texts", place),
                    LintRule.DUPLICATE,
                    Text(f"“{text}”也写在 {owner} 里", f"“{text}” is also a text of {owner!r}"),
                    Text("请给每种声音写各自的文本", "give each sound its own texts"),
                )


def _rivals(entries: list[RawLabel]) -> Iterator[Draft]:
    others = sorted(entry.id for entry in entries if entry.table_name == INTERFERENCE)
    for entry in entries:
        for place, rival in entry.strings("rivals"):
            if rival not in others:
                yield Draft(
                    entry.at("rivals", place),
                    LintRule.EVIDENCE,
                    Text(f"没有 {rival} 这种干扰声", f"no interference {rival!r}"),
                    Text(f"可用的：{'、'.join(others)}", f"known: {', '.join(others)}"),
                )
