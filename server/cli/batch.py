"""``tingqing batch``: hundreds of recordings to a server, and their results back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.batch_options import (
    HERE,
    BatchFormat,
    FormatOption,
    IdArgument,
    KeyOption,
    OutOption,
    ServerOption,
    ShownFormat,
    ShownOption,
    StateOption,
)
from server.cli.console import (
    ExitCode,
    Failure,
    guarded,
    language_or_locale,
    notice,
    stderr_console,
    stdout_console,
    write_line,
)
from server.cli.options import (
    ChannelsOption,
    LabelsOption,
    LanguageOption,
    ModeOption,
    RawOption,
    RecordedSource,
    SourceOption,
)
from server.values.mode import Mode

if TYPE_CHECKING:
    from server.cli.batch_sending import Target
    from server.cli.outputs import Format

EPILOG = """\
[bold]Examples[/bold]
  tingqing batch send recordings/ --out results.xlsx       # send, wait, write a table
  tingqing batch send monday.zip *.m4a --manifest refs.csv --out results.html
  tingqing batch send recordings/ --out results.xlsx --resume   # go on after an interruption
  tingqing batch send big.zip --no-wait                    # prints the batch's id
  tingqing batch wait 0c9be1ac… --out results.jsonl
  tingqing batch list --state judging
  tingqing batch show 0c9be1ac…
  tingqing batch cancel 0c9be1ac…                          # of one that is not done
  tingqing batch delete 0c9be1ac…                          # with its results

TINGQING_KEY holds the site's key, of role integrator or admin; docs/batches.md has the rest.

[bold]Exit codes[/bold] of send and wait: 0 every recording passed, 1 at least one did not pass, 2 error, also if a
recording was refused. The others: 0 done, 2 error.
"""

app = typer.Typer(
    name="batch",
    help="Send hundreds of recordings to a server, and fetch their results.\n\n"
    "The server judges them after live sessions. It goes on when this command ends.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog=EPILOG)
@guarded
def send(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings, ZIP archives of them, folders, patterns ('*.wav'), or - for standard input.",
            show_default=False,
        ),
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="References by file name: CSV with the columns file, reference, attempt_of, or JSON.",
        ),
    ] = None,
    output: OutOption = None,
    format_: FormatOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --out: go on with the batch that an interrupted run began.")
    ] = False,
    wait_: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the results; otherwise print the batch's id.")
    ] = True,
    reference: Annotated[str | None, typer.Option("--reference", help="Your own id for the batch.")] = None,
    labels: LabelsOption = None,
    mode: ModeOption = Mode.RECORDING,
    source: SourceOption = RecordedSource.FILE,
    channels: ChannelsOption = None,
    raw: RawOption = None,
    windows: Annotated[
        str, typer.Option("--windows", metavar="none|thinned|all", help="Of how many windows each result tells.")
    ] = "none",
    language: LanguageOption = None,
    server: ServerOption = HERE,
    key: KeyOption = None,
) -> None:
    """Send recordings as one batch, wait until all are judged, and write their results as assess would.

    A folder gives what was said in visit.amr too, if there is a visit.amr.jsonl or visit.jsonl (see assess
    --transcript); where files are named, name both.

    A line that breaks, or a server that restarts, is waited for; nothing is sent twice.
    """
    from server.cli.batch_sending import fetched, parts_of, sent
    from server.cli.batch_ticket import TicketFile
    from server.cli.inputs import files_of

    chosen = _chosen(format_, output)
    if resume and output is None:
        raise Failure("--resume needs the file of the interrupted run: --out results.jsonl.")
    if output is not None and not wait_:
        raise Failure("--no-wait fetches no results.", hint="Leave out --out; later: tingqing batch wait ID --out FILE")
    fields = {
        "reference": reference, "labels": labels, "mode": mode.value, "source": source.value, "channels": channels,
        "raw": raw, "windows": windows,
    }  # fmt: skip
    given = [(name, text) for name, text in fields.items() if text is not None]
    ticket = None if output is None else TicketFile(output)
    with (
        _target(server, key, language) as target,
        files_of(files, headerless=raw is not None, transcripts=True) as named,
    ):
        try:
            batch = sent(target, given, parts_of(named, manifest), ticket, resume)
        except KeyboardInterrupt:
            if ticket is not None:
                notice("Interrupted. Run the same command with --resume: nothing is sent twice.")
            raise
        if not wait_:
            write_line(batch.id)
            raise typer.Exit(ExitCode.PASSED)
        with _goes_on(batch.id):
            code = fetched(target, batch, chosen, output)
    if ticket is not None:
        ticket.remove()
    raise typer.Exit(code)


@app.command(epilog=EPILOG)
@guarded
def wait(
    batch_id: IdArgument,
    output: OutOption = None,
    format_: FormatOption = None,
    language: LanguageOption = None,
    server: ServerOption = HERE,
    key: KeyOption = None,
) -> None:
    """Wait until a batch is done, and write its results; of one that is done, at once."""
    from server.cli.batch_sending import fetched

    chosen = _chosen(format_, output)
    with _target(server, key, language) as target, _goes_on(batch_id):
        code = fetched(target, target.client().find(batch_id), chosen, output)
    raise typer.Exit(code)


@app.command("list", epilog=EPILOG)
@guarded
def list_(
    state: Annotated[StateOption, typer.Option("--state", help="Those alone that are in it.")] = StateOption.ALL,
    last: Annotated[int, typer.Option("--last", min=1, max=10_000, metavar="N", help="How many.")] = 20,
    format_: ShownOption = ShownFormat.TEXT,
    language: LanguageOption = None,
    server: ServerOption = HERE,
    key: KeyOption = None,
) -> None:
    """Show the batches of the key's site, the latest first."""
    from server.cli.batch_table import print_batches

    with _target(server, key, language) as target:
        found = target.client().listed(state.value, last)
    if format_ is ShownFormat.JSON:
        for one in found:
            write_line(one.model_dump_json())
    else:
        print_batches(stdout_console(), found, target.language)


