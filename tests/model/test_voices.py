"""The graphs give what the networks give, rows are of the right moment, and real people are told apart."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from server.model.small.store import SmallModels
from server.model.voices import TalkerModels, open_voices
from server.model.voices.campplus import campplus_graph
from server.model.voices.mel import log_mel
from server.model.voices.segmentation import RECEPTIVE, STEP, segmentation_graph
from server.scoring.talking import Talk, TalkRequest
from server.values.audio import Float32Array
from tests.model.voices_reference import campplus_weights, embedded, saved, segmentation_weights, segmented

RATE = 16_000
RNG = np.random.default_rng(11)


def session(graph: bytes) -> Any:
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def noise(seconds: float) -> Float32Array:
    return (RNG.standard_normal(round(seconds * RATE)) * 0.05).astype(np.float32)


def test_the_segmentation_graph_gives_what_the_network_gives() -> None:
    weights = segmentation_weights(1)
    graph = session(segmentation_graph(saved({"state_dict": weights, "format_version": 1})))
    for seconds in (1.0, 2.37):
        pcm = noise(seconds)
        (told,) = graph.run(None, {"pcm": pcm[np.newaxis, np.newaxis]})
        np.testing.assert_allclose(told, segmented(weights, torch.from_numpy(pcm)).numpy(), atol=2e-5)
        assert told.shape == ((pcm.size - RECEPTIVE) // STEP + 1, 7)
    assert np.ptp(told, axis=0).max() > 0.01, "or nothing was compared"


@pytest.mark.parametrize("frames", [80, 161, 200])
def test_the_graph_of_campplus_gives_what_the_network_gives(frames: int) -> None:
    weights = campplus_weights(2)
    mel = RNG.standard_normal((2, frames, 80)).astype(np.float32)
    (told,) = session(campplus_graph(saved(weights))).run(None, {"mel": mel})
    expected = embedded(weights, torch.from_numpy(mel)).numpy()
    np.testing.assert_allclose(told, expected, atol=1e-4 * np.abs(expected).max())


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="segmentation"):
        segmentation_graph(saved({"state_dict": {"a": torch.ones(2)}}))
    with pytest.raises(ValueError, match=r"CAM\+\+"):
        campplus_graph(saved({"a": torch.ones(2)}))


def test_a_tone_lies_in_its_band_and_a_frame_begins_every_ten_milliseconds() -> None:
    time = np.arange(RATE) / RATE
    mel = log_mel((0.1 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32))
    assert mel.shape == (98, 80)
    edges = 1127 * np.log(1 + np.array([20.0, 8000.0]) / 700)
    place = (1127 * np.log(1 + 1000 / 700) - edges[0]) / (edges[1] - edges[0]) * 81 - 1
    assert np.abs(mel.mean(axis=0).argmax() - place) <= 1


class FixedSegmentation:
    """Talker 1 in the first half of the frames, 1 and 2 in the last tenth. Fake because weights may not be at hand."""

    def run(self, _: None, inputs: dict[str, Float32Array]) -> list[Float32Array]:
        frames = (inputs["pcm"].shape[2] - RECEPTIVE) // STEP + 1
        classes = np.zeros((frames, 7), np.float32)
        classes[: frames // 2, 1] = 1.0
        classes[frames // 2 :, 0] = 1.0
        classes[-(frames // 10) :] = np.eye(7, dtype=np.float32)[4]
        return [classes]


class FixedVoice:
    """Says how many frames it was given. Fake for the same reason."""

    def run(self, _: None, inputs: dict[str, Float32Array]) -> list[Float32Array]:
        return [np.full((1, 192), inputs["mel"].shape[1], np.float32)]


def talk(pcm: Float32Array, new: int, models: TalkerModels) -> Talk:
    return models.talk(TalkRequest(pcm, new, np.zeros(pcm.size // 160, np.float32)))


def test_a_row_is_told_by_the_frame_at_its_time() -> None:
    told = talk(noise(10), 600, TalkerModels(FixedSegmentation(), FixedVoice()))
    first, second = told.talkers
    assert np.flatnonzero(first.before).tolist() == list(range(400))
    assert np.flatnonzero(np.diff(first.new.astype(int))).tolist() == pytest.approx([99, 499], abs=3)
    assert np.flatnonzero(second.new)[0] == pytest.approx(500, abs=3)
    assert np.array_equal(told.together > 0.5, second.new)
    assert first.heard_s == 2.0, "a voice is known by its last two seconds alone"
    assert (second.voice, second.heard_s) == (None, 0.0)


def test_digital_silence_and_half_a_second_have_no_talkers() -> None:
    models = TalkerModels(FixedSegmentation(), FixedVoice())
    assert talk(np.zeros(3 * RATE, np.float32), 100, models).talkers == ()
    assert talk(noise(0.5), 50, models).talkers == ()


def test_without_the_models_there_are_none(tmp_path: Path) -> None:
    assert open_voices(SmallModels(tmp_path)) is None


def test_two_people_are_told_apart_in_turns(shared: Path) -> None:
    # Where `make setup` has put them: the folder that the other tests use is empty.
    models = open_voices(SmallModels())
    if models is None:
        pytest.skip("no weights: tingqing models download small")
    from tools.material.visits.sources import Sources

    sources = Sources(shared / "audio", "held")
    phrases = (np.concatenate(sources.talker(sources.patients[place]).phrases) for place in (1, 8))
    one, other = (np.resize(said, 4 * RATE).astype(np.float32) for said in phrases)
    told = talk(np.concatenate((one, np.zeros(RATE // 2, np.float32), other)), 850, models)
    assert len(told.talkers) == 2
    first, second = told.talkers
    halves = [talker.new[:390].mean() > 0.5 for talker in (first, second)]
    assert sorted(halves) == [False, True]
    again = talk(one, 400, models).talkers[0]
    mine, theirs = (first, second) if halves[0] else (second, first)
    assert alike(again.voice, mine.voice) > 0.6
    assert alike(again.voice, theirs.voice) < 0.4


def alike(one: Float32Array | None, other: Float32Array | None) -> float:
    assert one is not None
    assert other is not None
    return float(one @ other)
