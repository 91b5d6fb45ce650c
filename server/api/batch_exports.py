"""The results of a batch: a page of them, or all as one file."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Literal

import xlsxwriter
from starlette.responses import Response, StreamingResponse

from server.api.exports import BOM, plain_cell
from server.api.sheets import sheet_response
from server.batches.batch import Batch, BatchStore, FileRow
from server.scoring.until_done import to_thread_until_done

Format = Literal["json", "csv", "jsonl", "xlsx"]

SOME = 8
"""Rows that are read at a time, with their packed results; one is unpacked at a time."""

PAGE_BYTES = 16_000_000
"""A page of results ends with the one that passes it."""

COLUMNS = (
    "position", "file", "reference", "state", "verdict", "grade", "score", "duration_s", "speech_s", "basis",
    "prompts", "advice_zh", "advice_en", "error", "error_zh", "result_id",
)  # fmt: skip


async def page(store: BatchStore, batch: Batch, after: int, limit: int) -> Response:
    """JSON, at most ``limit`` results after position ``after``, and fewer if they are large; ``next`` leads on. Results
    are written as they are kept."""
    first = await store.rows(batch.id, after=after, limit=min(SOME, limit), results=True)
    return StreamingResponse(_page(store, batch, first, limit), media_type="application/json")


async def _page(store: BatchStore, batch: Batch, rows: Sequence[FileRow], limit: int) -> AsyncIterator[bytes]:
    yield b'{"results":['
    count = size = last = 0
    while rows and count < limit and size < PAGE_BYTES:
        for row in rows:
            line = await asyncio.to_thread(_line_bytes, row)
            yield line if not count else b"," + line
            count, size, last = count + 1, size + len(line), row.position
            if size >= PAGE_BYTES:
                break
        else:
            rows = await store.rows(batch.id, after=last, limit=min(SOME, limit - count), results=True)
    more = str(last) if 0 < last < batch.files else None
    yield f'],"next":{json.dumps(more)}}}'.encode()


def _line_bytes(row: FileRow) -> bytes:
    return _line(row).encode()


def _line(row: FileRow) -> str:
    told = {
        "position": row.position,
        "file": row.name,
        "reference": row.reference,
        "state": row.state.value,
        "error": None if row.fault is None else {"code": row.fault.code, "en": row.fault.en, "zh": row.fault.zh},
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"result":{row.result_text() or "null"}}}'


async def exported(store: BatchStore, batch: Batch, form: Format) -> Response:
    """Raises NoRoomError."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="batch.{form}"'}
    if form == "xlsx":
        return await _xlsx(store, batch, headers)
    if form == "jsonl":
        return StreamingResponse(_jsonl(store, batch), media_type="application/x-ndjson", headers=headers)
    labels = await _label_ids(store, batch)
    return StreamingResponse(_csv(store, batch, labels), media_type="text/csv; charset=utf-8", headers=headers)


async def _pages(store: BatchStore, batch: Batch) -> AsyncIterator[Sequence[FileRow]]:
    after = 0
    while rows := await store.rows(batch.id, after=after, limit=SOME, results=True):
        yield rows
        after = rows[-1].position


async def _label_ids(store: BatchStore, batch: Batch) -> list[str]:
    """All files have the same labels: those of the first result."""
    async for rows in _pages(store, batch):
        for row in rows:
            if row.result is not None:
                return await asyncio.to_thread(_labels_of, row)
    return []


def _labels_of(row: FileRow) -> list[str]:
    return list(json.loads(row.result_text() or "")["labels"])


async def _jsonl(store: BatchStore, batch: Batch) -> AsyncIterator[bytes]:
    async for rows in _pages(store, batch):
        for row in rows:
            yield await asyncio.to_thread(_line_bytes, row) + b"\n"


async def _csv(store: BatchStore, batch: Batch, labels: list[str]) -> AsyncIterator[bytes]:
    yield (BOM + _written([[*COLUMNS, *labels]])).encode()
    async for rows in _pages(store, batch):
        yield (await asyncio.to_thread(_csv_rows, rows, labels)).encode()


def _csv_rows(rows: Sequence[FileRow], labels: list[str]) -> str:
    return _written([[plain_cell(cell) for cell in _cells(row, labels)] for row in rows])


def _written(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


def _cells(row: FileRow, labels: list[str]) -> list[str | float | None]:
    text = row.result_text()
    result: dict[str, Any] = {} if text is None else json.loads(text)
    overall, source, advice = (result.get(name, {}) for name in ("overall", "source", "advice"))
    return [
        row.position,
        row.name,
        row.reference,
        row.state.value,
        row.verdict,
        overall.get("grade"),
        overall.get("score"),
        source.get("duration_s"),
        source.get("speech_s"),
        result.get("basis"),
        " ".join(result.get("prompts", [])) or None,
        advice.get("zh"),
        advice.get("en"),
        None if row.fault is None else f"{row.fault.code}: {row.fault.en}",
        None if row.fault is None else row.fault.zh,
        row.result_id,
        *(result.get("labels", {}).get(label, {}).get("score") for label in labels),
    ]


async def _xlsx(store: BatchStore, batch: Batch, headers: dict[str, str]) -> Response:
    """Written to a temporary file, row by row, before it is sent: its table of contents comes last."""
    labels = await _label_ids(store, batch)

    async def write(book: xlsxwriter.Workbook) -> None:
        await _write_xlsx(book, store, batch, labels)

    return await sheet_response(write, headers)


async def _write_xlsx(book: xlsxwriter.Workbook, store: BatchStore, batch: Batch, labels: list[str]) -> None:
    sheet = book.add_worksheet("batch")
    sheet.freeze_panes(1, 0)
    for column, title in enumerate((*COLUMNS, *labels)):
        sheet.write_string(0, column, title, book.add_format({"bold": True}))

    def write(rows: Sequence[FileRow]) -> None:
        for row in rows:
            for column, cell in enumerate(_cells(row, labels)):
                if isinstance(cell, str):
                    sheet.write_string(row.position, column, cell)
                elif cell is not None:
                    sheet.write_number(row.position, column, cell)

    async for rows in _pages(store, batch):
        await to_thread_until_done(write, rows)