@app.command(epilog=EPILOG)
@guarded
def show(
    batch_id: IdArgument,
    format_: ShownOption = ShownFormat.TEXT,
    language: LanguageOption = None,
    server: ServerOption = HERE,
    key: KeyOption = None,
) -> None:
    """Show how far a batch is, and why files of it were refused."""
    from server.cli.batch_table import print_batch

    with _target(server, key, language) as target:
        client = target.client()
        batch = client.find(batch_id)
        if format_ is ShownFormat.JSON:
            write_line(batch.model_dump_json())
        else:
            print_batch(stdout_console(), batch, client.rows(batch_id) if batch.refused else (), target.language)


@app.command(epilog=EPILOG)
@guarded
def cancel(
    batch_id: IdArgument, language: LanguageOption = None, server: ServerOption = HERE, key: KeyOption = None
) -> None:
    """Stop a batch that is not done: its files are deleted, and the results that it has so far."""
    with _target(server, key, language) as target:
        client = target.client()
        batch = client.find(batch_id)
        if batch.state == "done":
            raise Failure(
                f"batch {batch_id} is done; there is nothing to stop.", hint=f"tingqing batch delete {batch_id}"
            )
        client.delete(batch_id)
    stderr_console().print(f"Batch {batch_id} is cancelled; {batch.waiting} files were not judged.", soft_wrap=True)


@app.command(epilog=EPILOG)
@guarded
def delete(
    batch_id: IdArgument, language: LanguageOption = None, server: ServerOption = HERE, key: KeyOption = None
) -> None:
    """Delete a batch for good, with its files and results."""
    with _target(server, key, language) as target:
        target.client().delete(batch_id)
    stderr_console().print(f"Batch {batch_id} is deleted.", soft_wrap=True)


@contextmanager
def _target(server: str, key: str | None, language: str | None) -> "Iterator[Target]":
    """What the server refuses is told in the person's language."""
    from server.cli.batch_sending import Target, refusals
    from server.settings import load_settings

    given, spoken = load_settings(key=key).key, language_or_locale(language)
    with refusals(spoken):
        yield Target(server, None if given is None else given.get_secret_value(), spoken)


@contextmanager
def _goes_on(batch_id: str) -> Iterator[None]:
    """Say how to come back to it."""
    try:
        yield
    except KeyboardInterrupt:
        notice(f"The server goes on. Later: tingqing batch wait {batch_id}")
        raise


def _chosen(format_: BatchFormat | None, output: Path | None) -> "Format":
    from server.cli.outputs import format_of

    if format_ is BatchFormat.XLSX and output is None:
        raise Failure("a spreadsheet is a file: name it with --out results.xlsx.")
    if format_ is not None:
        return format_.value
    return format_of(output)
