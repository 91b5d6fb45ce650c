"""Finds the checkpoint that ``--clap`` names. Reads only the disk: no torch, no network."""

import logging
import re
from pathlib import Path

from server.errors import SettingsError
from server.model.clap.cache import CLAP_ID, MANIFEST, OLD_WEIGHTS, WEIGHTS, Checkpoint, ModelCache, faults, sha256
from server.model.clap.extra import INSTALL, missing_packages, need_extra

log = logging.getLogger(__name__)

_MODEL_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")

DOWNLOAD = "tingqing models download"
BASIC_MODE_HINT = (
    f"No intact CLAP weights found. Scoring by acoustic measures only (basic mode). To get the weights: {DOWNLOAD}. "
    "Without a network: tingqing models import DIR."
)
NOT_INSTALLED_HINT = (
    f"CLAP is not installed. Scoring by acoustic measures only (basic mode). To install it: {INSTALL}. "
    f"Then get its weights: {DOWNLOAD}"
)


def basic_mode_hint() -> str:
    """Why ``auto`` found no CLAP, and how to get it: the packages first, then the weights."""
    return NOT_INSTALLED_HINT if missing_packages() else BASIC_MODE_HINT


def way_to_clap() -> str:
    """The next step from basic mode to CLAP, for the startup banner."""
    return f"To install CLAP: {INSTALL}" if missing_packages() else f"CLAP's weights: {DOWNLOAD}"


def find_checkpoint(clap: str, cache: ModelCache) -> Checkpoint | None:
    """The checkpoint for ``auto``, ``off``, a model id or a folder; ``None``: no CLAP.

    ``auto`` takes the pinned model from the cache if it is intact, byte for byte, and the extra ``clap`` is installed;
    a damaged one is logged and not used. Raises SettingsError if a named id or folder is missing or damaged, or the
    extra is missing.
    """
    if clap == "off":
        return None
    if clap == "auto":
        return None if missing_packages() else _automatic(cache)
    need_extra(f"--clap {clap}")
    folder = Path(clap)
    if folder.is_dir():
        return _of_folder(folder)
    checkpoint = cache.find(clap)
    if checkpoint is None:
        way_out = f"To download it: {DOWNLOAD} {clap}"
        if not _MODEL_ID.fullmatch(clap):
            way_out = "Use auto, off, OWNER/NAME or a folder that exists."
        raise SettingsError(f"CLAP {clap!r} is neither a folder nor in the model cache. {way_out}", param="--clap")
    found = faults(checkpoint)
    if found:
        raise SettingsError(
            f"The weights of {clap} are damaged ({'; '.join(found)}). Download them again: {DOWNLOAD} {clap}",
            param="--clap",
        )
    return checkpoint


def _automatic(cache: ModelCache) -> Checkpoint | None:
    checkpoint = cache.find(CLAP_ID)
    if checkpoint is None:
        return None
    found = faults(checkpoint)
    if not found:
        return checkpoint
    log.warning("the weights of %s are damaged (%s) and not used", CLAP_ID, "; ".join(found))
    return None


def _of_folder(folder: Path) -> Checkpoint:
    """A folder in the Hugging Face layout: verified if it is in our cache, else named by its weights' hash."""
    listed = next((one for one in ModelCache(folder.parent.parent).checkpoints() if one.folder == folder), None)
    if listed is not None and (folder / MANIFEST).is_file():
        found = faults(listed)
        if found:
            raise SettingsError(f"The weights in {folder} are damaged ({'; '.join(found)}).", param="--clap")
        return listed
    weights = next((folder / name for name in (WEIGHTS, OLD_WEIGHTS) if (folder / name).is_file()), None)
    if weights is None:
        raise SettingsError(f"There are no weights in {folder}: {WEIGHTS} is missing.", param="--clap")
    return Checkpoint(folder.resolve().name, sha256(weights)[:12], folder)
