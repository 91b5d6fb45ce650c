"""What a caller says of the files of a batch: references, by file name, as CSV or JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from server.batches.batch import NewFile
from server.errors import ConfigError

MAX_REFERENCE = 200
ID = re.compile(r"[0-9a-f]{32}")
COLUMNS = ("file", "reference", "attempt_of")
FORM = (
    "write CSV with the columns file, reference and, if you like, attempt_of, or JSON: [{file, reference}] or "
    "{file: reference}"
)


@dataclass(frozen=True, slots=True)
class Said:
    """Of one file."""

    reference: str | None = None
    attempt_of: str | None = None


def read_manifest(data: bytes) -> dict[str, Said]:
    """By the file's name as it is written there. Raises ConfigError."""
    text = _text(data).strip()
    try:
        return _json(text) if text[:1] in ("{", "[") else _csv(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, csv.Error):
        raise ConfigError(f"The manifest cannot be read: {FORM}.", param="manifest") from None


def _text(data: bytes) -> str:
    """Spreadsheets write UTF-8 with a mark, or, on Chinese Windows, GB 18030."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _json(text: str) -> dict[str, Said]:
    read = json.loads(text)
    if isinstance(read, dict):
        return {_line(file): Said(_line(reference, MAX_REFERENCE)) for file, reference in read.items()}
    return dict(_said(row) for row in read)


def _csv(text: str) -> dict[str, Said]:
    if not text:
        return {}
    rows = csv.DictReader(io.StringIO(text))
    if "file" not in (rows.fieldnames or ()) or set(rows.fieldnames or ()) - set(COLUMNS):
        raise ConfigError(f"The manifest has other columns: {FORM}.", param="manifest")
    return dict(_said(row) for row in rows)


def _said(row: Mapping[str, object]) -> tuple[str, Said]:
    reference, attempt_of = row.get("reference") or None, row.get("attempt_of") or None
    return _line(row["file"]), Said(
        None if reference is None else _line(reference, MAX_REFERENCE),
        None if attempt_of is None else _id(attempt_of),
    )


def _id(value: object) -> str:
    if not isinstance(value, str) or ID.fullmatch(value) is None:
        raise ConfigError("attempt_of in the manifest is no id of a session or recording.", param="manifest")
    return value


def _line(value: object, most: int = 1000) -> str:
    if not isinstance(value, str) or not value or len(value) > most or not _is_text(value):
        raise ConfigError(f"A value of the manifest is missing, no text, or over {most} characters.", param="manifest")
    return value


def _is_text(value: str) -> bool:
    """No half of a character, as JSON can escape it, and no zero byte: databases take neither."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def with_manifest(files: Iterable[NewFile], said: Mapping[str, Said]) -> tuple[list[NewFile], int]:
    """The files with what was said of them, and how many lines were of no file. A line names a file as it was sent, or
    by the last part of its name alone, if only one file has it."""
    all_files = list(files)
    exact = {one.name for one in all_files}
    lasts: dict[str, int] = {}
    for one in all_files:
        lasts[_last(one.name)] = lasts.get(_last(one.name), 0) + 1
    used: set[str] = set()
    found = []
    for one in all_files:
        last = _last(one.name)
        key = one.name if one.name in said else last if lasts[last] == 1 and last not in exact - {one.name} else ""
        line = said.get(key)
        if line is not None:
            used.add(key)
            one = replace(one, reference=line.reference, attempt_of=line.attempt_of)  # noqa: PLW2901 - the same file
        found.append(one)
    return found, len(said.keys() - used)


def _last(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name
