"""A tiny CLAP learns the sounds of ``sounds.py``: proof that what we load, hear and compare is a CLAP."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import ClapConfig, ClapModel

from server.judge.labels import ClapEvidence, Label, LabelKind, LabelSet
from server.model.clap.spectrogram import FLOOR_DB, log_mel, repeat_to_window
from server.values.text import Text
from tools.material.clap.sounds import FILLERS, KINDS, captions, said, sound, wordings
from tools.material.clap.tiny import save, trained_tokenizer

PROJECTION = 32
AUDIO = {
    "patch_size": 16,
    "patch_stride": [16, 16],
    "patch_embeds_hidden_size": 32,
    "depths": [1, 2],
    "num_attention_heads": [2, 4],
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "window_size": 4,
    "spec_size": 256,
    "projection_dim": PROJECTION,
    "enable_fusion": True,
    "drop_path_rate": 0.0,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
TEXT = {
    "vocab_size": 1_000,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "projection_dim": PROJECTION,
    "max_position_embeddings": 66,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
FIRST_UNSEEN = 100_000
"""Seeds from here on are for unseen sounds."""

PER_BATCH = 2
CAPTIONS_PER_BATCH = 6
"""Of each kind; captions cost almost nothing."""

RATE = 3e-3


def learn(
    folder: Path, *, steps: int, sounds: int, seed: int = 0, tell: Callable[[str], None] = lambda _: None
) -> Path:
    """Train on ``sounds`` of each kind for ``steps`` batches and save a checkpoint in the Hugging Face layout.

    Uses CLAP's contrastive loss over logits scaled by ``logit_scale_a``, with every caption of the same kind as a
    match; sounds are shifted in time and changed in level each time.
    """
    with _one_thread():
        return save(*_learned(steps, sounds, seed, tell), folder)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Makes sums run in the same order everywhere; products this small gain nothing from more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _learned(steps: int, sounds: int, seed: int, tell: Callable[[str], None]) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    tokenizer = trained_tokenizer([*FILLERS, *(text for kind in KINDS for text in captions(kind, seen=True))], 1_000)
    mels = torch.stack([mels_of(kind, range(sounds)) for kind in KINDS])
    model = _new_model(mels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(1, steps), pct_start=0.1)
    kinds = np.repeat(np.arange(len(KINDS)), PER_BATCH)
    spoken = np.repeat(np.arange(len(KINDS)), CAPTIONS_PER_BATCH)
    same = torch.from_numpy(kinds[:, None] == spoken[None, :])
    began = time.monotonic()
    for step in range(1, steps + 1):
        heard = torch.stack([mels[kind, rng.integers(sounds)].roll(int(rng.integers(1_001)), 0) for kind in kinds])
        heard = heard + torch.from_numpy(rng.uniform(-8, 8, (len(kinds), 1, 1)).astype(np.float32))
        words = tokenizer([said(KINDS[kind], rng) for kind in spoken], padding=True, return_tensors="pt")
        loss = _loss(model, heard.clamp(min=FLOOR_DB), words, same)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            tell(f"step {step} of {steps}: loss {loss.item():.2f}, {time.monotonic() - began:.0f} s")
    return model.eval(), tokenizer


def mels_of(kind: str, seeds: range) -> Tensor:
    """Log-mels of that many sounds, float32 ``(n, 1001, 64)``."""
    return torch.from_numpy(np.stack([log_mel(repeat_to_window(sound(kind, seed))) for seed in seeds]))


def label_set() -> LabelSet:
    """A label for each kind: its held-out wordings against one of every other kind."""
    labels = tuple(
        Label(
            id=kind,
            title=Text(kind, kind),
            kind=LabelKind.QUALITY,
            clap=ClapEvidence(wordings(kind), tuple(wordings(other)[0] for other in KINDS if other != kind)),
        )
        for kind in KINDS
    )
    return LabelSet(labels, frozenset(KINDS), "sounds", "1")


def _new_model(mels: Tensor) -> Any:
    model = ClapModel(ClapConfig(audio_config=AUDIO, text_config=TEXT, projection_dim=PROJECTION))
    # transformers' initial weights of 0.02 are for models a hundred times as wide.
    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight, 0, module.weight[0].numel() ** -0.5)
    norm: Any = model.audio_model.audio_encoder.batch_norm
    with torch.no_grad():
        norm.running_mean.copy_(mels.mean((0, 1, 2)))
        norm.running_var.copy_(mels.var((0, 1, 2)))
    norm.requires_grad_(False)
    # Nothing in it is random, and the batch norm must not change.
    return model.train(False)


def _loss(model: Any, heard: Tensor, said: Any, same: Tensor) -> Tensor:
    is_longer = torch.zeros(heard.shape[0], 1, dtype=torch.bool)
    sounds = model.get_audio_features(input_features=heard[:, None], is_longer=is_longer).pooler_output
    texts = model.get_text_features(**said).pooler_output
    logits = sounds @ texts.T * model.logit_scale_a.exp()
    to_texts, to_sounds = same / same.sum(1, keepdim=True), same.T / same.T.sum(1, keepdim=True)
    return (cross_entropy(logits, to_texts) + cross_entropy(logits.T, to_sounds)) / 2
