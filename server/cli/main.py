"""The console script ``tingqing``: registers the commands.

A command's file imports only what its help text needs; the rest is imported when the command runs. So every
``--help`` answers at once, and ``assess`` never waits for a web framework.
"""

from typing import Annotated

import typer

from server import __version__
from server.cli import (
    assess,
    backup,
    batch,
    bench,
    cert,
    demo,
    doctor,
    evaluate,
    keys,
    labels,
    models,
    records,
    report,
    schema,
    serve,
    store,
    stream,
    version,
    webhooks,
)
from server.cli.console import hold_standard_streams

app = typer.Typer(
    name="tingqing",
    help=(
        "[bold]Tingqing (听清)[/bold] tells, while a patient speaks, whether a doctor will be able to use the "
        "recording.\n\nIt judges recordings, not patients. It does not diagnose."
    ),
    epilog=(
        "[bold]First steps[/bold]\n"
        "  tingqing demo              # watch a synthetic visit being judged\n"
        "  tingqing serve             # then open the printed address\n"
        "  tingqing assess visit.wav  # judge a recording\n"
        "  tingqing stream visit.wav  # judge it live, through a running server\n\n"
        "[bold]Exit codes[/bold] of assess, stream and batch: 0 passed, 1 not passed, 2 error."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tingqing {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=stream.EPILOG)(stream.stream)
app.command(epilog=assess.EPILOG)(assess.assess)
app.command(epilog=report.EPILOG)(report.report)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command(epilog=models.EPILOG)(models.models)
app.add_typer(labels.app)
app.add_typer(keys.app)
app.add_typer(webhooks.app)
app.add_typer(records.app)
app.add_typer(store.app)
app.add_typer(batch.app)
app.command(epilog=cert.EPILOG)(cert.cert)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=backup.EPILOG)(backup.backup)
app.command(epilog=backup.EPILOG)(backup.restore)
app.add_typer(bench.app)
app.command(epilog=schema.EPILOG)(schema.schema)
app.command(epilog=version.EPILOG)(version.version)


def main() -> None:
    """Entry point. Exits with the command's code; see ``server.cli.console.ExitCode``."""
    hold_standard_streams()
    app()
