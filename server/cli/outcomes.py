"""What became of one file, as the commands pass it on: between processes, into a journal, to an output."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from server.cli.long_windows import MANY, LoggedWindowsTold, Windows, apart, pieces
from server.recording.batch import JudgedFile, Outcome, Unread
from server.rendering.flat import flat
from server.rendering.results import result_model
from server.wire.result import ResultModel

MOST_PEAKS = 1_200
"""More than a page is wide."""


@dataclass(frozen=True, slots=True)
class ToldFile:
    """A file that was judged. ``flat``: titles and scores, if they were asked for; ``peaks``: whole dBFS in equal
    steps of time. ``windows``: all of them, of a long one whose ``result`` has the last alone."""

    result: ResultModel
    flat: Mapping[str, float | str | None] | None = None
    peaks: tuple[int, ...] = ()
    windows: Windows | None = field(default=None, repr=False)

    def pieces(self) -> Iterator[str]:
        """The result with all windows, as one line of JSON."""
        return pieces(self.result, self.windows)

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
    if len(result.windows) <= MANY:
        return ToldFile(result_model(result), scores, pooled(result.peaks))
    short = result_model(replace(result, windows=result.windows[-1:]))
    return ToldFile(short, scores, pooled(result.peaks), LoggedWindowsTold(result))


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
    return f'{{"result":{"".join(one.pieces())},{rest[1:]}'


def of_line(line: str | bytes) -> Told:
    """What ``line_of`` wrote. Raises ValueError for anything else."""
    text, windows = apart(line if isinstance(line, str) else line.decode())
    value: Any = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no outcome")
    if "result" not in value:
        return Unread(str(value.get("name")), str(value.get("code")), str(value.get("message")), str(value.get("zh")))
    result = ResultModel.model_validate(value["result"])
    return ToldFile(result, value.get("flat"), tuple(value.get("peaks") or ()), windows)


def of_result(text: str) -> ToldFile:
    """A result as a line of ``jsonl``. Raises ValueError for anything else."""
    short, windows = apart(text)
    return ToldFile(ResultModel.model_validate_json(short), windows=windows)


def unread_json(unread: Unread) -> dict[str, Any]:
    """In the place of a result; ``source`` has the form that it has there."""
    return {
        "source": {"kind": "file", "name": unread.name},
        "error": {"code": unread.code, "message": unread.message, "message_zh": unread.zh},
    }
