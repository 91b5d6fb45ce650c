"""The graph for blocks of frames gives what the network gives frame by frame, and levels are of the right second."""

import hashlib
import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from server.model.gtcrn import GtcrnDenoiser, block_graph, open_gtcrn
from server.model.gtcrn.spectra import FRAME, STEP, first_frame, high_passed, powers, spectra
from server.model.small.catalogue import GTCRN
from server.model.small.store import SmallModels
from server.scoring.denoising import COLUMNS, TENTHS, DenoiseRequest
from server.values.audio import Float32Array
from server.values.models import ModelState
from tests.model.gtcrn_reference import Reference, random_frame_graph

RATE = 16_000
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def frame_graph() -> bytes:
    return random_frame_graph(3)


@pytest.fixture(scope="module")
def session(frame_graph: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(block_graph(frame_graph), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def denoiser(session: onnxruntime.InferenceSession) -> GtcrnDenoiser:
    return GtcrnDenoiser(session)


def enhanced(session: onnxruntime.InferenceSession, spectrum: Float32Array, block: int) -> Float32Array:
    memories = {one.name: np.zeros(one.shape, np.float32) for one in session.get_inputs()[1:]}
    made = []
    for start in range(0, spectrum.shape[2], block):
        told = session.run(None, {"spectrum": spectrum[:, :, start : start + block], **memories})
        made.append(told[0])
        memories = dict(zip(memories, told[1:], strict=True))
    return np.concatenate(made, axis=2)


def noise(seconds: float) -> Float32Array:
    return (RNG.standard_normal(round(seconds * RATE)) * 0.05).astype(np.float32)


def test_blocks_of_frames_give_what_single_frames_give(
    frame_graph: bytes, session: onnxruntime.InferenceSession
) -> None:
    spectrum = spectra(noise(0.5)[: 26 * STEP + STEP])
    reference = Reference(frame_graph)
    alone = np.stack([reference.enhance(frame) for frame in spectrum[0, 0] + 1j * spectrum[0, 1].astype(np.float64)])
    for block in (1, 7, 26):
        made = enhanced(session, spectrum, block)
        np.testing.assert_allclose(made[0, 0] + 1j * made[0, 1], alone, atol=2e-5)
    assert np.abs(alone).max() > 0.01, "or nothing was compared"


def test_the_published_weights_give_what_the_published_graph_gives() -> None:
    # Where `make setup` has put it: the folder that the other tests use is empty.
    file = SmallModels().find("gtcrn")
    if file is None:
        pytest.skip("no weights: tingqing models download gtcrn")
    published = file.read_bytes()
    frames = onnxruntime.InferenceSession(published, providers=["CPUExecutionProvider"])
    spectrum = spectra(noise(1.0)[: 60 * STEP + STEP])
    memories = {one.name: np.zeros(one.shape, np.float32) for one in frames.get_inputs()[1:]}
    alone = []
    for place in range(spectrum.shape[2]):
        mix = spectrum[:, :, place : place + 1].transpose(0, 3, 2, 1)
        told = frames.run(None, {"mix": np.ascontiguousarray(mix), **memories})
        alone.append(told[0].transpose(0, 3, 2, 1))
        memories = dict(zip(memories, told[1:], strict=True))
    blocks = onnxruntime.InferenceSession(block_graph(published), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(enhanced(blocks, spectrum, 60), np.concatenate(alone, axis=2), atol=1e-5)


def test_another_graph_is_refused(frame_graph: bytes) -> None:
    with pytest.raises(ValueError, match="ONNX"):
        block_graph(b"not a model")
    with pytest.raises(ValueError, match="GTCRN"):
        block_graph(onnxruntime_free_graph())
    assert block_graph(frame_graph)


def onnxruntime_free_graph() -> bytes:
    from onnx import TensorProto, helper

    node = helper.make_node("Identity", ["a"], ["b"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"]
    return bytes(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:])).SerializeToString())


def cached(folder: Path, content: bytes) -> SmallModels:
    """A model cache that holds ``content`` as GTCRN."""
    model = replace(GTCRN, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    store = SmallModels(folder, (model,))
    place = store.place(model)
    assert place is not None
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    return store


def test_the_cached_model_is_opened_and_its_graph_kept(tmp_path: Path, frame_graph: bytes) -> None:
    store = cached(tmp_path, frame_graph)
    assert open_gtcrn(store) is not None
    made = [path for path in store.folder.iterdir() if "blocks" in path.name]
    assert len(made) == 1
    assert made[0].read_bytes() == block_graph(frame_graph)
    assert open_gtcrn(store) is not None


def test_without_the_model_or_with_another_graph_the_server_starts_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_gtcrn(SmallModels(tmp_path / "empty")) is None
    assert not caplog.records
    wrong = cached(tmp_path / "wrong", b"not a model")
    assert [one.state for one in wrong.optional()] == [ModelState.THERE]
    assert open_gtcrn(wrong) is None
    assert "gtcrn cannot be loaded" in caplog.text
    (told,) = wrong.optional()
    assert (told.state, told.lacking, told.missed) == (ModelState.FAILED, True, True)


def test_powers_are_mean_squares() -> None:
    t = np.arange(RATE) / RATE
    sine = (0.2 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    found = powers(spectra(sine[: 60 * STEP + STEP]))
    np.testing.assert_allclose(found, 0.02, rtol=0.02)


def test_direct_current_is_no_noise_from_the_first_sample_on() -> None:
    passed = high_passed(np.full(RATE, 0.1, np.float32))
    assert np.abs(passed).max() < 1e-6


def test_frames_are_counted_from_the_streams_start() -> None:
    for sample in (0, FRAME - 1, FRAME, RATE, 3 * RATE + 77):
        first = first_frame(sample)
        assert first * STEP + FRAME > sample
        assert first == 0 or (first - 1) * STEP + FRAME <= sample


def heard(denoiser: GtcrnDenoiser, pcm: Float32Array, cuts: list[int]) -> Float32Array:
    memory, levels = None, []
    for start, end in itertools.pairwise(cuts):
        answer = denoiser.denoise(DenoiseRequest(start * RATE, end * RATE, pcm[: end * RATE], 6.0, memory))
        memory = answer.memory
        levels.append(answer.levels)
    return np.concatenate(levels)


def test_each_second_has_ten_levels_however_the_stream_is_cut(denoiser: GtcrnDenoiser) -> None:
    pcm = noise(4)
    at_once, in_turn = heard(denoiser, pcm, [0, 4]), heard(denoiser, pcm, [0, 1, 2, 3, 4])
    assert at_once.shape == (4 * TENTHS, COLUMNS)
    np.testing.assert_array_equal(at_once, in_turn)
    later = pcm[RATE:]
    answer = denoiser.denoise(DenoiseRequest(RATE, 4 * RATE, later, 6.0))
    assert answer.levels.shape == (3 * TENTHS, COLUMNS)
    assert not np.isnan(answer.levels[:, :2]).any()


def test_a_stream_that_goes_on_elsewhere_has_the_same_levels(denoiser: GtcrnDenoiser) -> None:
    pcm = noise(3)
    first = denoiser.denoise(DenoiseRequest(0, 2 * RATE, pcm[: 2 * RATE], 0.0))
    assert first.memory is not None
    again = np.frombuffer(first.memory.tobytes(), np.float16)
    # Only the last ten seconds are at hand there.
    here = denoiser.denoise(DenoiseRequest(2 * RATE, 3 * RATE, pcm, 0.0, first.memory))
    there = denoiser.denoise(DenoiseRequest(2 * RATE, 3 * RATE, pcm[RATE:], 0.0, again))
    np.testing.assert_array_equal(here.levels, there.levels)


class Halving:
    """A session that calls half of the amplitude voice. Fake, because then both levels are known."""

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="spectrum", shape=[]), SimpleNamespace(name="past", shape=[1, 3])]

    def run(self, _: list[str], given: dict[str, Float32Array]) -> list[Float32Array]:
        return [given["spectrum"] * np.float32(0.5), given["past"] + 1]


@pytest.mark.parametrize("gain_db", [-10.0, 0.0, 20.0])
def test_levels_are_those_of_the_stream_whatever_gain_the_model_hears(gain_db: float) -> None:
    pcm = noise(2)
    own_db = 10 * np.log10(np.mean(np.square(high_passed(pcm))))
    answer = GtcrnDenoiser(Halving()).denoise(DenoiseRequest(0, 2 * RATE, pcm, gain_db))
    for part in answer.levels.T[:2]:
        assert np.median(part) == pytest.approx(own_db - 6.02, abs=0.5)
    alike = answer.levels[:, 2].reshape(2, TENTHS)
    assert np.isnan(alike[:, [0, -1]]).all(), "no stretch of 384 ms has its middle at the edge of a second"
    np.testing.assert_allclose(alike[:, 2:8], 1.0, atol=1e-5)
    assert answer.memory is not None
    assert answer.memory.tolist() == [2, 2, 2], "a call for each second"


def test_silence_has_the_floor(denoiser: GtcrnDenoiser) -> None:
    levels = denoiser.denoise(DenoiseRequest(0, RATE, np.zeros(RATE, np.float32), 40.0)).levels
    assert (levels[:, :2] <= -100.0).all()
    assert np.isnan(levels[:, 2]).all()
