"""Writes fitted curves into a copy of a label file, keeping its comments."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.dictionaries.loader import load_file, parse
from server.errors import LabelFileError
from server.evaluation.fitting import Moved
from server.judge.labels import Curve, LabelSet

ID = re.compile(r'^id\s*=\s*"([^"]+)"')
MEASURE = re.compile(r'measure\s*=\s*"(\w+)"')
CURVE = re.compile(r"curve\s*=\s*\[\[.*?\]\]")
VERSION = re.compile(r"""^(version\s*=\s*)(["'])(.*?)\2""", re.MULTILINE)
FITTED = re.compile(r"^(.*)\+fitted(?:\.(\d+))?$")


def source_of(labels: LabelSet, folder: Path) -> Path:
    """The file of ``folder`` with the dictionary of ``labels``. Raises LabelFileError if there is not exactly one."""
    for path in sorted(folder.glob("*.toml")):
        if load_file(path).name == labels.dictionary:
            return path
    raise LabelFileError(
        f"curves are written for one dictionary, and this is {labels.dictionary!r}. Pass --labels NAME",
        path=str(folder),
    )


def written_elsewhere(moved: Sequence[Moved], source: Path) -> dict[str, str]:
    """Labels of ``moved`` that ``source`` only includes, with the dictionaries whose files hold their curves."""
    places = {include.label_id: include.dictionary for include in load_file(source).includes}
    return {move.label: places[move.label] for move in moved if move.label in places}


def with_curves(source: str, moved: Sequence[Moved], path: str) -> str:
    """``source`` with the curves of ``moved``; its version gets a suffix because scores change.

    Raises LabelFileError if a curve is not on one line with its measure and so cannot be replaced.
    """
    wanted: dict[str, dict[str, Curve]] = {}
    for move in moved:
        wanted.setdefault(move.label, {})[move.measure] = move.curve
    current: Mapping[str, Curve] | None = None
    lines = []
    for line in source.splitlines(keepends=True):
        if line.startswith("[[label]]"):
            current = None
        if line.startswith("[label.acoustic_processed]"):
            current = None  # its curves are of another kind of sound, and were not fitted
        if found := ID.match(line):
            current = wanted.get(found[1])
        lines.append(line if current is None else _replaced(line, current))
    text = VERSION.sub(lambda found: f"{found[1]}{found[2]}{next_version(found[3])}{found[2]}", "".join(lines), count=1)
    _check(text, wanted, path)
    return text


def next_version(version: str) -> str:
    """``1`` becomes ``1+fitted``, then ``1+fitted.2``: two sets of curves never share a version."""
    again = FITTED.match(version)
    return f"{version}+fitted" if again is None else f"{again[1]}+fitted.{int(again[2] or 1) + 1}"


def _replaced(line: str, label: Mapping[str, Curve]) -> str:
    measure = MEASURE.search(line)
    if measure is None:
        return line
    curve = label.get(measure[1])
    return line if curve is None else CURVE.sub(f"curve = {_written(curve)}", line)


def _written(curve: Curve) -> str:
    return "[" + ", ".join(f"[{x!r}, {y!r}]" for x, y in curve.points) + "]"


def _check(text: str, wanted: Mapping[str, Mapping[str, Curve]], path: str) -> None:
    for label in parse(text, path).labels:
        for part in label.acoustic.parts if label.acoustic is not None else ():
            curve = wanted.get(label.id, {}).get(part.measure)
            if curve is not None and part.curve != curve:
                raise LabelFileError(f"the curve of {part.measure} in {label.id!r} is not on one line", path=path)
