"""A scorer's CLAP without a checkpoint, for benchmarks of whole paths."""

import os

import torch

from server.model.clap.backends import open_backend
from server.model.clap.checkpoint import LoadedClap
from server.model.clap.devices import choose_device, choose_dtype
from server.model.clap.spectrogram import log_mel
from server.model.clap.stand_in import clips, models, settle, stand_in_tokens
from server.model.clap.texts import TextEmbedder
from server.model.clap.tower import LeanTower


def random_clap(seed: int = 0, *, device: str = "auto", dtype: str = "auto", at_once: int = 1) -> LoadedClap:
    """Random weights of the published shapes, ready to score like a loaded checkpoint."""
    torch.set_num_threads(os.cpu_count() or 1)
    model, _ = models(None, seed)
    settle(model, [log_mel(clip) for clip in clips(seed)])
    chosen = choose_device(device)
    texts = TextEmbedder(
        lambda texts, **_: stand_in_tokens(texts),
        model.text_model.to(chosen),
        model.text_projection.to(chosen),
        revision=f"seed {seed}",
    )
    scale = float(model.logit_scale_a.detach().exp())
    audio = open_backend(LeanTower(model), chosen, choose_dtype(dtype, chosen), at_once=at_once)
    return LoadedClap(f"random weights@seed {seed}", audio, texts, scale)
