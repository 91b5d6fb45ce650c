"""A checkpoint in the Hugging Face layout becomes what scores: audio backend, text embedder, scale."""

import json
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoTokenizer, ClapModel
from transformers.utils.logging import disable_progress_bar

from server.errors import SettingsError
from server.model.clap.backends import AudioBackend, choose_device, choose_dtype, open_backend
from server.model.clap.cache import Checkpoint
from server.model.clap.spectrogram import FRAME_LENGTH, FRAME_STEP, FREQUENCY_MAX, FREQUENCY_MIN, N_MELS
from server.model.clap.texts import TextEmbedder
from server.model.clap.tower import LeanTower

PREPROCESSING = {
    "sampling_rate": 48_000,
    "feature_size": N_MELS,
    "fft_window_size": FRAME_LENGTH,
    "hop_length": FRAME_STEP,
    "frequency_min": FREQUENCY_MIN,
    "frequency_max": FREQUENCY_MAX,
    "max_length_s": 10,
    "truncation": "fusion",
}
"""What ``spectrogram.py`` is: of the preprocessor of laion/clap-htsat-fused. Another one means other embeddings."""


@dataclass(frozen=True, slots=True)
class LoadedClap:
    """One copy of the weights. ``scale``: what differences of cosines are multiplied with, ``logit_scale_a.exp()``."""

    name: str
    audio: AudioBackend
    texts: TextEmbedder
    scale: float


def load_clap(
    checkpoint: Checkpoint,
    *,
    device: str = "auto",
    dtype: str = "auto",
    gpu_memory_fraction: float | None = None,
    at_once: int = 1,
) -> LoadedClap:
    """Read a checkpoint from its folder, never from a network. Takes seconds. ``at_once``: see ``open_backend``.

    Raises SettingsError, which names the checkpoint, whatever is wrong with it or with the device.
    """
    chosen = choose_device(device)
    if chosen.type == "cuda" and gpu_memory_fraction is not None:
        torch.cuda.set_per_process_memory_fraction(gpu_memory_fraction, chosen)
    try:
        check_preprocessing(checkpoint)
        model, tokenizer = read_model(checkpoint)
    except SettingsError:
        raise
    except Exception as error:
        # What a damaged file ends in is up to transformers, tokenizers, safetensors and torch; none documents it.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SettingsError(f"CLAP {checkpoint.id} cannot be loaded: {first}", param="--clap") from error
    scale = float(model.logit_scale_a.detach().exp())
    texts = TextEmbedder(
        tokenizer, model.text_model.to(chosen), model.text_projection.to(chosen), revision=checkpoint.revision
    )
    audio = open_backend(LeanTower(model), chosen, choose_dtype(dtype, chosen), at_once=at_once)
    return LoadedClap(checkpoint.name, audio, texts, scale)


def read_model(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """(``ClapModel`` in float32, tokenizer). Raises what transformers raises; ValueError where weights are missing."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers types it not
    # Typed as the model alone, whatever it is asked for.
    read: Any = ClapModel.from_pretrained(
        checkpoint.folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    model, info = read
    # transformers would fill what is missing with random numbers and go on.
    missing = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
    if missing:
        raise ValueError(f"its weights lack {len(missing)} tensors, among them {sorted(missing)[0]}")
    return model.eval(), AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)


def check_preprocessing(checkpoint: Checkpoint) -> None:
    """Raises SettingsError where the checkpoint was trained on other spectrograms, OSError where it does not say."""
    path = checkpoint.folder / "preprocessor_config.json"
    if path.is_file():
        said = json.loads(path.read_text(encoding="utf-8"))
    else:
        said = json.loads((checkpoint.folder / "processor_config.json").read_text(encoding="utf-8"))
        said = said.get("feature_extractor", said)
    other = [f"{key} {said.get(key)}" for key, value in PREPROCESSING.items() if said.get(key) != value]
    if other:
        raise SettingsError(
            f"CLAP {checkpoint.id} listens to other spectrograms than laion/clap-htsat-fused ({', '.join(other)}).",
            param="--clap",
        )
