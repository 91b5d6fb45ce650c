"""``tingqing version``: prints the installed versions."""

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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Print the versions of Tingqing, its protocol, Python and the main libraries.

    Reads the installed metadata only; no library is loaded.
    """
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from server import __version__
    from server.wire.base import PROTOCOL

    versions: dict[str, str | None] = {
        "tingqing": __version__,
        "protocol": PROTOCOL,
        "python": platform.python_version(),
    }
    for part in _PARTS:
        try:
            versions[part] = installed(part)
        except PackageNotFoundError:
            versions[part] = None
    if as_json:
        write_line(compact_json(versions))
        return
    for name, value in versions.items():
        typer.echo(f"{name:<13} {value or 'not installed'}")
