"""The output formats of ``assess``: each takes outcomes in order and writes them."""

import io
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Literal

from server.cli.console import Failure, compact_json, console_on, indented_json
from server.recording.batch import JudgedFile, Outcome, Unread
from server.rendering import report
from server.rendering.flat import flat
from server.rendering.results import result_json, result_model

Format = Literal["text", "json", "jsonl", "flat"]


class Output(ABC):
    """Call ``add`` for each outcome in the order of the files, then ``finish`` once."""

    writes_to_terminal_meanwhile = False

    @abstractmethod
    def add(self, outcome: Outcome) -> None:
        """Take the next file's outcome; line formats write it at once."""

    def finish(self) -> None:  # noqa: B027 - lines are written already
        """Write what is pending; call once, at the end."""


@contextmanager
def open_output(format_: Format, path: Path | None, language: str | None, *, several: bool) -> Iterator[Output]:
    """The output for ``format_`` on ``path`` or standard output. ``finish`` is called if the block raised nothing.

    Raises Failure, before any work is done, if ``path`` cannot be written.
    """
    try:
        stream = nullcontext(sys.stdout.buffer) if path is None else path.open("wb")
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}.") from None
    with stream as file:
        output = _output(format_, file, language, several=several, to_stdout=path is None)
        yield output
        output.finish()


def _output(format_: Format, stream: IO[bytes], language: str | None, *, several: bool, to_stdout: bool) -> Output:
    match format_:
        case "jsonl":
            return LineOutput(stream, to_terminal=to_stdout and sys.stdout.isatty())
        case "json":
            return DocumentOutput(stream, several=several, flat_language=None, flat_form=False)
        case "flat":
            return DocumentOutput(stream, several=several, flat_language=language, flat_form=True)
        case "text":
            return TextOutput(None if to_stdout else stream, language or "en", several=several)


class LineOutput(Output):
    """``jsonl``: one compact object per line, flushed, so that the next program in the pipe can begin."""

    def __init__(self, stream: IO[bytes], *, to_terminal: bool) -> None:
        self._stream = stream
        self.writes_to_terminal_meanwhile = to_terminal

    def add(self, outcome: Outcome) -> None:
        """Write one line and flush it, so that a reader gets each file as soon as it is done."""
        line = result_json(outcome.result) if isinstance(outcome, JudgedFile) else compact_json(_unread_json(outcome))
        self._stream.write(line.encode("utf-8") + b"\n")
        self._stream.flush()


class DocumentOutput(Output):
    """``json`` and ``flat``: one indented object for one file, an array for several."""

    def __init__(self, stream: IO[bytes], *, several: bool, flat_language: str | None, flat_form: bool) -> None:
        self._stream = stream
        self._several = several
        self._flat_language = flat_language
        self._flat_form = flat_form
        self._values: list[object] = []

    def add(self, outcome: Outcome) -> None:
        """Keep the outcome: an array is written at the end."""
        if isinstance(outcome, Unread):
            self._values.append(_unread_json(outcome))
        elif self._flat_form:
            self._values.append(flat(outcome.result, self._flat_language))
        else:
            self._values.append(result_model(outcome.result).model_dump(mode="json"))

    def finish(self) -> None:
        """Write an object for one file, an array for several."""
        value = self._values if self._several else self._values[0]
        self._stream.write(indented_json(value).encode("utf-8") + b"\n")
        self._stream.flush()


class TextOutput(Output):
    """``text``: a report for one recording, a table for several."""

    def __init__(self, stream: IO[bytes] | None, language: str, *, several: bool) -> None:
        self._stream = stream
        self._language = language
        self._several = several
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Keep the outcome: the table's columns depend on all rows."""
        self._outcomes.append(outcome)

    def finish(self) -> None:
        """Write a report of one file, a table of several."""
        text = io.StringIO() if self._stream else None
        console = console_on(text)
        if self._several:
            report.print_table(console, [_row(outcome) for outcome in self._outcomes], self._language)
        elif isinstance(outcome := self._outcomes[0], JudgedFile):
            report.print_report(console, result_model(outcome.result), self._language)
        if self._stream and text:
            self._stream.write(text.getvalue().encode("utf-8"))
        sys.stdout.flush()


def _unread_json(unread: Unread) -> dict[str, Any]:
    """``source`` has the form that it has in a result."""
    return {
        "source": {"kind": "file", "name": unread.name},
        "error": {"code": unread.code, "message": unread.message},
    }


def _row(outcome: Outcome) -> "report.Row":
    return result_model(outcome.result) if isinstance(outcome, JudgedFile) else (outcome.name, outcome.message)
