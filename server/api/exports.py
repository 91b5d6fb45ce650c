"""Kept results as one file. A cell that a spreadsheet would compute is written as text."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from starlette.responses import Response, StreamingResponse

from server.api.record_rows import row_of
from server.api.sheets import sheet_response
from server.errors import PayloadTooLargeError
from server.records.kept import KeptRecord
from server.records.ports import Place, RecordStore, Wanted
from server.scoring.until_done import to_thread_until_done
from server.wire.records import AssessmentRow

COLUMNS = tuple(AssessmentRow.model_fields)
AT_ONCE = 1000
MOST_ROWS = 1_048_575
"""Of a sheet, without its head."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet computes, or runs (OWASP, CSV injection); in Chinese also in full width."""

BOM = "\ufeff"
"""By which Excel knows UTF-8."""


async def csv_response(records: RecordStore, site: str, wanted: Wanted) -> Response:
    """UTF-8 with a byte order mark, streamed."""

    async def parts() -> AsyncIterator[bytes]:
        yield (BOM + _csv([COLUMNS])).encode()
        async for some in _pages(records, site, wanted):
            yield (await asyncio.to_thread(lambda some: _csv([_cells(one) for one in some]), some)).encode()

    return StreamingResponse(parts(), media_type="text/csv; charset=utf-8", headers=_headers("csv"))


async def json_response(records: RecordStore, site: str, wanted: Wanted) -> Response:
    """An array of rows, streamed."""

    async def parts() -> AsyncIterator[bytes]:
        before = "["
        async for some in _pages(records, site, wanted):
            text = await asyncio.to_thread(lambda some: ",".join(row_of(one).model_dump_json() for one in some), some)
            yield (before + text).encode()
            before = ","
        yield b"[]" if before == "[" else b"]"

    return StreamingResponse(parts(), media_type="application/json", headers=_headers("json"))


async def xlsx_response(records: RecordStore, site: str, wanted: Wanted) -> Response:
    """Written to a temporary file, row by row, before it is sent: its table of contents comes last.

    Raises PayloadTooLargeError for more rows than a sheet has, NoRoomError.
    """

    async def write(book: xlsxwriter.Workbook) -> None:
        await _write_xlsx(book, records, site, wanted)

    return await sheet_response(write, _headers("xlsx"), remove_timezone=True)


async def _write_xlsx(book: xlsxwriter.Workbook, records: RecordStore, site: str, wanted: Wanted) -> None:
    sheet = book.add_worksheet("assessments")
    bold, date = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(COLUMNS):
        sheet.write_string(0, column, title, bold)
    at = 0

    def write(some: Sequence[KeptRecord], first: int) -> None:
        for row, record in enumerate(some, first):
            for column, value in enumerate(row_of(record).model_dump().values()):
                _write_cell(sheet, row, column, value, date)

    async for some in _pages(records, site, wanted):
        if at + len(some) > MOST_ROWS:
            raise PayloadTooLargeError(
                f"A sheet has at most {MOST_ROWS} rows. Ask for less with 'from' and 'to', or for format=csv.",
                param="format",
            )
        await to_thread_until_done(write, some, at + 1)
        at += len(some)


def _write_cell(sheet: Any, row: int, column: int, value: object, date: Any) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), date)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, str) and value:
        sheet.write_string(row, column, value)


async def _pages(records: RecordStore, site: str, wanted: Wanted) -> AsyncIterator[Sequence[KeptRecord]]:
    after: Place | None = None
    while some := await records.page(site, wanted, AT_ONCE, after):
        yield some
        after = Place(some[-1].ended_at, some[-1].id)


def _cells(record: KeptRecord) -> list[str]:
    return [plain_cell(value) for value in row_of(record).model_dump(mode="json").values()]


def plain_cell(value: object) -> str:
    """A text that a spreadsheet would compute gets an apostrophe before it; a number stays as it is."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return str(value)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


def _headers(suffix: str) -> dict[str, str]:
    disposition = f'attachment; filename="assessments.{suffix}"'
    return {"Cache-Control": "no-store", "Content-Disposition": disposition}
