"""The windows of a long recording, apart from the rest of its result: hours of them as models take hundreds of MB."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from server.assessment.result import Result
from server.rendering.results import window_batches, window_models
from server.wire.result import ResultModel

MANY = 300
"""Up to so many stay in the result."""

HERE = '"windows":['
END = '],"model":{"scorers":'
"""What follows the windows in a result as pydantic writes it."""

LAST = '{"start_s":'


class Windows(Protocol):
    """All windows, in order."""

    def texts(self) -> Iterator[str]:
        """As JSON, several at a time: objects with commas between them."""
        ...


@dataclass(frozen=True, slots=True)
class LoggedWindowsTold:
    """Of a result that is at hand: turned into text as they are written."""

    result: Result

    def texts(self) -> Iterator[str]:
        """See Windows."""
        for batch in window_batches(self.result.windows, self.result.sample_rate):
            yield window_models.dump_json(batch).decode()[1:-1]


@dataclass(frozen=True, slots=True)
class WrittenWindows:
    """Of a result that was written before, as it was."""

    text: str

    def texts(self) -> Iterator[str]:
        """See Windows."""
        yield self.text


def apart(text: str) -> tuple[str, WrittenWindows | None]:
    """A result, or JSON that holds one, as pydantic wrote it: the text with its last window alone, and all windows if
    there are many. Otherwise the text as it is, and ``None``."""
    # From the end: before the windows there may be metadata with such names. Quotes in strings are escaped.
    end = text.rfind(END)
    begin = text.rfind(HERE, 0, end) + len(HERE) if end >= 0 else -1
    if begin < len(HERE) or text.count(LAST, begin, end) <= MANY:
        return text, None
    last = text.rfind(LAST, begin, end)
    return text[:begin] + text[last:], WrittenWindows(text[begin:end])


def pieces(result: ResultModel, windows: Windows | None) -> Iterator[str]:
    """The result as one line of JSON, with ``windows`` where it has the last alone."""
    if windows is None:
        yield result.model_dump_json()
        return
    text = result.model_copy(update={"windows": []}).model_dump_json()
    begin = text.rfind(HERE) + len(HERE)
    yield text[:begin]
    for at, some in enumerate(windows.texts()):
        yield f",{some}" if at else some
    yield text[begin:]


def indented_pieces(result: ResultModel, windows: Windows | None, indent: int) -> Iterator[str]:
    """The same for people who read it; ``indent``: of the whole, in spaces, from its second line on."""
    before = " " * indent
    head = result.model_dump(mode="json") | ({} if windows is None else {"windows": []})
    text = json.dumps(head, ensure_ascii=False, indent=2, allow_nan=False).replace("\n", f"\n{before}")
    if windows is None:
        yield text
        return
    empty = f'\n{before}  "windows": []'
    begin = text.rindex(empty) + len(empty) - 1
    yield text[:begin]
    inside = f"\n{before}    "
    for at, some in enumerate(map(_parsed, windows.texts())):
        for number, one in enumerate(some):
            yield f",{inside}" if at or number else inside
            yield json.dumps(one, ensure_ascii=False, indent=2, allow_nan=False).replace("\n", inside)
    yield f"\n{before}  {text[begin:]}"


def _parsed(some: str) -> list[object]:
    found: list[object] = json.loads(f"[{some}]")
    return found
