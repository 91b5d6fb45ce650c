"""The windows of one session or file, about 0.8 kB each, for the result's ``windows`` and its measures."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from server.values import EvidenceKind, LabelScore, Measures, Pauses, Why

KINDS: tuple[EvidenceKind, ...] = ("acoustic", "clap", "transcript")
WHYS = tuple(Why)
MEASURES = tuple(field.name for field in fields(Measures) if field.name != "pauses")
PER_LABEL = 1 + len(KINDS) + 1
HEAD = 5
PAUSES = 3


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


class WindowLog:
    """Append-only. Numbers live in one array of doubles per window, NaN for ``None``, instead of some 60 objects."""

    def __init__(self) -> None:
        self._rows: list[tuple[tuple[str, ...], array[float]]] = []
        self._ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, window: LoggedWindow) -> None:
        ids = tuple(window.labels)
        if ids != self._ids:
            self._ids = ids  # shared by all rows until the labels change
        row = array(
            "d",
            (window.start_sample, window.end_sample, window.partial, window.speech_s, window.speech_ratio),
        )
        row.extend(_number(getattr(window.measures, name)) for name in MEASURES)
        pauses = window.measures.pauses
        row.extend((math.nan,) * PAUSES if pauses is None else (pauses.count, pauses.longest_s, pauses.ratio))
        for label_id in ids:
            score = window.labels[label_id]
            row.append(_number(score.score))
            row.extend(_number(score.evidence.get(kind)) for kind in KINDS)
            row.append(math.nan if score.why is None else WHYS.index(score.why))
        self._rows.append((self._ids, row))

    def __iter__(self) -> Iterator[LoggedWindow]:
        for ids, row in self._rows:
            yield _read(ids, row)

    def measured(self) -> Iterator[tuple[bool, Measures, float]]:
        """``(partial, measures, speech_s)`` of each window, without its labels."""
        for _, row in self._rows:
            yield bool(row[2]), _read_measures(row), row[3]

    def snapshot(self) -> list[Any]:
        """JSON-able: ``[[ids, [number | null, …]], …]``."""
        return [[list(ids), [_plain(value) for value in row]] for ids, row in self._rows]

    def restore(self, state: Sequence[Any]) -> None:
        self._rows = []
        for ids, row in state:
            if tuple(ids) != self._ids:
                self._ids = tuple(str(label_id) for label_id in ids)
            self._rows.append((self._ids, array("d", (_number(value) for value in row))))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _read(ids: tuple[str, ...], row: "array[float]") -> LoggedWindow:
    labels: dict[str, LabelScore] = {}
    at = HEAD + len(MEASURES) + PAUSES
    for label_id in ids:
        score, *evidence, why = row[at : at + PER_LABEL]
        labels[label_id] = LabelScore(
            _plain(score),
            {kind: _plain(value) for kind, value in zip(KINDS, evidence, strict=True)},
            None if math.isnan(why) else WHYS[int(why)],
        )
        at += PER_LABEL
    return LoggedWindow(int(row[0]), int(row[1]), bool(row[2]), row[3], row[4], labels, _read_measures(row))


def _read_measures(row: "array[float]") -> Measures:
    values = {name: _plain(value) for name, value in zip(MEASURES, row[HEAD : HEAD + len(MEASURES)], strict=True)}
    count, longest_s, ratio = row[HEAD + len(MEASURES) : HEAD + len(MEASURES) + PAUSES]
    pauses = None if math.isnan(count) else Pauses(int(count), longest_s, ratio)
    return Measures(**values, pauses=pauses)
