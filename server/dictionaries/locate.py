"""Finds the line of a fault in a TOML file. ``tomllib`` keeps no positions, so the text is searched for the key."""

import re
from collections.abc import Sequence

from pydantic import ValidationError

from server.dictionaries.toml_text import load_toml
from server.errors import LabelFileError

HEADER = re.compile(r"^\[{1,2}([A-Za-z0-9_.\-\"' ]+)\]{1,2}\s*(#.*)?$")


def line_of(source: str, path: Sequence[str | int]) -> int:
    """The 1-based line of the key at ``path`` (pydantic's ``loc``), or of the nearest part of it in the file.

    ``path`` such as ``("label", 3, "acoustic", "parts", 0, "curve")``. For a missing key it is the line of the table
    that should have it.
    """
    lines = source.split("\n")
    table: list[str | int] = []
    best, depth = 1, 0
    tables_seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        header = HEADER.match(line.strip())
        if header is not None:
            table = _open_table(header[1], line, tables_seen)
            shared = _shared(table, path)
            if shared == len(table) and shared > depth:
                best, depth = number, shared
        elif _shared(table, path) == len(table) < len(path) and _writes(line, path[len(table)]):
            key_depth = len(table) + 1
            if key_depth > depth:
                best, depth = number + _item_offset(lines[number - 1 :], path[key_depth:]), key_depth
    return best


def _open_table(name: str, line: str, tables_seen: dict[str, int]) -> list[str | int]:
    """``tables_seen``: the index of the last table of each array of tables, by dotted name."""
    names = [part.strip().strip("\"'") for part in name.split(".")]
    if line.lstrip().startswith("[["):
        own = ".".join(names)
        for deeper in [seen for seen in tables_seen if seen.startswith(f"{own}.")]:
            del tables_seen[deeper]
        tables_seen[own] = tables_seen.get(own, -1) + 1
    table: list[str | int] = []
    for size, part in enumerate(names, start=1):
        table.append(part)
        index = tables_seen.get(".".join(names[:size]))
        if index is not None:
            table.append(index)
    return table


def _shared(table: Sequence[str | int], path: Sequence[str | int]) -> int:
    shared = 0
    for left, right in zip(table, path, strict=False):
        if left != right:
            break
        shared += 1
    return shared


def _writes(line: str, key: str | int) -> bool:
    return re.match(rf"^\s*[\"']?{re.escape(str(key))}[\"']?\s*[=.]", line) is not None


def _item_offset(lines: Sequence[str], rest: Sequence[str | int]) -> int:
    """How many lines below its key item ``rest[0]`` of an array is, if each item has its own line."""
    if not rest or not isinstance(rest[0], int) or not lines[0].rstrip().endswith("["):
        return 0
    item = -1
    for offset, line in enumerate(lines[1:], start=1):
        text = line.strip()
        if text.startswith("]"):
            break
        if text and not text.startswith("#"):
            item += 1
        if item == rest[0]:
            return offset
    return 0


def file_error(error: ValidationError, source: str, path: str, ending: str = "") -> LabelFileError:
    """The first fault of ``error`` with its line in ``source``, in one sentence that ``ending`` completes."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    told = f"{where}: {message}" if where else message
    if (rule := _rule_at(source, first["loc"])) is not None:
        told = f"rule {rule!r}: {told}"
    return LabelFileError(told + ending, path=path, line=line_of(source, first["loc"]))


def _rule_at(source: str, where: Sequence[str | int]) -> str | None:
    """The id of the ``[[rule]]`` in which a fault is, if it has one: whoever wrote it knows it by that."""
    match where:
        case ("rule", int(index), *_):
            written = load_toml(source)["rule"][index]
            found = written.get("id") if isinstance(written, dict) else None
            return found if isinstance(found, str) else None
        case _:
            return None
