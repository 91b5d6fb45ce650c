"""Getting a checkpoint into the cache: from a model hub, or from a folder somebody carried in."""

import os
import shutil
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
    missing_files,
    sha256,
)

Progress = type[Any]
"""A class in the manner of tqdm, as huggingface_hub takes it."""


def download(
    cache: ModelCache, model_id: str = CLAP_ID, revision: str | None = None, progress: Progress | None = None
) -> Checkpoint:
    """Fetch a model from the hub (huggingface.co, or ``HF_ENDPOINT``) and keep it. Blocks for minutes.

    ``revision``: the pinned commit for the model we know, else what the hub calls ``main``. Every weight file is
    compared with the checksum that the hub names, ``.bin`` weights become safetensors. Raises SettingsError.
    """
    # The first thing that touches a network, in the only command that does.
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415 - half a second

    asked = revision or (CLAP_REVISION if model_id == CLAP_ID else "main")
    try:
        info = HfApi().model_info(model_id, revision=asked, files_metadata=True, timeout=30)
        commit = info.sha or asked
        named = {file.rfilename: file for file in info.siblings or []}
        weights = WEIGHTS if WEIGHTS in named else OLD_WEIGHTS
        wanted = [name for name in (*FILES, OLD_WEIGHTS) if name in named and name not in {WEIGHTS, OLD_WEIGHTS}]
        with cache.putting(model_id, commit) as folder:
            snapshot_download(
                model_id, revision=commit, local_dir=folder, allow_patterns=[*wanted, weights], tqdm_class=progress
            )
            shutil.rmtree(folder / ".cache", ignore_errors=True)
            expected = getattr(getattr(named.get(weights), "lfs", None), "sha256", None)
            if expected and sha256(folder / weights) != expected:
                raise SettingsError(f"{weights} of {model_id} arrived damaged: its SHA-256 is another. Try again.")
            _complete(folder)
    except SettingsError:
        raise
    except Exception as error:
        # What a hub, a mirror, a proxy or a disk can do to a download is beyond a list of exceptions.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SettingsError(
            f"{model_id} cannot be downloaded: {first}. A mirror is named by HF_ENDPOINT; "
            "without a network: tingqing models import DIR."
        ) from error
    return Checkpoint(model_id, commit, cache.place(model_id, commit))


def import_folder(cache: ModelCache, source: Path, model_id: str = CLAP_ID) -> Checkpoint:
    """Copy a folder in the Hugging Face layout (ModelScope has the same) into the cache; ``.bin`` becomes safetensors.

    The revision is what the weights hash to. Raises SettingsError where the folder is no checkpoint.
    """
    if not source.is_dir():
        raise SettingsError(f"{source} is no folder.")
    weights = next((source / name for name in (WEIGHTS, OLD_WEIGHTS) if (source / name).is_file()), None)
    if weights is None:
        raise SettingsError(f"There are no weights in {source}: neither {WEIGHTS} nor {OLD_WEIGHTS}.")
    revision = sha256(weights)[:12]
    try:
        with cache.putting(model_id, revision) as folder:
            for name in FILES:
                if (source / name).is_file() and name != WEIGHTS:
                    shutil.copyfile(source / name, folder / name)
            if weights.name == WEIGHTS:
                shutil.copyfile(weights, folder / WEIGHTS)
            else:
                convert(weights, folder / WEIGHTS)
            _complete(folder)
    except OSError as error:
        raise SettingsError(f"{source} cannot be imported: {error.strerror or error}.") from error
    return Checkpoint(model_id, revision, cache.place(model_id, revision))


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
    """Convert old weights, and raise SettingsError where something is missing."""
    if (folder / OLD_WEIGHTS).is_file():
        if not (folder / WEIGHTS).is_file():
            convert(folder / OLD_WEIGHTS, folder / WEIGHTS)
        (folder / OLD_WEIGHTS).unlink()
    missing = missing_files(os.listdir(folder))
    if missing:
        raise SettingsError(f"This is no CLAP checkpoint: {', '.join(missing)}.")
