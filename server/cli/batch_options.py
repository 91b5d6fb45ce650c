"""Flags of ``tingqing batch``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class BatchFormat(StrEnum):
    """What the results are written as; docs/cli.md shows each."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


ServerOption = Annotated[
    str, typer.Option("--server", metavar="URL", help="The server's address, with the path under which it is, if any.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Key of the site. Others on this machine can read a flag; they cannot read the variable. (TINGQING_KEY)",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--output", "--out", "-o", help="Write to this file instead of standard output.")
]
FormatOption = Annotated[
    BatchFormat | None,
    typer.Option("--format", help="Of the results, as of assess. Default: as the name of --out says, else text."),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As send and list print it.", show_default=False)]
HERE = "http://127.0.0.1:8000"


class StateOption(StrEnum):
    """The states of a batch, and all of them."""

    ALL = "all"
    WAITING = "waiting"
    JUDGING = "judging"
    DONE = "done"


class ShownFormat(StrEnum):
    """How batches are printed."""

    TEXT = "text"
    JSON = "json"


ShownOption = Annotated[ShownFormat, typer.Option("--format", help="text or json.")]
