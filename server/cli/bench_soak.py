"""``tingqing bench soak``: whether sessions leave anything behind, however they end."""

from typing import Annotated

import typer

from server.cli.console import ExitCode, compact_json, guarded, write_line

EPILOG = """\
[bold]Examples[/bold]
  tingqing bench soak --sessions 10000 --at-once 16 --fast
  tingqing bench soak --hours 1 --json

[bold]Exit codes[/bold]: 0 nothing is left behind, 1 something is, 2 error.
"""
MOST_HOURS = 12.0


@guarded
def soak(
    sessions: Annotated[
        int,
        typer.Option("--sessions", min=2, max=100_000, metavar="N", help="Sessions in all, half of them broken off."),
    ] = 200,
    hours: Annotated[
        float | None,
        typer.Option(
            "--hours", min=0.001, max=MOST_HOURS, metavar="H", help="Go on for so long instead of --sessions."
        ),
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=64, metavar="N", help="Sessions at a time.")] = 8,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=600, metavar="S", help="Audio of each.")] = 5.0,
    fast: Annotated[bool, typer.Option("--fast", help="Send as fast as the server takes it.")] = False,
    settle: Annotated[
        float,
        typer.Option("--settle", min=0, max=600, metavar="S", help="Longest wait until all sessions are forgotten."),
    ] = 300.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on the last line; everything else goes to stderr.")
    ] = False,
) -> None:
    """Open and close sessions on a server of its own, on this machine; half of them break off without a close.

    Compares memory, tasks, threads and descriptors of the server before, half-way and after, once all sessions are
    forgotten. Before, as many sessions run as the server can hold. Memory may grow by 2 %.
    """
    import asyncio

    from server.cli.bench_soaking import Soak, run

    told = asyncio.run(run(Soak(sessions, hours, at_once, seconds, "fast" if fast else "realtime", settle)))
    if as_json:
        write_line(compact_json(told))
    else:
        for name in ("before", "half", "after"):
            print(f"{name:<8}" + "  ".join(f"{key} {value}" for key, value in told[name].items()))
        print(
            f"{told['sessions']} sessions, {told['broken_off']} of them broken off, errors: {told['errors'] or '–'}; "
            f"left behind: {told['left'] or '–'}"
        )
    raise typer.Exit(ExitCode.NOT_PASSED if told["left"] else ExitCode.PASSED)
