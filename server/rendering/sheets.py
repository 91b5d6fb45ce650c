"""What XlsxWriter keeps beside a sheet that it writes row by row."""

import shutil
from pathlib import Path
from typing import Any

OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
"""A sheet takes no more memory for many rows than for one, and no cell is computed."""


def discard(book: Any, folder: Path) -> None:
    """``folder`` is the book's ``tmpdir``: rows have names and references, and nothing of them stays. Never raises."""
    for sheet in book.worksheets():
        rows = getattr(sheet, "row_data_fh", None)  # open until the book is closed
        if rows is not None:
            rows.close()
    shutil.rmtree(folder, ignore_errors=True)
