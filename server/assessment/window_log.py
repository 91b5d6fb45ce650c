"""The windows of one session or file, about 0.8 kB each, for the result's ``windows`` and its measures."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, overload

from server.judge.judgement import WindowFacts
from server.values.measures import Measures, Pauses
from server.values.rounding import decibels, rounded, unit
from server.values.scores import EvidenceKind, LabelScore, Why

KINDS: tuple[EvidenceKind, ...] = ("acoustic", "clap", "transcript")
WHYS = tuple(Why)
MEASURES = tuple(field.name for field in fields(Measures) if field.name != "pauses")
LEVELS = frozenset(("snr_db", "noise_dbfs", "speech_dbfs"))
PER_LABEL = 1 + len(KINDS) + 1
HEAD = 5
PAUSES = 3
PAUSES_AT = HEAD + len(MEASURES)
LABELS_AT = PAUSES_AT + PAUSES


Row = tuple[tuple[str, ...], "array[float]"]
"""Label ids, and the numbers of one window."""


@dataclass(frozen=True, slots=True)
class LoggedWindow:
    """One window as it was judged. Samples are of the input rate."""

    start_sample: int
    end_sample: int
    partial: bool
    speech_s: float
    speech_ratio: float
    labels: dict[str, LabelScore]
    measures: Measures

    @classmethod
    def of(cls, facts: WindowFacts, labels: Mapping[str, LabelScore], measures: Measures) -> Self:
        """What is kept of a window that was judged."""
        span = (facts.start_sample, facts.end_sample, facts.partial)
        return cls(*span, facts.speech_s, facts.speech_ratio, dict(labels), measures)


class LoggedWindows(Sequence[LoggedWindow]):
    """The windows of a log at one moment, each decoded when read, as there may be thousands. Never changes."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> LoggedWindow: ...

    @overload
    def __getitem__(self, at: slice) -> "LoggedWindows": ...

    def __getitem__(self, at: int | slice) -> "LoggedWindow | LoggedWindows":
        return LoggedWindows(self._rows[at]) if isinstance(at, slice) else _read(*self._rows[at])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LoggedWindows):
            return NotImplemented
        return [_bytes_of(row) for row in self._rows] == [_bytes_of(row) for row in other._rows]

    def __hash__(self) -> int:
        return hash(tuple(_bytes_of(row) for row in self._rows))


class WindowLog:
    """Append-only. Each window is one array of doubles, rounded as sent, with NaN for ``None``, instead of some 60
    objects."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._rows)

    @classmethod
    def of(cls, windows: LoggedWindows) -> "WindowLog":
        """A log that continues from ``windows``. Rows never change, so they are shared."""
        log = cls()
        log._rows = list(windows._rows)
        log._ids = log._rows[-1][0] if log._rows else ()
        return log

    def append(self, window: LoggedWindow) -> None:
        """Keep a window's scores and measures; call in the order of the windows."""
        ids = tuple(window.labels)
        if ids != self._ids:
            self._ids = ids  # shared by all rows until the labels change
        row = array(
            "d",
            (window.start_sample, window.end_sample, window.partial, window.speech_s, unit(window.speech_ratio) or 0.0),
        )
        row.extend(_number(value) for value in _measured(window.measures))
        for label_id in ids:
            score = window.labels[label_id]
            row.append(_number(unit(score.score)))
            row.extend(_number(unit(score.evidence.get(kind))) for kind in KINDS)
            row.append(math.nan if score.why is None else WHYS.index(score.why))
        self._rows.append((self._ids, row))

    def windows(self) -> LoggedWindows:
        """All of them so far."""
        return LoggedWindows(self._rows)

    def measured(self) -> Iterator[tuple[bool, Measures, float]]:
        """``(partial, measures, speech_s)`` of each window, without its labels."""
        for _, row in self._rows:
            yield bool(row[2]), _read_measures(row), row[3]

    def snapshot(self) -> list[Any]:
        """JSON-able: ``[[ids, [number | null, …]], …]``."""
        return [[list(ids), _plain_of(row)] for ids, row in self._rows]

    def restore(self, state: Sequence[Any]) -> None:
        """Continue from a ``snapshot``."""
        self._rows = []
        for ids, row in state:
            if tuple(ids) != self._ids:
                self._ids = tuple(str(label_id) for label_id in ids)
            self._rows.append((self._ids, array("d", (_number(value) for value in row))))


def _bytes_of(row: Row) -> tuple[tuple[str, ...], bytes]:
    """For comparison: NaN does not equal NaN."""
    return row[0], row[1].tobytes()


def _measured(measures: Measures) -> Iterator[float | None]:
    for name in MEASURES:
        value = getattr(measures, name)
        yield decibels(value) if name in LEVELS else rounded(value)
    pauses = measures.pauses
    yield from (
        (None,) * PAUSES
        if pauses is None
        else (pauses.count, rounded(pauses.longest_s) or 0.0, unit(pauses.ratio) or 0.0)
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _plain_of(row: "array[float]") -> list[float | None]:
    return [None if value != value else value for value in row]  # noqa: PLR0124 - NaN is what differs from itself


def _read(ids: tuple[str, ...], row: "array[float]") -> LoggedWindow:
    values = _plain_of(row[LABELS_AT:])
    labels = {}
    for at, label_id in zip(range(0, len(values), PER_LABEL), ids, strict=True):
        score, acoustic, clap, transcript, why = values[at : at + PER_LABEL]
        labels[label_id] = LabelScore(
            score,
            {"acoustic": acoustic, "clap": clap, "transcript": transcript},
            None if why is None else WHYS[int(why)],
        )
    return LoggedWindow(int(row[0]), int(row[1]), bool(row[2]), row[3], row[4], labels, _read_measures(row))


def _read_measures(row: "array[float]") -> Measures:
    values = dict(zip(MEASURES, _plain_of(row[HEAD:PAUSES_AT]), strict=True))
    count, longest_s, ratio = row[PAUSES_AT:LABELS_AT]
    pauses = None if math.isnan(count) else Pauses(int(count), longest_s, ratio)
    return Measures(**values, pauses=pauses)
