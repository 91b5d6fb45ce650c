"""Random weights of the published shapes for benchmarks without real ones, and the transformers pipeline."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from server.model.clap.cache import Checkpoint
from server.model.clap.checkpoint import read_model
from server.model.clap.published import AUDIO, PROJECTION, TEXT
from server.model.clap.spectrogram import CLAP_RATE, FREQUENCY_MAX, FREQUENCY_MIN
from server.values.audio import CORE_RATE, Float32Array
from server.values.windows import WINDOW_S

CLIPS = 8

Tokenize = Callable[[list[str]], dict[str, torch.Tensor]]


def peer(model: Any, tokenize: Tokenize) -> Callable[[Float32Array, Sequence[str]], torch.Tensor]:
    """What the zero-shot pipeline of transformers does with a window: processor, model, softmax.

    The result is called with float32 ``(n,)`` at 16 kHz and the texts, and returns their shares ``(1, texts)``.
    """
    extractor = _extractor()

    def score(pcm: Float32Array, texts: Sequence[str]) -> torch.Tensor:
        at_clap_rate = soxr.resample(pcm, CORE_RATE, CLAP_RATE)
        heard = extractor(at_clap_rate, sampling_rate=CLAP_RATE, return_tensors="pt")
        with torch.inference_mode():
            logits: torch.Tensor = model(**tokenize(list(texts)), **heard).logits_per_audio
        return logits.softmax(dim=-1)

    return score


def models(checkpoint: Path | None, seed: int) -> tuple[Any, Tokenize]:
    """(``ClapModel``, its tokenizer) from a folder; without one, random weights and a stand-in tokenizer."""
    if checkpoint is None:
        torch.manual_seed(seed)
        config = ClapConfig(audio_config=AUDIO, text_config=TEXT, projection_dim=PROJECTION)
        random: Any = ClapModel(config)
        return random.eval(), stand_in_tokens
    model, tokenizer = read_model(Checkpoint(checkpoint.name, "bench", checkpoint))
    return model, lambda texts: dict(tokenizer(texts, padding=True, return_tensors="pt"))


def stand_in_tokens(texts: list[str]) -> dict[str, torch.Tensor]:
    """As many tokens as RoBERTa's tokenizer makes of plain English: one per word and two around them."""
    length = max(len(text.split()) for text in texts) + 2
    ids = torch.arange(len(texts) * length).view(len(texts), length) % 1_000 + 5
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def _extractor() -> Any:
    return ClapFeatureExtractor(
        frequency_min=FREQUENCY_MIN,
        frequency_max=FREQUENCY_MAX,
        truncation="fusion",
        padding="repeatpad",
        max_length_s=WINDOW_S,
    )


def clips(seed: int) -> list[Float32Array]:
    """Eight clips of 10 s at 48 kHz that differ in colour, tone and rhythm. Float32 ``(480000,)``."""
    rng = np.random.default_rng(seed)
    t = np.arange(WINDOW_S * CLAP_RATE) / CLAP_RATE
    made = []
    for number in range(CLIPS):
        hiss = rng.standard_normal(t.shape[0])
        colour = np.cumsum(hiss) if number % 2 else hiss
        colour = colour / np.abs(colour).max()
        tone = np.sin(2 * np.pi * (80 * 1.7**number) * t + 3 * np.sin(2 * np.pi * 0.7 * t))
        rhythm = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (0.4 + number) * t))
        made.append((0.05 * 2 ** (number % 4) * (colour + tone * rhythm) / 2).astype(np.float32))
    return made


def settle(model: Any, mels: list[Float32Array]) -> None:
    """Set the random model's batch norm to the statistics of its input, as training does."""
    rows = torch.from_numpy(np.concatenate(mels))
    norm = model.audio_model.audio_encoder.batch_norm
    norm.running_mean.copy_(rows.mean(0))
    norm.running_var.copy_(rows.var(0))


def peer_embedding(model: Any, mel: Float32Array) -> Float32Array:
    """The embedding by ``ClapModel`` of a log-mel ``(1001, 64)``, ``is_longer`` false: float32 ``(1, projection)``."""
    copies = torch.from_numpy(mel)[None, None].repeat(1, 4, 1, 1)
    with torch.inference_mode():
        made = model.get_audio_features(input_features=copies, is_longer=torch.zeros(1, 1, dtype=torch.bool))
    return np.asarray(made.pooler_output.numpy(), np.float32)
