"""A spreadsheet is written to a temporary folder before it is sent: its table of contents comes last."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import xlsxwriter
from starlette.responses import StreamingResponse

from server.api.uploads import no_room
from server.rendering.sheets import OPTIONS, discard
from server.scoring.until_done import to_thread_until_done

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BLOCK = 256 * 1024


class _Sheet(StreamingResponse):
    """The whole file, whatever ``Range`` asks for. Its folder goes with it, whether or not a client takes it."""

    def __init__(self, folder: Path, path: Path, headers: Mapping[str, str]) -> None:
        self._folder = folder
        size = {"Content-Length": str(path.stat().st_size)}
        super().__init__(_blocks(path), media_type=XLSX, headers={**headers, **size})

    async def __call__(self, *given: Any) -> None:
        """As any response; then nothing of it is left."""
        try:
            await super().__call__(*given)
        finally:
            # Two files: it takes no time, and a task that is being cancelled could not wait for a thread.
            shutil.rmtree(self._folder, ignore_errors=True)


async def sheet_response(
    write: Callable[[xlsxwriter.Workbook], Awaitable[None]], headers: Mapping[str, str], **options: object
) -> StreamingResponse:
    """``write`` fills the book; what XlsxWriter keeps beside it lies in the same folder. Raises NoRoomError, and what
    ``write`` raises."""
    try:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="tingqing-sheet-"))
    except OSError as error:
        raise no_room(error) from error
    path = folder / "sheet.xlsx"
    book = xlsxwriter.Workbook(path, {**OPTIONS, **options, "tmpdir": str(folder)})
    try:
        await write(book)
        await to_thread_until_done(book.close)
        return _Sheet(folder, path, headers)
    except BaseException as error:
        discard(book, folder)
        if isinstance(error, OSError | xlsxwriter.exceptions.XlsxWriterException):
            raise no_room(error) from error
        raise


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block
