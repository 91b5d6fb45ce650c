"""The lean tower against ``ClapModel`` on the same weights."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from server.errors import SettingsError
from server.model.clap.geometry import stretching
from server.model.clap.spectrogram import log_mel, repeat_to_window
from server.model.clap.tower import LeanTower
from tools.material.clap.tiny import embedding_of, full_size_audio, tiny_model


def mels(count: int, seed: int = 0) -> torch.Tensor:
    """Log-mels of different clips: a level and a tilt of their own each, and noise."""
    generator = torch.Generator().manual_seed(seed)
    level = torch.rand(count, 1, 1, generator=generator) * 60 - 70
    tilt = torch.linspace(0, 1, 64) * (torch.rand(count, 1, 1, generator=generator) * 60 - 40)
    return (level + tilt + 8 * torch.randn(count, 1001, 64, generator=generator)).clamp(min=-100)


@pytest.mark.parametrize("seed", range(3))
def test_tower_equals_clap_model_at_full_size(seed: int) -> None:
    model, mel = full_size_audio(seed), mels(2, seed)
    expected = embedding_of(model, mel)
    with torch.inference_mode():
        assert (LeanTower(model)(mel) - expected).abs().max() < 1e-5
    assert (expected[0] - expected[1]).norm() > 1e-3, "the clips are told apart at all"


@pytest.mark.parametrize("seed", [3, 4])
def test_tower_equals_clap_model_on_real_speech_and_partial_windows(mixes: Path, seed: int) -> None:
    samples, rate = soundfile.read(sorted(mixes.glob("*.flac"))[10 * seed], dtype="float32")
    pcm = soxr.resample(samples, rate, 48_000).astype(np.float32)
    windows = [repeat_to_window(pcm[: seconds * 48_000]) for seconds in (3, 7, 10)]
    mel = torch.from_numpy(np.stack([log_mel(window) for window in windows]))
    model = full_size_audio(seed)
    expected = embedding_of(model, mel)
    with torch.inference_mode():
        assert (LeanTower(model)(mel) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("depths", [[2, 2], [1, 3]])
def test_tower_equals_clap_model_at_other_depths(seed: int, depths: list[int]) -> None:
    model, mel = tiny_model(seed, depths=depths), mels(3, seed)
    expected = embedding_of(model, mel)
    with torch.inference_mode():
        assert (LeanTower(model)(mel) - expected).abs().max() < 1e-5


def test_embedding_does_not_depend_on_the_batch() -> None:
    tower, mel = LeanTower(tiny_model()), mels(4)
    with torch.inference_mode():
        together = tower(mel)
        for number in range(4):
            assert (tower(mel[number : number + 1])[0] - together[number]).abs().max() < 1e-6


def test_bf16_embeddings_stay_near_those_of_fp32() -> None:
    model, mel = full_size_audio(0), mels(6)
    expected = embedding_of(model, mel)
    with torch.inference_mode():
        got = LeanTower(model).to_dtype(torch.bfloat16)(mel)
    assert got.dtype == torch.float32
    between = torch.pdist(expected).mean()
    assert (got - expected).norm(dim=1).mean() / between < 0.12


def test_stretching_is_that_of_torch() -> None:
    taps, weights = stretching(1001, 1024)
    x = torch.randn(1, 1, 1001, 3)
    expected = torch.nn.functional.interpolate(x, (1024, 3), mode="bicubic", align_corners=True)
    got = sum(x[:, :, taps[tap]] * weights[tap][:, None] for tap in range(4))
    assert (got - expected).abs().max() < 5e-6


@pytest.mark.parametrize(
    ("field", "value"),
    [("enable_fusion", False), ("hidden_act", "relu"), ("fusion_type", "aff_2d"), ("spec_size", 2_048)],
)
def test_other_architectures_are_refused_by_name(field: str, value: object) -> None:
    model = tiny_model()
    setattr(model.config.audio_config, field, value)
    with pytest.raises(SettingsError, match=r"laion/clap-htsat-fused"):
        LeanTower(model)
