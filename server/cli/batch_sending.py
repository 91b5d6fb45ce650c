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


@contextmanager
def refusals(language: str) -> Iterator[None]:
    """What the server refuses, in the reader's language."""
    try:
        yield
    except RefusedError as error:
        raise Failure(said(error, language), hint=error.hint) from None


def parts_of(named: Sequence[tuple[str, Path]], manifest: Path | None) -> list[FilePart]:
    """Raises Failure for a file that cannot be sent; what is in it is for the server to judge."""
    given = [("file", name, path) for name, path in named]
    if manifest is not None:
        given.append(("manifest", manifest.name, manifest))
    parts = []
    for field, name, path in given:
        try:
            if not path.is_file():
                raise Failure(f"{name}: no such file.")
            parts.append(FilePart(field, name, path, path.stat().st_size))
        except OSError as error:
            raise Failure(f"{name}: {error.strerror}.") from None
    return parts


def sent(
    target: Target,
    fields: Sequence[tuple[str, str]],
    parts: Sequence[FilePart],
    ticket: TicketFile | None,
    resume: bool,
) -> "BatchModel":
    """The batch, as it came in, or as it is if an interrupted run had sent it. Says its id on standard error."""
    client = target.client()
    begun = Ticket("", "", "")
    if ticket is not None:
        begun = ticket.begin(server_url(target.url), asked_digest(fields, parts), resume=resume)
    if begun.batch_id is not None:
        batch = client.find(begun.batch_id, PATIENCE_S)
        notice(f"Batch {batch.id} is at the server already.")
        return batch
    with _uploading(sum(part.size for part in parts)) as advance:
        batch = client.send(Form(fields, parts), begun.key or _new_key(), advance)
    if ticket is not None:
        ticket.came_in(begun, batch.id)
    refused = f", {batch.refused} refused" if batch.refused else ""
    notice(f"Batch {batch.id}: {batch.files} recordings{refused}.")
    if batch.manifest_unmatched:
        notice(f"{batch.manifest_unmatched} lines of the manifest name none of the files.")
    return batch


def _new_key() -> str:
    import secrets

    return secrets.token_hex(16)


def fetched(target: Target, batch: "BatchModel", format_: Format, output: Path | None) -> ExitCode:
    """Once it is done: all results into ``output``, or on standard output. The exit code as of ``assess``."""
    client = target.client()
    if batch.state != "done":
        with _judging(batch) as told:
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
def _judging(batch: "BatchModel") -> Iterator[Callable[[str, dict[str, Any]], None]]:
    console = stderr_console()
    if not console.is_terminal:
        yield _Lines(batch.files)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=batch.files, completed=batch.files - batch.waiting)

        def told(name: str, data: dict[str, Any]) -> None:
            if name == "progress":
                progress.update(bar, completed=data["files"] - data["waiting"], description=left(data.get("left_s")))

        yield told


class _Lines:
    """Now and then a line, for a log."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._told_at = time.monotonic()

    def __call__(self, name: str, data: dict[str, Any]) -> None:
        if name == "progress" and time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            notice(f"{self._files - data['waiting']} of {self._files} done. {left(data.get('left_s'))}".rstrip())


def left(seconds: float | None) -> str:
    """The time that it is likely to take."""
    if not seconds:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"
