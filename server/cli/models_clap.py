"""The weights of CLAP, as ``tingqing models`` downloads, imports and verifies them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.cli.console import notice
from server.rendering.words import Words

if TYPE_CHECKING:
    from server.model.clap.cache import Checkpoint, ModelCache


def clap_id(name: str) -> str:
    """A model's id; ``clap`` is the pinned one."""
    from server.model.clap.cache import CLAP_ID

    return CLAP_ID if name == "clap" else name


def download_clap(cache: "ModelCache", model_id: str | None, revision: str | None, language: str) -> None:
    """Download a checkpoint from the hub, by default the pinned one. Raises SettingsError."""
    from server.model.clap.cache import CLAP_ID
    from server.model.clap.extra import need_extra

    need_extra("tingqing models download")
    from server.model.clap.fetching import download

    _done(download(cache, model_id or CLAP_ID, revision, _progress_class()), language)


def looks_like_clap(source: Path) -> bool:
    """Whether a folder could be a checkpoint, complete or not."""
    names = ("config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json")
    return source.is_dir() and any((source / name).is_file() for name in names)


def import_clap(cache: "ModelCache", source: Path, language: str) -> None:
    """Copy a checkpoint into the cache. Raises SettingsError."""
    from server.model.clap.extra import need_extra

    need_extra("tingqing models import")
    from server.model.clap.fetching import import_folder, weights_in

    weights = weights_in(source)
    with _bar("importing", weights.stat().st_size if weights else 0) as advance:
        kept = import_folder(cache, source, on_read=advance)
    _done(kept, language)


def verify_clap(cache: "ModelCache", wanted: Sequence[str], language: str) -> list[bool]:
    """Read every byte of the checkpoints with these ids, or of all, and print what was found: which are intact.

    An id that is not in the cache counts as not intact.
    """
    from server.cli.models_small import INTACT
    from server.model.clap.cache import faults

    intact = []
    checkpoints = [one for one in cache.checkpoints() if not wanted or one.id in wanted]
    for checkpoint in checkpoints:
        with _bar("checking", sum(path.stat().st_size for path in checkpoint.folder.iterdir())) as advance:
            found = faults(checkpoint, advance)
        print(f"{checkpoint.name}\t{'; '.join(found) or INTACT(language)}")
        intact.append(not found)
    for model_id in wanted:
        if model_id not in {one.id for one in checkpoints}:
            notice(Words(f"{cache.folder} 里没有 {model_id}。", f"{model_id} is not in {cache.folder}.")(language))
            intact.append(False)
    return intact


def _done(checkpoint: "Checkpoint", language: str) -> None:
    print(f"{checkpoint.name}\t{checkpoint.folder}")
    clap = "" if checkpoint.id == clap_id("clap") else f" --clap {checkpoint.id}"
    used = Words(f"tingqing serve{clap} 下次启动时就会用它。", f"tingqing serve{clap} will use it from its next start.")
    notice(used(language))


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


def _progress_class() -> Any:
    """The progress bar of huggingface_hub, on standard error, silent if that is not a terminal."""
    import sys

    from huggingface_hub.utils.tqdm import tqdm

    return tqdm if sys.stderr.isatty() else None
