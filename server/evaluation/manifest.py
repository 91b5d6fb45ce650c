"""The manifest of labelled recordings: a CSV file, one line per recording (docs/evaluate.md)."""

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.errors import ConfigError, ManifestError
from server.judge.labels import Label
from server.recording.channels import ChannelRoles, parse_roles
from server.values.audio import CaptureSource
from server.values.mode import Mode

PATH, CONDITION, SUBSET, USE, MODE, SOURCE = "path", "condition", "subset", "use", "mode", "source"
CHANNELS = "channels"
HEARD = "heard"
PROMPTS, OPTIONAL_PROMPTS, VERDICT = "prompts", "optional_prompts", "verdict"
KNOWN = (PATH, CONDITION, SUBSET, USE, MODE, SOURCE, CHANNELS, PROMPTS, OPTIONAL_PROMPTS, VERDICT, HEARD)
DEFAULT_GROUPS = ("speaker", "noise")
USES = ("test", "fit")
MODES = tuple(mode.value for mode in Mode)
SOURCES = ("file", "line", "telephone")
VERDICTS = frozenset({"accept", "re-record", "unusable"})
NO_PROMPT = "none"
TRUTH = {"1": True, "0": False, "": None}


@dataclass(frozen=True, slots=True)
class PromptTruth:
    """``must``: one prompt of each set is required; besides these only ``optional`` prompts are allowed."""

    must: tuple[frozenset[str], ...]
    optional: frozenset[str]

    def right(self, given: Sequence[str]) -> bool:
        """Whether every required prompt was given, and none that is not allowed."""
        told = set(given)
        allowed = self.optional.union(*self.must)
        return told <= allowed and all(options & told for options in self.must)


@dataclass(frozen=True, slots=True)
class Row:
    """One recording. ``truth``: label id to whether it is fine, where known. ``groups``: sources that must never be on
    both sides of a split, as (column, value). ``fit_only``: never reported on. ``heard``: whether a doctor could hear
    the patient; ``None``: nobody said, or they differ."""

    line: int
    path: Path
    name: str
    condition: str
    subset: str
    fit_only: bool
    truth: Mapping[str, bool]
    prompts: PromptTruth | None
    verdicts: frozenset[str]
    groups: frozenset[tuple[str, str]]
    roles: ChannelRoles | None = None
    mode: Mode = Mode.RECORDING
    source: CaptureSource = CaptureSource.FILE
    heard: bool | None = None


