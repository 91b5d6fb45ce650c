"""``tingqing records``: results that are kept, out, in, away and counted."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, TypeVar

import typer

from server.cli.console import Failure, guarded, stderr_console, stdout_console, write_line
from server.cli.keys import OPERATOR, Format
from server.cli.stored import StoreFlags, must_be_there, stored

if TYPE_CHECKING:
    from server.records.ports import Day
    from server.records.statistics import Share
    from server.store.database import Where
    from server.store.records import StoredRecords

T = TypeVar("T")

EPILOG = """\
[bold]Examples[/bold]
  tingqing records stats --data-dir /var/lib/tingqing
  tingqing records export results.jsonl --site ward-3 --data-dir /var/lib/tingqing
  tingqing records import results.jsonl --data-dir /srv/new
  tingqing records prune --older-than 7 --data-dir /var/lib/tingqing

All of them also while a server runs.
"""

IMPORTED = "records.imported"
"""In the audit. The one command that may find no database yet."""

app = typer.Typer(
    name="records",
    help="Export, import, delete and count the results that are kept.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

AT_ONCE = 200
USUAL_DAYS = 30

SitesOption = Annotated[
    list[str] | None, typer.Option("--site", metavar="NAME", help="This site alone; repeatable. Default: all.")
]


@app.command(epilog=EPILOG)
@guarded
@stored
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; - for standard output.", show_default=False)],
    site: SitesOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Write each kept result as a line of JSON, with the result in full.

    The file is readable by its owner alone: it holds references and metadata.
    """
    from server.records.lines import line_of

    if str(file) != "-" and file.exists() and not force:
        raise Failure(f"{file} exists already.", hint="Pass --force to replace it.")

    async def use(records: "StoredRecords") -> int:
        count = 0
        with nullcontext(sys.stdout) if str(file) == "-" else _own(file) as target:
            async for record in records.everything(site or None):
                target.write(line_of(record) + "\n")
                count += 1
        return count

    count = _with_records(store, use, "records.exported")
    stderr_console().print(f"{count} results written.")


def _own(file: Path) -> TextIO:
    file.touch(mode=0o600)
    file.chmod(0o600)
    return file.open("w", encoding="utf-8")


@app.command("import", epilog=EPILOG)
@guarded
@stored
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As export wrote it.", exists=True, dir_okay=False)],
    store: StoreFlags = StoreFlags(),
) -> None:
    """Add the results of an export; those that are there already stay as they are.

    What they add is counted. Retention holds for them too. Results of days, dictionaries and departments of which
    some were deleted here by age are passed over: they may be in the figures already.
    """
    from server.records.lines import record_of_line

    async def use(records: "StoredRecords") -> tuple[int, int, int]:
        added = passed = read = 0
        with file.open(encoding="utf-8") as lines:
            batch = []
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    batch.append(record_of_line(line))
                except ValueError as error:
                    raise Failure(f"{file}:{number}: {error}", hint="Nothing from this line on was added.") from None
                read += 1
                if len(batch) == AT_ONCE:
                    done, over = await records.add(batch)
                    added, passed, batch = added + done, passed + over, []
            done, over = await records.add(batch)
            return added + done, passed + over, read

    added, passed, read = _with_records(store, use, IMPORTED)
    stderr_console().print(f"{added} results added, {read - added - passed} were there already.")
    if passed:
        stderr_console().print(f"{passed} passed over: they may have been counted here, and pruned since.")


@app.command(epilog=EPILOG)
@guarded
@stored
def prune(
    older_than: Annotated[
        int, typer.Option("--older-than", min=0, metavar="DAYS", help="Delete what ended more days ago; 0: all.")
    ],
    vacuum: Annotated[bool, typer.Option("--vacuum", help="Give the space back; sessions wait meanwhile.")] = False,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Delete old results of all sites for good. What was counted of them stays."""
    from server.access.gate import utc_now

    async def use(records: "StoredRecords") -> int:
        pruned = await records.prune(utc_now() - timedelta(days=older_than))
        if vacuum:
            await records.vacuum()
        return pruned

    stderr_console().print(f"{_with_records(store, use, 'records.pruned')} results deleted.")


@app.command(epilog=EPILOG)
@guarded
@stored
def stats(
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day. Default: 30 days in all.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: today.")
    ] = None,
    site: SitesOption = None,
    format_: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Show for each site how many recordings were good at once, and in the end."""
    from rich.table import Table

    from server.access.gate import utc_now
    from server.records.kept import local_day
    from server.records.statistics import by

    last = date.fromisoformat(local_day(utc_now())) if until is None else until.date()
    first = last - timedelta(days=USUAL_DAYS - 1) if since is None else since.date()

    async def use(records: "StoredRecords") -> "list[Day]":
        return await records.all_days(site or None, first.isoformat(), last.isoformat())

    found = by(_with_records(store, use), lambda day: day.bucket.site)
    if format_ is Format.JSON:
        from dataclasses import asdict

        write_line(json.dumps([{"site": name, **asdict(each)} for name, each in found], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("site", "recordings", "good at once", "in the end", "again", "prompts followed"):
        table.add_column(title)
    for name, each in found:
        shares = (each.first_pass, each.in_the_end, each.retried, each.followed)
        table.add_row(name, str(each.results), *map(_share, shares))
    stdout_console().print(table)


def _share(share: "Share") -> str:
    if share.rate is None or share.low is None or share.high is None:
        return "-"
    return f"{share.rate:.0%} ({share.low:.0%} to {share.high:.0%}) of {share.total}"


def _with_records(store: StoreFlags, use: "Callable[[StoredRecords], Awaitable[T]]", act: str | None = None) -> T:
    """``act``: what the audit says first."""
    _, where = store.opened("results")
    if act != IMPORTED:
        must_be_there(where)
    return asyncio.run(_used(where, use, act))


async def _used(where: "Where", use: "Callable[[StoredRecords], Awaitable[T]]", act: str | None) -> T:
    from server.access.audit import Act, AuditEntry
    from server.access.gate import utc_now
    from server.store.audit import StoredAudit
    from server.store.database import open_database
    from server.store.records import StoredRecords

    async with open_database(where) as database:
        if act is not None:
            await StoredAudit(database).add(AuditEntry(utc_now(), OPERATOR, "", Act(act), "", ""))
        return await use(StoredRecords(database))
