"""The windows of one session or file, about 0.8 kB each, for the result's ``windows`` and its measures."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from server.assessment.render import measures as on_wire
from server.assessment.render import unit
from server.values.measures import Measures, Pauses
from server.values.scores import EvidenceKind, LabelScore, Why

KINDS: tuple[EvidenceKind, ...] = ("acoustic", "clap", "transcript")
WHYS = tuple(Why)
MEASURES = tuple(field.name for field in fields(Measures) if field.name != "pauses")
PER_LABEL = 1 + len(KINDS) + 1
HEAD = 5
PAUSES = 3
PAUSES_AT = HEAD + len(MEASURES)
LABELS_AT = PAUSES_AT + PAUSES


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
    """Append-only. Numbers live in one array of doubles per window, rounded as the wire has them, NaN for ``None``,
    instead of in some 60 objects."""

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
            (window.start_sample, window.end_sample, window.partial, window.speech_s, unit(window.speech_ratio) or 0.0),
        )
        measures = on_wire(window.measures)
        row.extend(_number(getattr(measures, name)) for name in MEASURES)
        pauses = measures.pauses
        row.extend((math.nan,) * PAUSES if pauses is None else (pauses.count, pauses.longest_s, pauses.ratio))
        for label_id in ids:
            score = window.labels[label_id]
            row.append(_number(unit(score.score)))
            row.extend(_number(unit(score.evidence.get(kind))) for kind in KINDS)
            row.append(math.nan if score.why is None else WHYS.index(score.why))
        self._rows.append((self._ids, row))

    def on_wire(self, rate: int) -> Iterator[dict[str, Any]]:
        """Each window as the fields of ``wire.result.WindowModel``; plain, because there may be thousands."""
        for ids, row in self._rows:
            yield _on_wire(ids, row, rate)

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


def _on_wire(ids: tuple[str, ...], row: "array[float]", rate: int) -> dict[str, Any]:
    values = [None if value != value else value for value in row]  # noqa: PLR0124 - NaN is what differs from itself
    measures = dict(zip(MEASURES, values[HEAD:PAUSES_AT], strict=True))
    count, longest_s, ratio = values[PAUSES_AT:LABELS_AT]
    pauses = None if count is None else {"count": int(count), "longest_s": longest_s, "ratio": ratio}
    labels = {}
    for at, label_id in zip(range(LABELS_AT, len(row), PER_LABEL), ids, strict=True):
        score, acoustic, clap, transcript, why = values[at : at + PER_LABEL]
        labels[label_id] = {
            "score": score,
            "evidence": {"acoustic": acoustic, "clap": clap, "transcript": transcript},
            "why": None if why is None else WHYS[int(why)].value,
        }
    return {
        "start_s": row[0] / rate,
        "end_s": row[1] / rate,
        "start_sample": int(row[0]),
        "end_sample": int(row[1]),
        "partial": bool(row[2]),
        "speech_ratio": row[4],
        "labels": labels,
        "measures": measures | {"pauses": pauses},
    }


def _read_measures(row: "array[float]") -> Measures:
    values = {name: _plain(value) for name, value in zip(MEASURES, row[HEAD:PAUSES_AT], strict=True)}
    count, longest_s, ratio = row[PAUSES_AT:LABELS_AT]
    pauses = None if math.isnan(count) else Pauses(int(count), longest_s, ratio)
    return Measures(**values, pauses=pauses)
