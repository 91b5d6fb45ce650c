"""``tingqing batch``: hundreds of recordings to a server, and their results back."""

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
from server.values.text import Text

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
    from server.cli.batch_sending import INTERRUPTED, fetched, goes_on, parts_of, sent
    from server.cli.batch_ticket import TicketFile
    from server.cli.inputs import files_of

    chosen = _chosen(format_, output, resume=resume)
    if output is not None and not wait_:
        raise Failure(
            "--no-wait fetches no results.",
            zh="--no-wait 不取回结果。",
            hint="Leave out --out; later: tingqing batch wait ID --out FILE",
            hint_zh="请去掉 --out；以后再运行：tingqing batch wait 编号 --out 文件",
        )
    fields = {
        "reference": reference, "labels": labels, "mode": mode.value, "source": source.value, "channels": channels,
        "raw": raw, "windows": windows,
    }  # fmt: skip
    given = [(name, text) for name, text in fields.items() if text is not None]
    ticket = None if output is None else TicketFile(output)
    target = _target(server, key, language)
    with files_of(files, target.language, headerless=raw is not None, transcripts=True) as named:
        try:
            batch = sent(target, given, parts_of(named, manifest), ticket, resume)
        except KeyboardInterrupt:
            if ticket is not None:
                notice(INTERRUPTED.in_language(target.language))
            raise
        if not wait_:
            write_line(batch.id)
            raise typer.Exit(ExitCode.PASSED)
        with goes_on(batch.id, target.language):
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
    from server.cli.batch_sending import fetched, goes_on

    chosen = _chosen(format_, output)
    target = _target(server, key, language)
    with goes_on(batch_id, target.language):
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

    target = _target(server, key, language)
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

    target = _target(server, key, language)
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
    target = _target(server, key, language)
    client = target.client()
    batch = client.find(batch_id)
    if batch.state == "done":
        raise Failure(
            f"batch {batch_id} is done; there is nothing to stop.",
            zh=f"批次 {batch_id} 已完成，没有可取消的。",
            hint=f"tingqing batch delete {batch_id}",
        )
    client.delete(batch_id)
    notice(
        Text(
            f"批次 {batch_id} 已取消，{batch.waiting} 个文件没有评估。",
            f"Batch {batch_id} is cancelled; {batch.waiting} files were not judged.",
        ).in_language(target.language)
    )


@app.command(epilog=EPILOG)
@guarded
def delete(
    batch_id: IdArgument, language: LanguageOption = None, server: ServerOption = HERE, key: KeyOption = None
) -> None:
    """Delete a batch for good, with its files and results."""
    target = _target(server, key, language)
    target.client().delete(batch_id)
    notice(Text(f"批次 {batch_id} 已删除。", f"Batch {batch_id} is deleted.").in_language(target.language))


def _target(server: str, key: str | None, language: str | None) -> "Target":
    from server.cli.batch_sending import Target
    from server.settings import load_settings

    given = load_settings(key=key).key
    return Target(server, None if given is None else given.get_secret_value(), language_or_locale(language))


def _chosen(format_: BatchFormat | None, output: Path | None, *, resume: bool = False) -> "Format":
    from server.cli.outputs import check_asked, format_of

    chosen = format_of(output) if format_ is None else format_.value
    check_asked(chosen, output, resume=resume)
    return chosen
