"""Puts a checkpoint into the cache, from a model hub or from a folder."""

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
"""A tqdm-like class, as huggingface_hub expects."""


def download(
    cache: ModelCache, model_id: str = CLAP_ID, revision: str | None = None, progress: Progress | None = None
) -> Checkpoint:
    """Download a model from the hub (huggingface.co, or ``HF_ENDPOINT``) into the cache. Blocks for minutes.

    ``revision``: by default the pinned commit for the known model, else the hub's ``main``. Every file is compared
    with the hub's checksum; ``.bin`` weights become safetensors. An interrupted download is kept, and the next one
    resumes it. Raises SettingsError.
    """
    # The first use of the network, in the only command that uses it.
    from huggingface_hub import HfApi  # noqa: PLC0415 - half a second

    asked = revision or (CLAP_REVISION if model_id == CLAP_ID else "main")
    try:
        info = HfApi().model_info(model_id, revision=asked, files_metadata=True, timeout=30)
        commit = info.sha or asked
        named = {file.rfilename: file for file in info.siblings or []}
        weights = WEIGHTS if WEIGHTS in named else OLD_WEIGHTS
        if weights not in named:
            raise SettingsError(f"{model_id} cannot be used: it has neither {WEIGHTS} nor {OLD_WEIGHTS}.")
        wanted = [name for name in (*FILES, OLD_WEIGHTS) if name in named and name not in {WEIGHTS, OLD_WEIGHTS}]
        with cache.locked():
            _get(cache, model_id, commit, [named[name] for name in (*wanted, weights)], progress)
    except SettingsError:
        raise
    except Exception as error:
        raise SettingsError(_why_not(model_id, asked, error)) from error
    return Checkpoint(model_id, commit, cache.place(model_id, commit))


def _get(cache: ModelCache, model_id: str, commit: str, told: Sequence[Any], progress: Progress | None) -> None:
    """Download, verify and keep the files of a commit, each a ``RepoSibling``."""
    arriving = cache.arriving(model_id, commit)
    for one in told:
        _fetch(model_id, commit, one, arriving / one.rfilename, progress)
    damaged = [one.rfilename for one in told if not _is_as_told(arriving, one)]
    if damaged:
        shutil.rmtree(arriving)
        raise SettingsError(f"{damaged[0]} of {model_id} is damaged: its SHA-256 differs from the hub's. Try again.")
    with cache.putting(model_id, commit) as folder:
        for path in [path for path in arriving.iterdir() if path.is_file()]:
            path.rename(folder / path.name)
        _complete(folder)
    shutil.rmtree(arriving)


def _fetch(model_id: str, commit: str, told: Any, path: Path, progress: Progress | None) -> None:
    """Download the rest of one file. huggingface_hub resumes five times after a lost connection, then raises.

    ``snapshot_download`` is not used: since version 2 it restarts each file in the next process.
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
                # The file ended with another length: what is on disk is not the beginning of this file.
                path.unlink()
            raise


def _is_as_told(folder: Path, told: Any) -> bool:
    """Whether a file matches its ``RepoSibling``: large files have a SHA-256, others the git blob id."""
    path: Path = folder / told.rfilename
    if told.lfs is not None:
        return bool(sha256(path) == told.lfs.sha256)
    content = path.read_bytes()
    name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return told.blob_id in {None, name}


def _why_not(model_id: str, revision: str, error: Exception) -> str:
    """The cause in one sentence, and what to do. A hub, a mirror, a proxy or a disk can fail in more ways than a list
    of exceptions covers.
    """
    from huggingface_hub import errors  # noqa: PLC0415 - see download

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model_id} has no revision {revision} on this hub."
    if status in {401, 403}:
        return (
            f"Access to {model_id} was denied ({status}), or there is no such model. Set HF_TOKEN. "
            "For another hub, set HF_ENDPOINT."
        )
    if status == 404:
        return f"There is no model {model_id} on this hub. Check its name. For another hub, set HF_ENDPOINT."
    first = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    return (
        f"{model_id} cannot be downloaded: {first}. To resume, run the command again. For a mirror, set HF_ENDPOINT. "
        "Without a network: tingqing models import DIR."
    )


def import_folder(
    cache: ModelCache, source: Path, model_id: str = CLAP_ID, on_read: OnRead | None = None
) -> Checkpoint:
    """Copy a folder in the Hugging Face layout (ModelScope uses the same) into the cache; ``.bin`` becomes safetensors.

    The revision is a hash of the weights, which are read once for it; ``on_read`` reports progress. Raises
    SettingsError if the folder is not a checkpoint.
    """
    if not source.is_dir():
        raise SettingsError(f"{source} is not a folder.")
    weights = weights_in(source)
    if weights is None:
        raise SettingsError(f"No weights in {source}: neither {WEIGHTS} nor {OLD_WEIGHTS} is there.")
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
    """The weights file in a folder; safetensors are preferred."""
    return next((folder / name for name in (WEIGHTS, OLD_WEIGHTS) if (folder / name).is_file()), None)


def convert(old: Path, new: Path) -> None:
    """Convert ``.bin`` weights to safetensors without running anything in them (``weights_only``). Raises
    SettingsError.
    """
    import torch  # noqa: PLC0415 - only where there is something to convert
    from safetensors.torch import save_file  # noqa: PLC0415 - see above

    try:
        weights = torch.load(old, map_location="cpu", weights_only=True)
        tensors = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    except Exception as error:
        # A file of another kind, or one that would run code, raises errors of pickle, zip and torch alike.
        raise SettingsError(f"{old.name} contains no plain weights: {type(error).__name__}.") from error
    save_file(tensors, new, metadata={"format": "pt"})


def _complete(folder: Path) -> None:
    """Convert old weights. Raises SettingsError if something is missing or belongs to another model."""
    if (folder / OLD_WEIGHTS).is_file():
        if not (folder / WEIGHTS).is_file():
            convert(folder / OLD_WEIGHTS, folder / WEIGHTS)
        (folder / OLD_WEIGHTS).unlink()
    missing = missing_files(os.listdir(folder))
    if missing:
        raise SettingsError(f"This is not a CLAP checkpoint: {', '.join(missing)}.")
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (ValueError, TypeError, KeyError):
        kind = None
    if kind != "clap":
        raise SettingsError("This is not a CLAP checkpoint: its config.json is damaged or belongs to another model.")
