"""A whole recording at once, and the backend for a GPU; their logic is tested on a CPU."""

import copy

import numpy as np
import pytest
import torch

from server.model.clap.gpu import GpuBackend
from server.model.clap.spectrogram import CLAP_RATE, CLAP_SAMPLES, log_mel, repeat_to_window
from server.model.clap.tower import LeanTower
from server.values.audio import Float32Array
from tools.material.clap.bulk import DeviceMel, partial_windows, recording_mels
from tools.material.clap.tiny import tiny_model

CPU = torch.device("cpu")


def noise(seconds: float, seed: int = 0) -> Float32Array:
    rng = np.random.default_rng(seed)
    swell = np.linspace(0.01, 0.5, round(seconds * CLAP_RATE))
    return (rng.standard_normal(swell.shape[0]) * swell).astype(np.float32)


def exact(pcm: Float32Array) -> Float32Array:
    """Every window of a recording by the exact spectrogram, in order."""
    whole = pcm.shape[0] // CLAP_RATE
    windows = [repeat_to_window(pcm[: end * CLAP_RATE]) for end in range(3, min(9, whole) + 1)]
    windows += [pcm[(end - 10) * CLAP_RATE : end * CLAP_RATE] for end in range(10, whole + 1)]
    return np.stack([log_mel(np.ascontiguousarray(window)) for window in windows])


@pytest.mark.parametrize("seconds", [3.0, 9.0, 10.0, 13.5])
def test_a_recordings_windows_are_those_of_the_stream_within_what_float32_rounds(seconds: float) -> None:
    pcm = noise(seconds)
    made, wanted = recording_mels(pcm, DeviceMel()).numpy(), exact(pcm)
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).max() < 0.01


def test_ten_minutes_have_seven_partial_windows_and_591_full_ones() -> None:
    assert partial_windows(noise(12)).shape == (7, CLAP_SAMPLES)
    silent = np.zeros(600 * CLAP_RATE, np.float32)
    assert silent.shape[0] // CLAP_RATE - 9 == 591
    assert DeviceMel().of_recording(torch.from_numpy(silent[: 60 * CLAP_RATE])).shape == (51, 1001, 64)


def test_silence_has_the_floor_value_in_bulk_too() -> None:
    made = recording_mels(np.zeros(11 * CLAP_RATE, np.float32), DeviceMel())
    assert torch.all(made == -100.0)


@pytest.mark.parametrize("windows", [1, 3, 4, 9])
def test_padded_batches_have_the_embeddings_of_single_windows(windows: int) -> None:
    tower = LeanTower(tiny_model())
    mels = np.random.default_rng(1).uniform(-80, 0, (windows, 1001, 64)).astype(np.float32)
    with torch.inference_mode():
        single = np.concatenate([tower(torch.from_numpy(mel[None])).numpy() for mel in mels])
    backend = GpuBackend(copy.deepcopy(tower), CPU, "fp32", batch=4)
    assert np.abs(backend.embed(mels) - single).max() < 1e-6
    assert np.abs(backend.embed_there(torch.from_numpy(mels)).numpy() - single).max() < 1e-6


def test_results_of_one_batch_are_not_overwritten_by_the_next() -> None:
    backend = GpuBackend(LeanTower(tiny_model()), CPU, "fp32", batch=2)
    mels = torch.rand(2, 1001, 64) * 80 - 80
    first = backend.embed_there(mels)
    kept = first.clone()
    backend.embed_there(mels - 20)
    assert torch.equal(first, kept)


def test_three_products_have_the_embeddings_of_one() -> None:
    tower = LeanTower(tiny_model())
    mels = torch.rand(3, 1001, 64) * 80 - 80
    with torch.inference_mode():
        together = tower(mels)
        apart = tower.split()(mels)
    assert (together - apart).abs().max() < 1e-6


def test_windows_side_by_side_come_back_in_their_order() -> None:
    pytest.importorskip("openvino")
    from server.model.clap.openvino_backend import OpenVinoBackend

    tower = LeanTower(tiny_model())
    mels = (torch.rand(5, 1001, 64) * 80 - 80).numpy()
    with torch.inference_mode():
        wanted = tower(torch.from_numpy(mels)).numpy()
    for streams in (1, 2, 3):
        got = OpenVinoBackend(copy.deepcopy(tower), "fp32", streams=streams).embed(mels)
        assert np.abs(got - wanted).max() < 1e-5


def test_the_scorer_is_given_as_many_windows_at_once_as_its_backend_has_streams() -> None:
    pytest.importorskip("openvino")
    from server.model.clap.checkpoint import LoadedClap
    from server.model.clap.openvino_backend import OpenVinoBackend
    from server.model.clap.scorer import ClapScorer
    from server.scoring.scorers import ParallelScorer

    backend = OpenVinoBackend(LeanTower(tiny_model()), "fp32", streams=2)
    scorer = ClapScorer(LoadedClap("tiny", backend, None, 1.0))  # type: ignore[arg-type]  # no texts are needed
    assert isinstance(scorer, ParallelScorer)
    assert scorer.side_by_side == 2


def test_a_device_without_memory_for_a_batch_gets_halves_of_it_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    tower = LeanTower(tiny_model())
    mels = np.random.default_rng(1).uniform(-80, 0, (7, 1001, 64)).astype(np.float32)
    whole = GpuBackend(copy.deepcopy(tower), CPU, "fp32", batch=1).embed(mels)
    backend = GpuBackend(copy.deepcopy(tower), CPU, "fp32", batch=8)
    tried: list[int] = []

    def tight(batch: torch.Tensor) -> torch.Tensor:
        tried.append(batch.shape[0])
        if batch.shape[0] > 2:
            raise torch.OutOfMemoryError("as the test asked")
        there: torch.Tensor = tower(batch)
        return there

    backend._call = tight
    assert np.abs(backend.embed(mels) - whole).max() < 1e-6
    assert tried == [8, 4, 2, 2, 2, 1]
    assert len(caplog.messages) == 2
    backend.embed(mels[:4])
    assert tried[6:] == [2, 2], "it is not tried again"


def test_a_device_without_memory_for_one_window_says_so() -> None:
    backend = GpuBackend(LeanTower(tiny_model()), CPU, "fp32", batch=4)

    def none(_batch: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("as the test asked")

    backend._call = none
    with pytest.raises(torch.OutOfMemoryError):
        backend.embed(np.zeros((3, 1001, 64), np.float32))
