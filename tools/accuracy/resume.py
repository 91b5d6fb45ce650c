"""What a bench has judged so far, line by line, so that one that was broken off goes on.

No row outlives its material.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.recipe import recipe

Row = dict[str, Any]


def code_digest(files: Iterable[Path]) -> str:
    """Of the code that makes recordings, whatever its layout and comments: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + recipe(file).encode() + b"\0")
    return digest.hexdigest()[:12]


def key_of(file: Path, item: Mapping[str, Any], makers: str = "") -> str:
    """Changes with the recording, with what is said to be true of it, and with the code that made both."""
    told = json.dumps(item, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(b"\0".join((file.read_bytes(), told.encode(), makers.encode()))).hexdigest()[:16]


class KeptRows:
    """Rows in a file of JSON lines, each under its ``key``. ``file``: ``None`` keeps them for this run alone."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._rows = {} if file is None else {row["key"]: row for row in lines(file) if "key" in row}
        if file is not None and file.exists() and not file.read_text(encoding="utf-8").endswith("\n"):
            with file.open("a", encoding="utf-8") as broken_off:
                broken_off.write("\n")

    def get(self, key: str) -> Row | None:
        return self._rows.get(key)

    def add(self, key: str, row: Mapping[str, Any]) -> Row:
        """``row`` with its key, written at once."""
        kept = {**row, "key": key}
        self._rows[key] = kept
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                print(json.dumps(kept, ensure_ascii=False), file=file, flush=True)
        return kept


def lines(file: Path) -> list[Row]:
    """The rows of ``file``, without one that was broken off in the middle; none where there is no file."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found
