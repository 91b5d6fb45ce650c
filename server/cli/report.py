"""``tingqing report``: results as a page, of files and of live sessions alike."""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import ExitCode, Failure, guarded, language_or_locale
from server.cli.options import LanguageOption

EPILOG = """\
[bold]Examples[/bold]
  tingqing report results.jsonl --out report.html
  curl -s -H "Authorization: Bearer $KEY" https://clinic.example/v1/sessions/ID | tingqing report - -o visit.html
  tingqing report visit.json --language zh > visit.html   # then print it: the page is made for A4

[bold]Exit codes[/bold]: 0 done, 2 something is no result.
"""


@guarded
def report(
    results: Annotated[
        list[Path],
        typer.Argument(help="Results as JSON or JSON lines, of assess or of a session; - for standard input."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="Write to this file instead of standard output.")
    ] = None,
    language: LanguageOption = None,
) -> None:
    """Write results as one page, to be read, printed and passed on.

    A page of its own: styles and drawings are inside, and it loads nothing.
    """
    from server.cli.outputs import open_output
    from server.cli.results_read import results_in

    with open_output("html", output, language_or_locale(language), several=True) as page:
        found = 0
        for path in results:
            for one in results_in(path):
                page.add(one)
                found += 1
        if not found:
            raise Failure(
                "there is no result in it.",
                zh="里面没有结果。",
                hint="Make one: tingqing assess visit.wav --format json",
                hint_zh="先生成一个：tingqing assess visit.wav --format json",
            )
    raise typer.Exit(ExitCode.PASSED)
