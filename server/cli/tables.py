"""``csv`` and ``xlsx``: a row for each recording, for spreadsheets. A cell is never a formula."""

import csv
import io
import tempfile
import weakref
from pathlib import Path
from typing import IO

from server.cli.outcomes import Told, ToldFile
from server.cli.taking import Output
from server.rendering import words
from server.rendering.report import said
from server.rendering.sheets import OPTIONS, discard
from server.wire.result import ResultModel

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet computes, or runs (OWASP, CSV injection); in Chinese also in full width."""
BOM = "\ufeff"
"""By which Excel knows UTF-8."""
MEASURES = ("snr_db", "noise_dbfs", "speech_dbfs", "clipping_ratio", "dropout_ratio", "reverberation", "bandwidth_hz")

Cell = str | float | int | None


def _head(labels: list[str]) -> list[str]:
    return [
        *("file", "verdict", "grade", "overall", "duration_s", "speech_s", "basis", "best_start_s", "best_end_s"),
        *("unusable_s", "advice", "prompts", "error"),
        *labels,
        *MEASURES,
    ]


def _cells(one: Told, labels: list[str], language: str) -> list[Cell]:
    if not isinstance(one, ToldFile):
        return [one.name, *[None] * 11, one.said(language), *[None] * (len(labels) + len(MEASURES))]
    result: ResultModel = one.result
    best = result.best_60s
    return [
        one.name,
        result.overall.verdict or "",
        words.GRADES[result.overall.grade].word(language),
        result.overall.score,
        result.source.duration_s,
        result.source.speech_s,
        result.basis,
        None if best is None else best.start_s,
        None if best is None else best.end_s,
        round(sum(span.end_s - span.start_s for span in result.unusable_spans), 1),
        said(result.advice, language),
        " ".join(result.prompts),
        None,
        *(result.labels[name].score if name in result.labels else None for name in labels),
        *(getattr(result.measures, name) for name in MEASURES),
    ]


class CsvOutput(Output):
    """UTF-8 with a byte order mark, each row as soon as it is there. Labels are those of the first recording."""

    def __init__(self, stream: IO[bytes], language: str) -> None:
        self._stream = stream
        self._language = language
        self._labels: list[str] | None = None
        self._waiting: list[Told] = []

    def add(self, one: Told) -> None:
        """Write its row; what comes before the first recording waits for it, since that has the labels."""
        self._waiting.append(one)
        if self._labels is None and isinstance(one, ToldFile):
            self._begin(list(one.result.labels))
        if self._labels is not None:
            self._write()

    def finish(self) -> None:
        """Where no file could be read, there are no labels."""
        if self._labels is None:
            self._begin([])
        self._write()

    def _begin(self, labels: list[str]) -> None:
        self._labels = labels
        self._stream.write(BOM.encode())
        self._line(_head(labels))

    def _write(self) -> None:
        for one in self._waiting:
            self._line([_safe(cell) for cell in _cells(one, self._labels or [], self._language)])
        self._waiting.clear()
        self._stream.flush()

    def _line(self, cells: list[Cell] | list[str]) -> None:
        text = io.StringIO()
        csv.writer(text).writerow(cells)
        self._stream.write(text.getvalue().encode("utf-8"))


class XlsxOutput(Output):
    """One sheet, written row by row, so that a thousand take no more memory than one."""

    def __init__(self, stream: IO[bytes], language: str) -> None:
        import xlsxwriter

        # What XlsxWriter keeps beside the file has names and references: it goes with the command, also if that fails.
        folder = tempfile.mkdtemp(prefix="tingqing-sheet-")
        self._book = xlsxwriter.Workbook(stream, {**OPTIONS, "tmpdir": folder})
        self._discard = weakref.finalize(self, discard, self._book, Path(folder))
        self._sheet = self._book.add_worksheet("tingqing")
        self._bold = self._book.add_format({"bold": True})
        self._language = language
        self._labels: list[str] | None = None
        self._waiting: list[Told] = []
        self._rows = 0

    def add(self, one: Told) -> None:
        """As ``CsvOutput.add``."""
        self._waiting.append(one)
        if self._labels is None and isinstance(one, ToldFile):
            self._begin(list(one.result.labels))
        if self._labels is not None:
            self._write()

    def finish(self) -> None:
        """Write the file: its table of contents comes last."""
        if self._labels is None:
            self._begin([])
        self._write()
        self._book.close()
        self._discard()

    def _begin(self, labels: list[str]) -> None:
        self._labels = labels
        self._sheet.freeze_panes(1, 1)
        self._sheet.set_column(0, 0, 40)
        self._row(_head(labels), bold=True)

    def _write(self) -> None:
        for one in self._waiting:
            self._row(_cells(one, self._labels or [], self._language))
        self._waiting.clear()

    def _row(self, cells: list[Cell] | list[str], *, bold: bool = False) -> None:
        for column, cell in enumerate(cells):
            if cell is not None:
                self._sheet.write(self._rows, column, cell, *([self._bold] if bold else []))
        self._rows += 1


def _safe(cell: Cell) -> Cell:
    """For a terminal too: a row may be read there."""
    cell = words.harmless(cell) if isinstance(cell, str) and not cell.startswith(FORMULA) else cell
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
