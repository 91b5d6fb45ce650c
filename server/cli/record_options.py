"""Flags of what is kept of sessions and files."""

from enum import StrEnum
from typing import Annotated

import typer


class Keep(StrEnum):
    """What is kept of ended sessions and assessed files."""

    RESULTS = "results"
    NOTHING = "nothing"


KeepOption = Annotated[
    Keep | None,
    typer.Option(
        "--keep",
        help="[bold]results[/bold]: with --data-dir, scores, verdict, reference and metadata of each session and file, "
        "never sound nor what was said. [bold]nothing[/bold]: none. Default: results. (TINGQING_KEEP)",
    ),
]
RetainOption = Annotated[
    int | None,
    typer.Option(
        "--retain-days",
        min=1,
        max=36_500,
        metavar="DAYS",
        help="For how many days results are kept. Default: 30. (TINGQING_RETAIN_DAYS)",
    ),
]
