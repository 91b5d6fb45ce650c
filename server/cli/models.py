"""``tingqing models``: downloads, imports, verifies and lists CLAP's weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.console import ExitCode, Failure, guarded
from server.cli.options import ModelCacheOption

if TYPE_CHECKING:
    from server.model.clap.cache import Checkpoint, ModelCache

EPILOG = """\
[bold]Examples[/bold]
  tingqing models download                    # laion/clap-htsat-fused, pinned: 0.6 GB
  HF_ENDPOINT=https://mirror.example tingqing models download
  tingqing models import /media/usb/clap-htsat-fused
  tingqing models verify
  tingqing models list

[bold]Exit codes[/bold]: 0 done, 1 verify found damage or no model, 2 an error.
"""


class Action(StrEnum):
    """What is done with a checkpoint."""

    LIST = "list"
    DOWNLOAD = "download"
    VERIFY = "verify"
    IMPORT = "import"


@guarded
def models(
    action: Annotated[
        Action,
        typer.Argument(
            help="[bold]list[/bold] the cached models, [bold]download[/bold] from a hub, [bold]verify[/bold] every "
            "byte, or [bold]import[/bold] a folder.",
        ),
    ],
    what: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL|DIR]", help="A model's id, or the folder to import.", show_default=False),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Commit to download. Default: the pinned one.")
    ] = None,
    model_cache_dir: ModelCacheOption = None,
) -> None:
    """Download, import, verify and list the weights of CLAP.

    Only download uses the network: the hub named by HF_ENDPOINT, by
    default huggingface.co. For a machine without network access, download
    the weights elsewhere, copy the folder over, and import it.
    """
    from server.model.clap.cache import CLAP_ID, ModelCache
    from server.model.clap.extra import need_extra
    from server.settings import load_settings

    if action in {Action.DOWNLOAD, Action.IMPORT}:
        need_extra(f"tingqing models {action.value}")
    cache = ModelCache(load_settings(model_cache_dir=model_cache_dir).model_cache_dir)
    if action is Action.LIST:
        _list(cache)
    elif action is Action.DOWNLOAD:
        _download(cache, what or CLAP_ID, revision)
    elif action is Action.VERIFY:
        _verify(cache, what)
    elif what is None:
        raise Failure("import needs a folder.", hint="tingqing models import DIR")
    else:
        _import(cache, Path(what))


def _list(cache: "ModelCache") -> None:
    found = cache.checkpoints()
    for checkpoint in found:
        size = sum(path.stat().st_size for path in checkpoint.folder.iterdir())
        print(f"{checkpoint.name}\t{size / 1e6:.0f} MB\t{checkpoint.folder}")
    if not found:
        _tell(f"No models in {cache.folder}. To download the default model: tingqing models download")


def _download(cache: "ModelCache", model_id: str, revision: str | None) -> None:
    from server.model.clap.fetching import download

    _done(download(cache, model_id, revision, _progress_class()))


def _import(cache: "ModelCache", source: Path) -> None:
    from server.model.clap.fetching import import_folder, weights_in

    weights = weights_in(source)
    with _bar("importing", weights.stat().st_size if weights else 0) as advance:
        kept = import_folder(cache, source, on_read=advance)
    _done(kept)


def _verify(cache: "ModelCache", model_id: str | None) -> None:
    from server.model.clap.cache import faults

    checkpoints = [one for one in cache.checkpoints() if model_id in {None, one.id}]
    whole = bool(checkpoints)
    for checkpoint in checkpoints:
        with _bar("checking", sum(path.stat().st_size for path in checkpoint.folder.iterdir())) as advance:
            found = faults(checkpoint, advance)
        print(f"{checkpoint.name}\t{'; '.join(found) or 'intact'}")
        whole = whole and not found
    if not checkpoints:
        _tell(f"{model_id} is not in {cache.folder}." if model_id else f"No models in {cache.folder}.")
    raise typer.Exit(ExitCode.PASSED if whole else ExitCode.NOT_PASSED)


def _done(checkpoint: "Checkpoint") -> None:
    print(f"{checkpoint.name}\t{checkpoint.folder}")
    from server.model.clap.cache import CLAP_ID

    clap = "" if checkpoint.id == CLAP_ID else f" --clap {checkpoint.id}"
    _tell(f"tingqing serve{clap} will use it from its next start.")


@contextmanager
def _bar(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar in bytes on standard error, if it is a terminal."""
    from functools import partial

    from rich.progress import DownloadColumn, Progress

    from server.cli.console import stderr_console

    console = stderr_console()
    if not console.is_terminal:
        yield lambda _bytes: None
        return
    with Progress(*Progress.get_default_columns(), DownloadColumn(), console=console) as bar:
        task = bar.add_task(doing, total=total)
        yield partial(bar.advance, task)
        bar.update(task, completed=total)


def _tell(text: str) -> None:
    import sys

    print(text, file=sys.stderr)


def _progress_class() -> Any:
    """The progress bar of huggingface_hub, on standard error, silent if that is not a terminal."""
    import sys

    from huggingface_hub.utils.tqdm import tqdm

    return tqdm if sys.stderr.isatty() else None
