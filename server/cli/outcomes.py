"""What became of one file, as the commands pass it on: between processes, into a journal, to an output."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from server.recording.batch import JudgedFile, Outcome, Unread
from server.rendering.flat import flat
from server.rendering.results import result_model
from server.wire.result import ResultModel

MOST_PEAKS = 1_200
"""More than a page is wide."""


@dataclass(frozen=True, slots=True)
class ToldFile:
    """A file that was judged. ``flat``: titles and scores, if they were asked for; ``peaks``: whole dBFS in equal
    steps of time."""

    result: ResultModel
    flat: Mapping[str, float | str | None] | None = None
    peaks: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """As given."""
        return self.result.source.name or self.result.id


Told = ToldFile | Unread


def told(outcome: Outcome, flat_language: str | None) -> Told:
    """``flat_language``: of the flat form, ``None`` where nobody asked for it."""
    if isinstance(outcome, Unread):
        return outcome
    assert isinstance(outcome, JudgedFile)
    result = outcome.result
    scores = None if flat_language is None else flat(result, flat_language)
    return ToldFile(result_model(result), scores, pooled(result.peaks))


def pooled(peaks: tuple[int, ...], most: int = MOST_PEAKS) -> tuple[int, ...]:
    """The loudest of each of at most ``most`` equal parts."""
    if len(peaks) <= most:
        return peaks
    edges = [len(peaks) * at // most for at in range(most + 1)]
    return tuple(max(peaks[start:end]) for start, end in pairwise(edges))


def line_of(one: Told) -> str:
    """As one line of JSON."""
    if isinstance(one, Unread):
        return json.dumps({"name": one.name, "code": one.code, "message": one.message, "zh": one.zh})
    rest = json.dumps({"flat": one.flat, "peaks": one.peaks}, allow_nan=False)
    return f'{{"result":{one.result.model_dump_json()},{rest[1:]}'


def of_line(line: str | bytes) -> Told:
    """What ``line_of`` wrote. Raises ValueError for anything else."""
    value: Any = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("no outcome")
    if "result" not in value:
        return Unread(str(value.get("name")), str(value.get("code")), str(value.get("message")), str(value.get("zh")))
    return ToldFile(ResultModel.model_validate(value["result"]), value.get("flat"), tuple(value.get("peaks") or ()))


def unread_json(unread: Unread) -> dict[str, Any]:
    """In the place of a result; ``source`` has the form that it has there."""
    return {
        "source": {"kind": "file", "name": unread.name},
        "error": {"code": unread.code, "message": unread.message, "message_zh": unread.zh},
    }
