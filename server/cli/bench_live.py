"""``tingqing bench live``: how late updates come under load, and how many sessions a server holds."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import Failure, compact_json, guarded, stdout_console, write_line

EPILOG = """\
[bold]Examples[/bold]
  tingqing bench live --sessions 20 --seconds 60
  tingqing bench live --find --file visit.wav          # the most sessions with p95 under 500 ms
  tingqing bench live --clap stand-in --sessions 10    # with CLAP of random weights
  tingqing bench live --server https://host --key tq_… --report load.html
"""


@guarded
def live(
    sessions: Annotated[
        int,
        typer.Option("--sessions", min=1, max=512, metavar="N", help="Patients at once; with --find, the first try."),
    ] = 20,
    seconds: Annotated[
        float, typer.Option("--seconds", min=4, max=7000, metavar="S", help="Audio of each patient.")
    ] = 30.0,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="F", help="What the patients say, repeated. Default: the visit of the demo."),
    ] = None,
    clap: Annotated[
        str,
        typer.Option(
            "--clap", metavar="off|auto|stand-in|MODEL", help="CLAP of the measured server; stand-in: random weights."
        ),
    ] = "off",
    mos: Annotated[bool, typer.Option("--mos/--no-mos", help="DNSMOS of the measured server.")] = True,
    labels: Annotated[str | None, typer.Option("--labels", help="Labels of each session.")] = None,
    observers: Annotated[int, typer.Option("--observers", min=0, metavar="M", help="Doctors of each session.")] = 0,
    spread: Annotated[
        float, typer.Option("--spread", min=0, metavar="S", help="Seconds over which the patients come.")
    ] = 5.0,
    most: Annotated[bool, typer.Option("--find", help="Search for the most sessions with p95 under 500 ms.")] = False,
    probes: Annotated[int, typer.Option("--probes", min=1, metavar="N", help="Tries of --find, at most.")] = 6,
    admission: Annotated[
        str | None,
        typer.Option(
            "--admission", metavar="measured|whole|fixed", help="As of serve. Default: measured; with --find: fixed."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, metavar="W", help="Processes of the measured server.")
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="A running server instead of one of its own.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Key for --server. (TINGQING_KEY)")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on the last line; everything else goes to stderr.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the table as a page of HTML too.")
    ] = None,
) -> None:
    """Patients in processes of their own speak in real time; lag is measured where they are.

    Lag runs from the moment at which a window's last sample was due, if the
    patient speaks by the clock, to the arrival of its update.
    """
    import asyncio

    from server.cli.bench_report import page, table
    from server.cli.bench_server import STAND_IN
    from server.client.load.measuring import Load, find, measure
    from server.settings import load_settings

    if server is None and clap == STAND_IN:
        from server.model.clap.extra import need_extra

        need_extra(f"--clap {STAND_IN}")
    given = load_settings(key=key).key
    load = Load(seconds, file, labels, observers, spread, None if given is None else given.get_secret_value())
    settings = {
        "clap": clap,
        "mos": mos,
        "max_sessions": 512 if most else max(64, sessions),
        "max_observers": max(32, observers),
        "admission": admission or ("fixed" if most else "measured"),
    } | ({} if workers is None else {"workers": workers})
    if most:
        told = asyncio.run(find(load, sessions, probes, server, settings))
    else:
        told = asyncio.run(measure(load, sessions, server, settings))
    if report is not None:
        _write(report, page(told))
    if as_json:
        write_line(compact_json(told))
    else:
        table(stdout_console(), told)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}.") from None
