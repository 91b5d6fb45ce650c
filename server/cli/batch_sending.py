"""The work of ``tingqing batch send`` and ``wait``: files to the server, its progress to the terminal, results back."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.cli.batch_results import written
from server.cli.batch_ticket import Ticket, TicketFile, asked_digest
from server.cli.console import ExitCode, Failure, notice, stderr_console
from server.cli.outputs import Format, open_output
from server.client.batch_client import PATIENCE_S, BatchClient
from server.client.http_client import HttpClient, RefusedError, server_url
from server.client.multipart import FilePart, Form
from server.values.text import Text

if TYPE_CHECKING:
    from server.wire.batches import BatchModel

INTERRUPTED = Text(
    "已中断。加上 --resume 再运行同一条命令，即可继续，不会重复发送。",
    "Interrupted. Run the same command with --resume: nothing is sent twice.",
)

TELL_EVERY_S = 30.0
"""How far it is, where there is no terminal to draw a bar on."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which server, whose key, and whose language."""

    url: str
    key: str | None
    language: str

    def client(self) -> BatchClient:
        """Raises ClientError for an address that is none."""
        return BatchClient(HttpClient(server_url(self.url), self.key), self._waits)

    def _waits(self, pause_s: float, error: RefusedError) -> None:
        again = Text(f"{pause_s:.0f} 秒后重试。", f" Trying again in {pause_s:.0f} s.").in_language(self.language)
        notice(f"tingqing: {said(error, self.language)}{again}")


def said(error: RefusedError, language: str) -> str:
    """In the reader's language, where the server said it in both."""
    return Text(error.zh or error.message, error.message).in_language(language)


def parts_of(named: Sequence[tuple[str, Path]], manifest: Path | None) -> list[FilePart]:
    """Raises Failure for a file that cannot be sent; what is in it is for the server to judge."""
    given = [("file", name, path) for name, path in named]
    if manifest is not None:
        given.append(("manifest", manifest.name, manifest))
    parts = []
    for field, name, path in given:
        try:
            if not path.is_file():
                raise Failure(f"{name}: no such file.", zh=f"{name}：没有这个文件。")
            parts.append(FilePart(field, name, path, path.stat().st_size))
        except OSError as error:
            raise Failure(f"{name}: {error.strerror}.", zh=f"{name}：无法读取（{error.strerror}）。") from None
    return parts


def sent(
    target: Target,
    fields: Sequence[tuple[str, str]],
    parts: Sequence[FilePart],
    ticket: TicketFile | None,
    resume: bool,
) -> "BatchModel":
    """The batch, as it came in, or as it is if an interrupted run had sent it. Says its id on standard error."""
    client, language = target.client(), target.language
    begun = Ticket("", "", "")
    if ticket is not None:
        begun = ticket.begin(server_url(target.url), asked_digest(fields, parts), resume=resume)
    if begun.batch_id is not None:
        batch = client.find(begun.batch_id, PATIENCE_S)
        there = Text(f"批次 {batch.id} 已在服务器上。", f"Batch {batch.id} is at the server already.")
        notice(there.in_language(language))
        return batch
    with _uploading(sum(part.size for part in parts)) as advance:
        batch = client.send(Form(fields, parts), begun.key or _new_key(), advance)
    if ticket is not None:
        ticket.came_in(begun, batch.id)
    for told in _came_in(batch):
        notice(told.in_language(language))
    return batch


def _came_in(batch: "BatchModel") -> Iterator[Text]:
    refused = Text("", "")
    if batch.refused:
        refused = Text(f"，其中 {batch.refused} 个无法评估", f", {batch.refused} refused")
    yield Text(
        f"批次 {batch.id}：{batch.files} 个录音{refused.zh}。",
        f"Batch {batch.id}: {batch.files} recordings{refused.en}.",
    )
    if count := batch.manifest_unmatched:
        yield Text(f"清单中有 {count} 行没有对应的文件。", f"{count} lines of the manifest name none of the files.")


def _new_key() -> str:
    import secrets

    return secrets.token_hex(16)


def fetched(target: Target, batch: "BatchModel", format_: Format, output: Path | None) -> ExitCode:
    """Once it is done: all results into ``output``, or on standard output. The exit code as of ``assess``."""
    client = target.client()
    if batch.state != "done":
        with _judging(batch, target.language) as told:
            client.follow(batch.id, told)
    with open_output(format_, output, target.language, several=True) as sink:
        return written(client.rows(batch.id), sink, target.language)


@contextmanager
def _uploading(size: int) -> Iterator[Callable[[int], None]]:
    console = stderr_console()
    if not console.is_terminal:
        yield lambda gone: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=size)
        yield lambda gone: progress.update(bar, completed=gone)


@contextmanager
def _judging(batch: "BatchModel", language: str) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    console = stderr_console()
    if not console.is_terminal:
        yield Lines(batch.files, language)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=batch.files, completed=batch.files - batch.waiting)

        def told(name: str, data: dict[str, Any]) -> None:
            if name == "progress":
                done = data["files"] - data["waiting"]
                progress.update(bar, completed=done, description=left(data.get("left_s"), language))

        yield told


@contextmanager
def goes_on(batch_id: str, language: str) -> Iterator[None]:
    """Say how to come back to it."""
    try:
        yield
    except KeyboardInterrupt:
        again = f"tingqing batch wait {batch_id}"
        told = Text(f"服务器会继续评估。以后再运行：{again}", f"The server goes on. Later: {again}")
        notice(told.in_language(language))
        raise


class Lines:
    """Now and then a line, for a log; called with each event's name and data."""

    def __init__(self, files: int, language: str) -> None:
        self._files = files
        self._language = language
        self._told_at = time.monotonic()

    def __call__(self, name: str, data: dict[str, Any]) -> None:
        """Tell it, if it is time."""
        if name == "progress" and time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            done, rest = self._files - data["waiting"], left(data.get("left_s"), self._language)
            told = Text(f"已完成 {done}/{self._files}。{rest}", f"{done} of {self._files} done. {rest}")
            notice(told.in_language(self._language).rstrip())


def left(seconds: float | None, language: str) -> str:
    """The time that it is likely to take."""
    if not seconds:
        return ""
    number, zh, en = (seconds, "秒", "s") if seconds < 90 else (seconds / 60, "分钟", "min")
    return Text(f"约剩 {number:.0f} {zh}", f"about {number:.0f} {en} left").in_language(language)
