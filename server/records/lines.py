"""Kept results as lines of a file, out and back."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from server.records.kept import MOST_LEVELS, KeptRecord, RecordKind
from server.records.making import packed, plain_text, unpacked
from server.values.audio import Basis

VERSION = 4
BEFORE: Mapping[int, Mapping[str, Any]] = {
    1: {"heard": None, "heard_at": None, "heard_by": None, "levels": None, "basis": None},
    2: {"levels": None, "basis": None},
    3: {"basis": None},
}
"""What lines of earlier versions do not have."""

_ID = re.compile(r"[0-9a-f]{32}")
_TIMES = ("started_at", "ended_at")
_TEXTS = (
    "site",
    "day",
    "reference",
    "name",
    "label_set",
    "department",
    "mode",
    "verdict",
    "grade",
    "reason",
    "heard_by",
)
_NUMBERS = ("score", "duration_s", "speech_s", "prompts_raised", "prompts_followed", "first_usable_s", "doubt")
_BASES = (None, *(basis.value for basis in Basis))
_NAMES = {field.name for field in fields(KeptRecord)}


def line_of(record: KeptRecord) -> str:
    """JSON without line breaks; the result as an object in it."""
    row: dict[str, Any] = {name: getattr(record, name) for name in _NAMES - {"body", "labels"}}
    row |= {name: row[name].isoformat() for name in (*_TIMES, "heard_at") if row[name] is not None}
    row |= {"labels": dict(record.labels), "version": VERSION}
    row["levels"] = row["levels"] and list(row["levels"])
    text = json.dumps(dict(sorted(row.items())), ensure_ascii=False)
    return f'{text[:-1]}, "result": {"null" if record.body is None else unpacked(record.body)}}}'


def record_of_line(line: str) -> KeptRecord:
    """Raises ValueError, with a sentence, for a line that ``line_of`` did not write."""
    try:
        row = json.loads(line)
        version = row.pop("version")
        row = {**BEFORE.get(version, {}), **row}
        if version != VERSION and version not in BEFORE:
            raise ValueError("a line of another version of this program")
        result = row.pop("result")
        if not _ID.fullmatch(row["id"]) or not (row["attempt_of"] is None or _ID.fullmatch(row["attempt_of"])):
            raise ValueError("an id that is none")
        times = [name for name in (*_TIMES, "heard_at") if name in _TIMES or row[name] is not None]
        row |= {name: datetime.fromisoformat(row[name]) for name in times}
        if any(row[name].tzinfo is None for name in times):
            raise ValueError("a time without a zone")
        row |= {name: plain_text(row[name]) for name in _TEXTS}
        row |= {name: _number(row[name]) for name in _NUMBERS}
        if not isinstance(row["heard"], bool | None) or (row["heard"] is None) != (row["heard_at"] is None):
            raise ValueError("what was heard is neither true nor false, or without a time")
        if row["basis"] not in _BASES:
            raise ValueError("what was judged is neither the room nor what was heard")
        row["heard_by"] = row["heard_by"] and row["heard_by"][:64]
        row["kind"] = RecordKind(row["kind"])
        row["labels"] = {str(label_id): bool(passed) for label_id, passed in row["labels"].items()}
        row["levels"] = _levels(row["levels"])
        body = None if result is None else packed(json.dumps(result, ensure_ascii=False, separators=(",", ":")))
        return KeptRecord(**row, body=body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no result as export writes them ({type(error).__name__})") from None


def _levels(given: Any) -> bytes | None:
    """Raises TypeError or ValueError for anything but bytes."""
    if given is not None and len(given) > MOST_LEVELS:
        raise ValueError("more levels than are kept")
    return given and bytes(given)


def _number(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError("a number that is none")
    return value
