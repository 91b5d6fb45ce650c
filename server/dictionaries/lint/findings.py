"""Lint findings: where, what is wrong, and how to fix it, in Chinese and English."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from server.judge.labels import LabelKind
from server.values.scores import EvidenceKind
from server.values.text import Text

Location = tuple[str | int, ...]
"""The path of a key, as in ``("label", 3, "title", "en")``."""


class LintRule(StrEnum):
    """Stable names of the rules: ``docs/labels.md`` explains each."""

    SYNTAX = "syntax"
    FORM = "form"
    VAGUE = "vague"
    SUBJECTIVE = "subjective"
    SEVERAL_CLAIMS = "several-claims"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near-duplicate"
    TRANSLATION = "translation"
    CLAP_LANGUAGE = "clap-language"
    CLAP_CONTRAST = "clap-contrast"
    CLAP_CONTENT = "clap-content"
    CLEAR = "clear"
    EVIDENCE = "evidence"
    NOT_LOADED = "not-loaded"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before its line is known."""

    at: Location
    rule: LintRule
    message: Text
    better: Text
    severity: Literal["finding", "note"] = "finding"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """``line`` is 1-based. ``label``: the id of the label concerned. A ``note`` is not a problem."""

    path: str
    line: int
    rule: LintRule
    severity: Literal["finding", "note"]
    label: str | None
    message: Text
    better: Text


@dataclass(frozen=True, slots=True)
class Known:
    """What a file is checked against.

    ``measures``: those that a curve may read. ``topics``: those that a transcript can be searched for; ``None`` = not
    checked. ``lexicons``: those that a topic may name.
    ``loaded``: the evidence that this installation gives. ``written``: the ids that each other dictionary defines.
    ``kinds``: of these labels, by ``dictionary:label_id``.
    """

    measures: frozenset[str]
    topics: frozenset[str] | None = None
    lexicons: frozenset[str] = frozenset()
    loaded: frozenset[EvidenceKind] = frozenset({"acoustic"})
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kinds: Mapping[str, LabelKind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawLabel:
    """One ``[[label]]`` as written, with values of any type: lint also reads files that the loader refuses.

    ``table_name``: in a sounds file, ``interference`` or ``event``.
    """

    index: int
    entry: Mapping[str, Any]
    table_name: str = "label"

    def at(self, *keys: str | int) -> Location:
        """The place of a key of this label, for a finding to point to."""
        return (self.table_name, self.index, *keys)

    @property
    def id(self) -> str:
        """As written, or empty where it is missing or not a text."""
        value = self.entry.get("id")
        return value if isinstance(value, str) else ""

    def table(self, key: str) -> Mapping[str, Any]:
        """A table of the label; empty where it is missing or something else."""
        value = self.entry.get(key)
        return value if isinstance(value, dict) else {}

    def text(self, key: str, language: str) -> str:
        """``title.zh`` and the like; empty if it is missing or not text."""
        value = self.table(key).get(language)
        return value.strip() if isinstance(value, str) else ""

    def strings(self, *keys: str) -> list[tuple[int, str]]:
        """The texts of a list with their indices; a single text counts as a list of one."""
        value: Any = self.entry
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [(place, item.strip()) for place, item in enumerate(items) if isinstance(item, str)]

    def number(self, key: str, default: float) -> float | None:
        """A number of the label, ``default`` where it is missing, None where it is something else."""
        value = self.entry.get(key, default)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def raw_labels(data: Mapping[str, Any]) -> Iterator[RawLabel]:
    """The tables ``[[label]]`` of a file, as parsed and before anything was checked."""
    return raw_entries(data, "label")


def raw_entries(data: Mapping[str, Any], table: str) -> Iterator[RawLabel]:
    """The tables ``[[table]]`` of a file, in order."""
    entries = data.get(table)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield RawLabel(index, entry, table)
