"""``tingqing version``: what runs here."""

from typing import Annotated

import typer

from server.cli.console import compact_json, guarded, write_line

EPILOG = """\
[bold]Examples[/bold]
  tingqing version
  tingqing version --json
"""

_PARTS = ("fastapi", "uvicorn", "websockets", "onnxruntime", "numpy", "soxr", "soundfile", "torch", "transformers")


@guarded
def version(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Print the versions of Tingqing, its protocol, Python and the main libraries.

    Reads installed metadata only: no library is loaded.
    """
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from server import __version__
    from server.wire.base import PROTOCOL

    figures: dict[str, str | None] = {
        "tingqing": __version__,
        "protocol": PROTOCOL,
        "python": platform.python_version(),
    }
    for part in _PARTS:
        try:
            figures[part] = installed(part)
        except PackageNotFoundError:
            figures[part] = None
    if as_json:
        write_line(compact_json(figures))
        return
    for name, value in figures.items():
        typer.echo(f"{name:<13} {value or 'not installed'}")
