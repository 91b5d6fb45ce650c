"""Getting a checkpoint into the cache: from a model hub, or from a folder somebody carried in."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.errors import SettingsError
from server.model.clap.cache import (
    CLAP_ID,
    CLAP_REVISION,
    FILES,
    OLD_WEIGHTS,
    WEIGHTS,
    Checkpoint,
    ModelCache,
    OnRead,
    missing_files,
    sha256,
)

Progress = type[Any]
"""A class in the manner of tqdm, as huggingface_hub takes it."""


def download(
    cache: ModelCache, model_id: str = CLAP_ID, revision: str | None = None, progress: Progress | None = None
) -> Checkpoint:
    """Fetch a model from the hub (huggingface.co, or ``HF_ENDPOINT``) and keep it. Blocks for minutes.

    ``revision``: the pinned commit for the model we know, else what the hub calls ``main``. Every file is compared
    with the checksum that the hub names, ``.bin`` weights become safetensors. What arrived of a download that broke
    off is kept: the next one goes on from there. Raises SettingsError.
    """
    # The first thing that touches a network, in the only command that does.
    from huggingface_hub import HfApi  # noqa: PLC0415 - half a second

    asked = revision or (CLAP_REVISION if model_id == CLAP_ID else "main")
    try:
        info = HfApi().model_info(model_id, revision=asked, files_metadata=True, timeout=30)
        commit = info.sha or asked
        named = {file.rfilename: file for file in info.siblings or []}
        weights = WEIGHTS if WEIGHTS in named else OLD_WEIGHTS
        if weights not in named:
            raise SettingsError(f"{model_id} has no {WEIGHTS} and no {OLD_WEIGHTS}: it is no model that can be used.")
        wanted = [name for name in (*FILES, OLD_WEIGHTS) if name in named and name not in {WEIGHTS, OLD_WEIGHTS}]
        with cache.locked():
            _get(cache, model_id, commit, [named[name] for name in (*wanted, weights)], progress)
    except SettingsError:
        raise
    except Exception as error:
        raise SettingsError(_why_not(model_id, asked, error)) from error
    return Checkpoint(model_id, commit, cache.place(model_id, commit))


def _get(cache: ModelCache, model_id: str, commit: str, told: Sequence[Any], progress: Progress | None) -> None:
    """Fetch, compare and keep the files of a commit, each a ``RepoSibling``."""
    arriving = cache.arriving(model_id, commit)
    for one in told:
        _fetch(model_id, commit, one, arriving / one.rfilename, progress)
    damaged = [one.rfilename for one in told if not _is_as_told(arriving, one)]
    if damaged:
        shutil.rmtree(arriving)
        raise SettingsError(
            f"{damaged[0]} of {model_id} arrived damaged: its SHA-256 is another than the hub says. Try again."
        )
    with cache.putting(model_id, commit) as folder:
        for path in [path for path in arriving.iterdir() if path.is_file()]:
            path.rename(folder / path.name)
        _complete(folder)
    shutil.rmtree(arriving)


def _fetch(model_id: str, commit: str, told: Any, path: Path, progress: Progress | None) -> None:
    """The rest of one file. huggingface_hub tries five times to go on after a line that broke, and then raises.

    Not its ``snapshot_download``: since version 2 that begins each file anew in the next process.
    """
    from huggingface_hub import hf_hub_url  # noqa: PLC0415 - see download
    from huggingface_hub.file_download import http_get  # noqa: PLC0415 - see download
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - exported, but lazily
        build_hf_headers,
    )

    if path.is_file() and path.stat().st_size > told.size:
        path.unlink()
    with path.open("ab") as file:
        try:
            http_get(
                hf_hub_url(model_id, told.rfilename, revision=commit),
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=told.size,
                displayed_filename=told.rfilename,
                tqdm_class=progress,
            )
        except OSError as error:
            if error.errno is None:
                # It came to an end with another length: this is no beginning of the file, but something else.
                path.unlink()
            raise


def _is_as_told(folder: Path, told: Any) -> bool:
    """Compare a file with its ``RepoSibling``: large ones have a SHA-256, others the name that git gives content."""
    path: Path = folder / told.rfilename
    if told.lfs is not None:
        return bool(sha256(path) == told.lfs.sha256)
    content = path.read_bytes()
    name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return told.blob_id in {None, name}


def _why_not(model_id: str, revision: str, error: Exception) -> str:
    """One sentence and a way out. What a hub, a mirror, a proxy or a disk can do is beyond a list of exceptions."""
    from huggingface_hub import errors  # noqa: PLC0415 - see download

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model_id} has no revision {revision} on this hub."
    if status in {401, 403}:
        return (
            f"The hub does not give {model_id} to strangers ({status}), or has no such model. "
            "A name for it: HF_TOKEN. Another hub: HF_ENDPOINT."
        )
    if status == 404:
        return f"There is no model {model_id} on this hub. Check its name; another hub: HF_ENDPOINT."
    first = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    return (
        f"{model_id} cannot be downloaded: {first}. What arrived is kept; run the command again to go on. A mirror is "
        "named by HF_ENDPOINT; without a network: tingqing models import DIR."
    )


def import_folder(
    cache: ModelCache, source: Path, model_id: str = CLAP_ID, on_read: OnRead | None = None
) -> Checkpoint:
    """Copy a folder in the Hugging Face layout (ModelScope has the same) into the cache; ``.bin`` becomes safetensors.

    The revision is what the weights hash to, for which they are read once, and ``on_read`` told. Raises SettingsError
    where the folder is no checkpoint.
    """
    if not source.is_dir():
        raise SettingsError(f"{source} is no folder.")
    weights = weights_in(source)
    if weights is None:
        raise SettingsError(f"There are no weights in {source}: neither {WEIGHTS} nor {OLD_WEIGHTS}.")
    try:
        revision = sha256(weights, on_read)[:12]
        with cache.locked(), cache.putting(model_id, revision) as folder:
            for name in FILES:
                if (source / name).is_file() and name != WEIGHTS:
                    shutil.copyfile(source / name, folder / name)
            if weights.name == WEIGHTS:
                shutil.copyfile(weights, folder / WEIGHTS)
            else:
                convert(weights, folder / WEIGHTS)
            _complete(folder)
    except OSError as error:
        where = f" ({error.filename2 or error.filename})" if error.filename is not None else ""
        raise SettingsError(f"{source} cannot be imported: {error.strerror or error}{where}.") from error
    return Checkpoint(model_id, revision, cache.place(model_id, revision))


def weights_in(folder: Path) -> Path | None:
    """The file of weights in a folder, safetensors before older ones."""
    return next((folder / name for name in (WEIGHTS, OLD_WEIGHTS) if (folder / name).is_file()), None)


def convert(old: Path, new: Path) -> None:
    """``.bin`` weights to safetensors. Nothing in the file is run: ``weights_only``. Raises SettingsError."""
    import torch  # noqa: PLC0415 - only where there is something to convert
    from safetensors.torch import save_file  # noqa: PLC0415 - see above

    try:
        weights = torch.load(old, map_location="cpu", weights_only=True)
        tensors = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    except Exception as error:
        # A file that is none, or one that would run code, ends in errors of pickle, zip and torch alike.
        raise SettingsError(f"{old.name} holds no plain weights: {type(error).__name__}.") from error
    save_file(tensors, new, metadata={"format": "pt"})


def _complete(folder: Path) -> None:
    """Convert old weights, and raise SettingsError where something is missing or of another model."""
    if (folder / OLD_WEIGHTS).is_file():
        if not (folder / WEIGHTS).is_file():
            convert(folder / OLD_WEIGHTS, folder / WEIGHTS)
        (folder / OLD_WEIGHTS).unlink()
    missing = missing_files(os.listdir(folder))
    if missing:
        raise SettingsError(f"This is no CLAP checkpoint: {', '.join(missing)}.")
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (ValueError, TypeError, KeyError):
        kind = None
    if kind != "clap":
        raise SettingsError("This is no CLAP checkpoint: its config.json is another model's, or damaged.")
