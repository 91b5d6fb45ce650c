"""Opens the scorer that the setting asks for. torch is imported only if there is a checkpoint to load."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from server.model.clap.cache import ModelCache
from server.model.clap.finding import basic_mode_hint, find_checkpoint

if TYPE_CHECKING:
    from server.judge.sounds import Sounds
    from server.model.clap.scorer import ClapScorer

log = logging.getLogger(__name__)


def open_clap(
    clap: str,
    *,
    sounds: "Sounds | None" = None,
    cache: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    gpu_memory_fraction: float | None = None,
    at_once: int = 1,
) -> "ClapScorer | None":
    """The scorer for ``--clap``, with weights loaded once; ``None`` for basic mode, which is logged. ``sounds``: the
    sounds that it can name. ``at_once``: how many windows may be ready together.

    Blocks for seconds if there are weights. Raises SettingsError if a named checkpoint cannot be loaded.
    """
    checkpoint = find_checkpoint(clap, ModelCache(cache))
    if checkpoint is None:
        if clap == "auto":
            log.info(basic_mode_hint())
        return None
    began = time.monotonic()
    from server.model.clap.checkpoint import load_clap  # noqa: PLC0415 - torch and transformers, only if needed
    from server.model.clap.scorer import ClapScorer  # noqa: PLC0415 - see above

    loaded = load_clap(checkpoint, device=device, dtype=dtype, gpu_memory_fraction=gpu_memory_fraction, at_once=at_once)
    took = time.monotonic() - began
    log.info("CLAP %s: %s %s, loaded in %.1f s", loaded.name, loaded.audio.name, loaded.audio.dtype, took)
    return ClapScorer(loaded, sounds)
