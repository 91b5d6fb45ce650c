"""Reads TOML as people save it: every fault has its line, even in input that no person would write."""

import re
import tomllib
from pathlib import Path
from typing import Any

from server.errors import LabelFileError

MAX_DEPTH = 20
"""Deepest nesting of tables and lists; our own files have six levels."""

_LONG_NUMBER = re.compile(r"(?<![^\s=\[,{])[+-]?[0-9][0-9a-fA-F_xob]{100,}")
"""Python refuses to parse or print integers with thousands of digits; no measured number has a hundred."""
_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class NotTomlError(ValueError):
    """``line``: 1-based."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_text(path: Path) -> str:
    """The file's text, without the byte-order mark that some editors add.

    Raises LabelFileError if it cannot be read or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelFileError(f"cannot be read ({error.strerror})", path=str(path)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise LabelFileError("not UTF-8. Save it as UTF-8", path=str(path), line=line) from error


def parse_toml(source: str, path: str) -> dict[str, Any]:
    """Parse ``source``; error messages start with ``path``. Raises LabelFileError."""
    try:
        return load_toml(source)
    except NotTomlError as error:
        raise LabelFileError(f"not TOML: {error}", path=path, line=error.line) from None


def load_toml(source: str) -> dict[str, Any]:
    """Raises NotTomlError, including for numbers and nesting that only an attacker would write."""
    number = _LONG_NUMBER.search(source)
    if number is not None:
        raise NotTomlError("a number of more than 100 digits", source.count("\n", 0, number.start()) + 1)
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        raise NotTomlError(str(error), int(found[1]) if found else source.count("\n") + 1) from None
    except RecursionError:
        raise _too_deep(source) from None
    if _depth_exceeds(data, MAX_DEPTH):
        raise _too_deep(source)
    return data


def _depth_exceeds(data: Any, most: int) -> bool:
    level = [data]
    for _ in range(most + 1):
        level = [inner for outer in level for inner in _items(outer)]
    return bool(level)


def _items(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return list(inner)


def _too_deep(source: str) -> NotTomlError:
    lines = source.split("\n")
    worst = max(range(len(lines)), key=lambda at: sum(lines[at].count(mark) for mark in "[{."))
    return NotTomlError("tables or lists nested too deeply", worst + 1)
