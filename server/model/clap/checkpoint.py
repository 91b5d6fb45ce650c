"""Loads a checkpoint in the Hugging Face layout: audio backend, text embedder, scale."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from transformers import AutoTokenizer, ClapModel
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from server.errors import SettingsError
from server.model.clap.backends import AudioBackend, open_backend
from server.model.clap.cache import OLD_WEIGHTS, WEIGHTS, Checkpoint, missing_files
from server.model.clap.devices import choose_device, choose_dtype
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
"""The preprocessor settings of laion/clap-htsat-fused, as in ``spectrogram.py``. Others mean other embeddings."""

GET_AGAIN = "Get it again with: tingqing models download. Without a network: tingqing models import DIR."
FLOATS = ("F32", "F16", "BF16")
PROBE_TENSOR = "audio_projection.linear1.weight"


@dataclass(frozen=True, slots=True)
class LoadedClap:
    """One copy of the weights. ``scale``: the factor for differences of cosines, ``logit_scale_a.exp()``."""

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
    """Read a checkpoint from its folder, never from the network. Takes seconds. ``at_once``: see ``open_backend``.

    Raises SettingsError, which names the checkpoint, for any fault of it or of the device.
    """
    chosen = choose_device(device)
    if chosen.type == "cuda" and gpu_memory_fraction is not None:
        torch.cuda.set_per_process_memory_fraction(gpu_memory_fraction, chosen)
    try:
        check_files(checkpoint)
        check_preprocessing(checkpoint)
        model, tokenizer = read_model(checkpoint)
        scale = float(model.logit_scale_a.detach().exp())
        texts = TextEmbedder(
            tokenizer, model.text_model.to(chosen), model.text_projection.to(chosen), revision=checkpoint.revision
        )
        check_numbers(model, texts, scale)
    except SettingsError:
        raise
    except Exception as error:
        # transformers, tokenizers, safetensors and torch do not document what they raise for a damaged file.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SettingsError(f"CLAP {checkpoint.id} cannot be loaded: {first}. {GET_AGAIN}", param="--clap") from error
    audio = open_backend(LeanTower(model), chosen, choose_dtype(dtype, chosen), at_once=at_once)
    return LoadedClap(checkpoint.name, audio, texts, scale)


def read_model(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """(``ClapModel`` in float32, tokenizer). Raises what transformers raises, and ValueError if weights are missing.

    Float32 weights stay in their file, mapped into memory: the system reads what is used and may drop it again.
    """
    disable_progress_bar()
    # Everything that it would warn about (wrong shapes, another model's settings) is an error here.
    set_verbosity_error()
    # The type is always that of the model alone.
    read: Any = ClapModel.from_pretrained(
        checkpoint.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    model, info = read
    # transformers would fill missing weights with random numbers and go on.
    missing = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
    if missing:
        raise ValueError(f"its weights lack {len(missing)} tensors, among them {sorted(missing)[0]}")
    return model.eval(), AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)


def check_files(checkpoint: Checkpoint) -> None:
    """Raises SettingsError if the folder lacks a file, is of another model, or has weights that are not floats."""
    folder = checkpoint.folder
    missing = missing_files([path.name for path in folder.iterdir()])
    if missing and (folder / OLD_WEIGHTS).is_file():
        raise SettingsError(
            f"CLAP {checkpoint.id} has its weights in {OLD_WEIGHTS}, which could run code when it is loaded. Convert "
            f"them to safetensors with: tingqing models import {folder}",
            param="--clap",
        )
    if missing:
        raise SettingsError(f"CLAP {checkpoint.id} cannot be loaded: {', '.join(missing)}. {GET_AGAIN}", param="--clap")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = config.get("model_type")
    if kind != "clap":
        raise SettingsError(
            f"{checkpoint.id} is not a CLAP model: its config.json says model_type {kind}.", param="--clap"
        )
    with safe_open(folder / WEIGHTS, framework="pt") as weights:
        tensors = list(weights.keys())
        dtype = weights.get_slice(PROBE_TENSOR).get_dtype() if PROBE_TENSOR in tensors else "F32"
    if dtype not in FLOATS:
        raise SettingsError(
            f"CLAP {checkpoint.id} has quantised weights ({dtype}). Use {', '.join(FLOATS)}.", param="--clap"
        )
    # transformers would build every configured layer before it looks for the first weight.
    layers = sum(config.get("audio_config", {}).get("depths", ()))
    layers += config.get("text_config", {}).get("num_hidden_layers", 0)
    if layers > len(tensors):
        raise ValueError(f"its config.json declares {layers} layers, but its weights have only {len(tensors)} tensors")


def check_numbers(model: Any, texts: TextEmbedder, scale: float) -> None:
    """Raises ValueError if weights are not finite or a variance is negative. The text tower's weights are checked by
    embedding a text: reading them all would load half a gigabyte into memory."""
    parts = (model.audio_model, model.audio_projection, model.text_projection)
    finite = all(bool(torch.isfinite(weight).all()) for part in parts for weight in part.parameters())
    norm = model.audio_model.audio_encoder.batch_norm
    finite &= bool(torch.isfinite(norm.running_mean).all() and torch.isfinite(norm.running_var).all())
    if not (finite and np.isfinite(scale) and np.isfinite(texts.embed(["a sound"])[0]).all()):
        raise ValueError("its weights are not all finite numbers")
    if bool((norm.running_var < 0).any()):
        raise ValueError("its weights contain a negative variance")


def check_preprocessing(checkpoint: Checkpoint) -> None:
    """Raises SettingsError if the checkpoint was trained on other spectrograms, OSError if it does not say."""
    path = checkpoint.folder / "preprocessor_config.json"
    if path.is_file():
        said = json.loads(path.read_text(encoding="utf-8"))
    else:
        said = json.loads((checkpoint.folder / "processor_config.json").read_text(encoding="utf-8"))
        said = said.get("feature_extractor", said)
    other = [f"{key} {said.get(key)}" for key, value in PREPROCESSING.items() if said.get(key) != value]
    if other:
        raise SettingsError(
            f"CLAP {checkpoint.id} uses other spectrograms than laion/clap-htsat-fused ({', '.join(other)}).",
            param="--clap",
        )
