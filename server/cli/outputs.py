"""The output formats of ``assess``: each takes what became of the files, in order, and writes it."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from server.cli.console import Failure, cannot_write, compact_json, console_on, indented_json
from server.cli.long_windows import indented_pieces
from server.cli.outcomes import Told, ToldFile, unread_json
from server.cli.tables import CsvOutput, XlsxOutput
from server.cli.taking import Output
from server.rendering import report

Format = Literal["text", "json", "jsonl", "flat", "csv", "xlsx", "html", "fhir"]

SUFFIXES: dict[str, Format] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".html": "html",
    ".htm": "html",
}
"""What a file's name asks for, where no format is named."""


def format_of(path: Path | None) -> Format:
    """What the name of the output asks for; text without a name, or without a suffix. Raises Failure."""
    suffix = "" if path is None else path.suffix.lower()
    if suffix in SUFFIXES or not suffix:
        return SUFFIXES.get(suffix, "text")
    hint = f"Names end in {', '.join(SUFFIXES)}; --format chooses whatever the name is."
    hint_zh = f"可用的后缀：{'、'.join(SUFFIXES)}；也可以用 --format 指定格式。"
    if suffix == ".pdf":
        hint = "Write a page, --out report.html, and print that as PDF in the browser."
        hint_zh = "请先用 --out report.html 写成网页，再在浏览器里打印成 PDF。"
    raise Failure(
        f"{path}: a name that ends in {suffix} says no format.",
        zh=f"{path}：从后缀 {suffix} 看不出要什么格式。",
        hint=hint,
        hint_zh=hint_zh,
    )


def check_asked(format_: Format, output: Path | None, *, resume: bool) -> None:
    """Raises Failure for what cannot be without a file."""
    if format_ == "xlsx" and output is None:
        raise Failure(
            "a spreadsheet is a file: name it with --out results.xlsx.",
            zh="电子表格要写到文件里：请用 --out results.xlsx 给出文件名。",
        )
    if resume and output is None:
        raise Failure(
            "--resume needs the file of the interrupted run: --out results.jsonl.",
            zh="--resume 需要中断的那次运行的输出文件：--out results.jsonl。",
        )


@contextmanager
def open_output(format_: Format, path: Path | None, language: str | None, *, several: bool) -> Iterator[Output]:
    """The output for ``format_`` on ``path`` or standard output. ``finish`` is called if the block raised nothing.

    Raises Failure, before any work is done, if ``path`` cannot be written.
    """
    try:
        stream = nullcontext(sys.stdout.buffer) if path is None else path.open("wb")
    except OSError as error:
        assert path is not None
        raise cannot_write(path, error) from None
    with stream as file:
        output = _output(format_, file, language, several=several, to_stdout=path is None)
        yield output
        output.finish()


def _output(format_: Format, stream: IO[bytes], language: str | None, *, several: bool, to_stdout: bool) -> Output:
    spoken, shown = language or "en", to_stdout and sys.stdout.isatty()
    makers: dict[Format, Callable[[], Output]] = {
        "jsonl": lambda: LineOutput(stream, to_terminal=shown),
        "json": lambda: DocumentOutput(stream, several=several, flat_form=False, to_terminal=shown),
        "flat": lambda: DocumentOutput(stream, several=several, flat_form=True, to_terminal=shown),
        "text": lambda: TextOutput(None if to_stdout else stream, spoken, several=several),
        "csv": lambda: CsvOutput(stream, spoken),
        "xlsx": lambda: XlsxOutput(stream, spoken),
        "html": lambda: PageOutput(stream, spoken),
        "fhir": lambda: FhirOutput(stream, to_terminal=shown),
    }
    return makers[format_]()


