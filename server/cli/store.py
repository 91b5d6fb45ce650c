"""``tingqing store``: the whole database, into another."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.console import Failure, guarded, notice, stderr_console
from server.cli.stored import StoreFlags, stored
from server.store.postgresql.url import DatabaseUrl

if TYPE_CHECKING:
    from server.settings import Settings
    from server.store.database import Where

EPILOG = """\
[bold]Examples[/bold]
  systemctl stop tingqing
  tingqing store copy --to postgresql://tq@db.lan/tq --data-dir /var/lib/tingqing
  tingqing store copy --to /var/lib/tingqing --database-url postgresql://tq@db.lan/tq   # and back

Stop all servers first; docs/operate.md says what follows.
"""

app = typer.Typer(
    name="store",
    help="Move all that is kept from SQLite to PostgreSQL, or back.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Told = Callable[[str, int, int], None]


@app.callback()
def _store() -> None:
    pass


@app.command(epilog=EPILOG)
@guarded
@stored
def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL|DIR",
            help="Where to: postgresql://USER@HOST/NAME, or a data folder. Others see the command line: write a "
            "password into ~/.pgpass.",
        ),
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Delete what the target holds already.")] = False,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Copy the whole database: keys, links, webhooks, results with what doctors heard, batches, figures, audit.

    All of it or nothing: after an error, or a kill, the target is as it was; run it again. The source stays as it is.
    """
    settings, source = store.opened("what is to be copied")
    target = _target(to)
    copied = asyncio.run(_copied(settings, source, target, replace))
    rows = ", ".join(f"{name} {count}" for name, count in copied.items() if count)
    console = stderr_console()
    console.print(f"{target}: {sum(copied.values())} rows written ({rows or 'there were none'}).", soft_wrap=True)
    console.print(f"Serve with it from now on. {source} is as it was: delete it once you are content.", soft_wrap=True)


def _target(given: str) -> "Where":
    if "://" not in given:
        return Path(given)
    try:
        return DatabaseUrl.of(given)
    except ValueError as error:
        raise Failure(f"--to: {error}") from None


async def _copied(settings: "Settings", source: "Where", target: "Where", replace: bool) -> Mapping[str, int]:
    from server.store.copying import copy_all, in_use
    from server.store.database import open_database
    from server.store.presence import place_of

    if source == target:
        raise Failure("source and target are the same database.")
    async with open_database(source) as there, open_database(target) as here:
        for where in (source, target):
            if await in_use(where):
                raise Failure(
                    f"a server uses {where}: what it writes meanwhile would be missing. 服务器仍在使用该数据库。",
                    hint="Stop all servers first: systemctl stop tingqing",
                )
        place = None
        if isinstance(source, Path):
            place = place_of(here, source)
        elif settings.data_dir is not None and isinstance(target, DatabaseUrl):
            place = place_of(here, settings.data_dir)
        with _progress() as told:
            return await copy_all(there, here, replace=replace, place=place, told=told)


@contextmanager
def _progress() -> Iterator[Told]:
    console = stderr_console()
    if not console.is_terminal:
        yield _said
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        bar = progress.add_task("", total=None)
        yield lambda table, done, of: progress.update(bar, description=table, completed=done, total=of)


def _said(table: str, done: int, of: int) -> None:
    """For a log: one line for each table that holds something."""
    if of and done == of:
        notice(f"{table}: {done} rows")