@dataclass(frozen=True, slots=True)
class ManifestFault:
    """A line that cannot be used; the other lines are."""

    line: int
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.line}: {self.name}: {self.message}" if self.name else f"{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All usable rows, and the faults that exclude or limit the others."""

    rows: tuple[Row, ...]
    faults: tuple[ManifestFault, ...]
    groups: tuple[str, ...]
    ignored: tuple[str, ...]
    """Columns that are not used."""


def read_manifest(path: Path, labels: Sequence[Label], groups: Sequence[str] | None) -> Manifest:
    """Read ``path`` (UTF-8 CSV with a header). ``groups``: columns of sources; ``None``: speaker and noise, if present.

    Raises ManifestError if the file or its header cannot be used; faults of single lines are in ``faults``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            body = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except OSError as error:
        raise ManifestError(f"cannot be read ({error.strerror})", path=str(path)) from None
    except UnicodeDecodeError:
        raise ManifestError("not UTF-8. Save it as CSV UTF-8", path=str(path)) from None
    except csv.Error as error:
        raise ManifestError(f"not a CSV file ({error})", path=str(path)) from None
    reader = _Reader(path, header, labels, groups)
    rows: list[Row] = []
    faults: list[ManifestFault] = []
    for line, cells in body:
        try:
            rows.append(reader.row(line, cells))
        except ValueError as error:
            faults.append(ManifestFault(line, reader.name(cells), str(error)))
    if not body:
        raise ManifestError("it lists no recordings", path=str(path), line=1)
    return Manifest(tuple(rows), tuple(faults), reader.groups, reader.ignored)


class _Reader:
    """Reads the lines of one manifest by its columns."""

    def __init__(self, path: Path, header: list[str], labels: Sequence[Label], groups: Sequence[str] | None) -> None:
        self._folder = path.parent
        self._header = header
        if PATH not in header:
            hint = (
                "; separate columns by commas"
                if len(header) == 1 and header[0].count(";") + header[0].count("\t")
                else ""
            )
            told = ", ".join(header) or "none"
            raise ManifestError(f"no column {PATH!r}; its columns are: {told}{hint}", path=str(path), line=1)
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise ManifestError(f"column {twice[0]!r} occurs twice", path=str(path), line=1)
        missing = [name for name in groups or () if name not in header]
        if missing:
            raise ManifestError(f"no column {missing[0]!r} to group by", path=str(path), line=1)
        self.groups = tuple(groups if groups is not None else [name for name in DEFAULT_GROUPS if name in header])
        by_name = {name: label.id for label in labels for name in (label.title.en, label.title.zh, label.id)}
        self._labels = {name: by_name[name] for name in header if name in by_name and name not in KNOWN}
        self._prompt_ids = {label.prompt.id for label in labels if label.prompt is not None}
        self.ignored = self._ignored(by_name, path)
        if not self._labels and not {PROMPTS, VERDICT, HEARD} & {*header}:
            raise ManifestError(
                f"no truth columns. Add a column named after a label (such as {labels[0].id}), or {PROMPTS!r}",
                path=str(path),
                line=1,
            )

    def _ignored(self, by_name: Mapping[str, str], path: Path) -> tuple[str, ...]:
        meant = {*KNOWN, *self.groups, *self._labels}
        others = tuple(name for name in self._header if name and name not in meant)
        for name in others:
            # Otherwise a misspelt label would be ignored silently.
            near = difflib.get_close_matches(name, [*KNOWN, *DEFAULT_GROUPS, *by_name], n=1, cutoff=0.85)
            if near:
                raise ManifestError(
                    f"unknown label or column {name!r}. Did you mean {near[0]!r}?", path=str(path), line=1
                )
        return others

    def name(self, cells: Sequence[str]) -> str:
        place = self._header.index(PATH)
        return cells[place].strip() if place < len(cells) else ""

    def row(self, line: int, cells: Sequence[str]) -> Row:
        """One line as a row. Raises ValueError with a sentence for the person who wrote it."""
        if len(cells) > len(self._header):
            raise ValueError(f"{len(cells)} cells for {len(self._header)} columns. Is a comma not quoted?")
        values = {name: cell.strip() for name, cell in zip(self._header, cells, strict=False)}
        name = values[PATH]
        if not name:
            raise ValueError("no path")
        use, mode, source = (_chosen(values, *column) for column in ((USE, USES), (MODE, MODES), (SOURCE, SOURCES)))
        return Row(
            line=line,
            path=self._folder / name,
            name=name,
            condition=values.get(CONDITION) or "all",
            subset=values.get(SUBSET, ""),
            fit_only=use == "fit",
            mode=Mode(mode),
            source=CaptureSource(source),
            truth=self._truth(values),
            prompts=self._prompts(values),
            verdicts=_verdicts(values.get(VERDICT, "")),
            groups=frozenset(
                (column, part.strip())
                for column in self.groups
                for part in values.get(column, "").split(";")
                if part.strip()
            ),
            roles=_roles(values.get(CHANNELS, "")),
            heard=_heard(values.get(HEARD, "")),
        )

    def _truth(self, values: Mapping[str, str]) -> dict[str, bool]:
        truth = {}
        for column, label_id in self._labels.items():
            cell = values.get(column, "")
            if cell not in TRUTH:
                raise ValueError(f"{column} is {cell!r}; it must be 1 (fine), 0 (not fine) or empty (unknown)")
            fine = TRUTH[cell]
            if fine is not None:
                truth[label_id] = fine
        return truth

    def _prompts(self, values: Mapping[str, str]) -> PromptTruth | None:
        cell = values.get(PROMPTS, "")
        optional = frozenset(values.get(OPTIONAL_PROMPTS, "").replace("|", " ").split())
        groups = [] if cell == NO_PROMPT else [frozenset(group.split("|")) for group in cell.split()]
        unknown = optional.union(*groups) - self._prompt_ids
        if unknown:
            raise ValueError(f"unknown prompt {min(unknown)!r}; known: {', '.join(sorted(self._prompt_ids))}")
        return PromptTruth(tuple(groups), optional) if cell else None


def _heard(cell: str) -> bool | None:
    if cell not in TRUTH:
        raise ValueError(f"{HEARD} is {cell!r}; it must be 1 (could be heard), 0 (could not) or empty (nobody said)")
    return TRUTH[cell]


def _roles(cell: str) -> ChannelRoles | None:
    try:
        return parse_roles(cell) if cell else None
    except ConfigError as error:
        raise ValueError(error.message) from None


def _chosen(values: Mapping[str, str], column: str, choices: Sequence[str]) -> str:
    """The cell, or the first choice. Raises ValueError."""
    cell = values.get(column) or choices[0]
    if cell not in choices:
        raise ValueError(f"{column} is {cell!r}; it must be one of: {', '.join(choices)}")
    return cell


def _verdicts(cell: str) -> frozenset[str]:
    verdicts = frozenset(cell.split("|")) if cell else frozenset()
    if verdicts - VERDICTS:
        raise ValueError(f"unknown verdict {min(verdicts - VERDICTS)!r}; known: {', '.join(sorted(VERDICTS))}")
    return verdicts
