"""How batches look on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from server.cli.batch_results import told_of
from server.cli.batch_sending import left
from server.recording.batch import Unread
from server.rendering.words import Words, harmless
from server.wire.batches import BatchModel

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STATES = {
    "waiting": Words("等待中", "waiting"),
    "judging": Words("评估中", "judging"),
    "done": Words("已完成", "done"),
}
COUNTS = {
    "files": Words("文件", "files"),
    "waiting": Words("等待", "waiting"),
    "accepted": Words("可以采用", "accepted"),
    "rejected": Words("需要重录", "rejected"),
    "refused": Words("无法评估", "refused"),
}
ID, STATE, CREATED, REFERENCE = (
    Words("编号", "id"), Words("状态", "state"), Words("提交时间", "sent"), Words("备注", "reference"),
)  # fmt: skip


PRINTED_WIDTH = 160
"""Columns where no terminal says how many there are: a file or a pipe cuts nothing."""


def print_batches(console: "Console", found: Sequence[BatchModel], language: str) -> None:
    """A row for each."""
    if not console.is_terminal:
        console.width = max(console.width, PRINTED_WIDTH)
    console.print(_table_of(found, language))


def _table_of(found: Sequence[BatchModel], language: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in (ID, STATE, CREATED):
        table.add_column(head(language), no_wrap=True)
    for head in COUNTS.values():
        table.add_column(head(language), justify="right")
    table.add_column(REFERENCE(language))
    for one in found:
        cells = [*(cell for _, cell in _told(one, language)), *([] if one.reference else [""])]
        table.add_row(*(Text(harmless(cell)) for cell in cells))  # what a site wrote is not markup
    return table


def print_batch(console: "Console", batch: BatchModel, rows: Iterable[dict[str, Any]], language: str) -> None:
    """Its counts, and why files of it were refused. ``rows``: as of ``BatchClient.rows``."""
    from rich.table import Table
    from rich.text import Text

    told = Table.grid(padding=(0, 2))
    for head, cell in _told(batch, language):
        told.add_row(head, Text(harmless(cell), overflow="fold"))
    console.print(told)
    if text := left(batch.left_s, language):
        console.print(text)
    for row in rows:
        if row.get("state") == "refused" and isinstance(one := told_of(row, language), Unread):
            console.print(harmless(f"{one.name}: {one.said(language)}"), markup=False, highlight=False, soft_wrap=True)


def _told(one: BatchModel, language: str) -> list[tuple[str, str]]:
    """Heading and value, of all that is told of a batch."""
    counts = [(head(language), str(getattr(one, name))) for name, head in COUNTS.items()]
    first = [(ID(language), one.id), (STATE(language), STATES[one.state](language)), (CREATED(language), _date(one))]
    return [*first, *counts, *([(REFERENCE(language), one.reference)] if one.reference else [])]


def _date(one: BatchModel) -> str:
    return one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
