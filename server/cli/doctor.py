"""``tingqing doctor``: what is wrong with this installation, and the command that mends it."""

from dataclasses import asdict
from typing import Annotated

import typer

from server.cli.console import ExitCode, compact_json, guarded, language_or_locale, write_line
from server.cli.stored import StoreFlags, stored

EPILOG = """\
[bold]Examples[/bold]
  tingqing doctor
  tingqing doctor --json --data-dir /var/lib/tingqing

[bold]Exit codes[/bold]: 0 nothing fails (warnings do not count), 1 something fails, 2 a wrong setting.
"""


@guarded
@stored
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    language: Annotated[str | None, typer.Option("--language", help="zh or en. Default: the locale's.")] = None,
    store: StoreFlags = StoreFlags(),
) -> None:
    """Check Python, codecs, models, GPU, port, TLS, clock, disk, database and browsers.

    Reads the settings that serve would read (TINGQING_…). Changes nothing, and
    calls nobody but the PostgreSQL server that they name.
    """
    from server.cli.checks import examine

    chinese = language_or_locale(language).startswith("zh")
    failed = False
    for found in examine(store.settings()):
        failed = failed or found.status == "fail"
        if as_json:
            write_line(compact_json(asdict(found)))
            continue
        write_line(f"{found.status:<4}  {found.check:<9} {found.zh if chinese else found.en}")
        if found.command:
            write_line(f"{'':<16}{'修复：' if chinese else 'To mend it: '}{found.command}")
    raise typer.Exit(ExitCode.NOT_PASSED if failed else ExitCode.PASSED)