class LineOutput(Output):
    """``jsonl``: one compact object per line, flushed, so that the next program in the pipe can begin."""

    def __init__(self, stream: IO[bytes], *, to_terminal: bool) -> None:
        self._stream = stream
        self.writes_to_terminal_meanwhile = to_terminal

    def add(self, one: Told) -> None:
        """Write one line and flush it, so that a reader gets each file as soon as it is done."""
        for piece in one.pieces() if isinstance(one, ToldFile) else (compact_json(unread_json(one)),):
            self._stream.write(piece.encode("utf-8"))
        self._stream.write(b"\n")
        self._stream.flush()


class FhirOutput(Output):
    """``fhir``: a Bundle of FHIR R4 per line, an OperationOutcome for what could not be judged."""

    def __init__(self, stream: IO[bytes], *, to_terminal: bool) -> None:
        self._stream = stream
        self.writes_to_terminal_meanwhile = to_terminal

    def add(self, one: Told) -> None:
        """Write one line and flush it."""
        from server.rendering.fhir import When, bundle_of, outcome_of

        if isinstance(one, ToldFile):
            resource = bundle_of(one.result, When(datetime.now(UTC)))
        else:
            resource = outcome_of(one.name, one.message)
        self._stream.write(compact_json(resource).encode("utf-8") + b"\n")
        self._stream.flush()


class DocumentOutput(Output):
    """``json`` and ``flat``: one indented object for one file, an array for several."""

    def __init__(self, stream: IO[bytes], *, several: bool, flat_form: bool, to_terminal: bool) -> None:
        self.writes_to_terminal_meanwhile = to_terminal
        self._stream = stream
        self._several = several
        self._flat_form = flat_form
        self._count = 0

    def add(self, one: Told) -> None:
        """Write it at once, in pieces: of hours it is tens of MB."""
        if self._several:
            self._write(",\n  " if self._count else "[\n  ")
        self._count += 1
        indent = 2 if self._several else 0
        if isinstance(one, ToldFile) and not self._flat_form:
            for piece in indented_pieces(one.result, one.windows, indent):
                self._write(piece)
            return
        value = dict(one.flat or {}) if isinstance(one, ToldFile) else unread_json(one)
        self._write(indented_json(value).replace("\n", "\n" + " " * indent))

    def finish(self) -> None:
        """Close the array, if it is one."""
        if self._several:
            self._write("\n]" if self._count else "[]")
        self._write("\n")
        self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(text.encode("utf-8"))


class TextOutput(Output):
    """``text``: a report for one recording, a table for several."""

    def __init__(self, stream: IO[bytes] | None, language: str, *, several: bool) -> None:
        self._stream = stream
        self._language = language
        self._several = several
        self._told: list[Told] = []

    def add(self, one: Told) -> None:
        """Keep it: the table's columns depend on all rows."""
        self._told.append(one)

    def finish(self) -> None:
        """Write a report of one file, a table of several."""
        text = io.StringIO() if self._stream else None
        console = console_on(text)
        if self._several:
            report.print_table(console, [_row(one, self._language) for one in self._told], self._language)
        elif isinstance(one := self._told[0], ToldFile):
            report.print_report(console, one.result, self._language)
        if self._stream and text:
            self._stream.write(text.getvalue().encode("utf-8"))
        sys.stdout.flush()


class PageOutput(Output):
    """``html``: a page with a summary and a report of each recording, to be read, printed and passed on."""

    def __init__(self, stream: IO[bytes], language: str) -> None:
        from server.rendering.page.document import Document

        self._document = Document(language, lambda text: stream.write(text.encode("utf-8")))

    def add(self, one: Told) -> None:
        """Write its report; the summary comes at the end, and is shown at the top."""
        if isinstance(one, ToldFile):
            self._document.add(one.result, one.peaks)
        else:
            self._document.add_unread(one.name, one.message, one.zh)

    def finish(self) -> None:
        """Write the summary."""
        self._document.finish()


def _row(one: Told, language: str) -> "report.Row":
    return one.result if isinstance(one, ToldFile) else (one.name, one.said(language))
