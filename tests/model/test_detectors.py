"""The real detectors: one contract for both, Silero against its own wrapper's rules, streams beside each other."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile

from server.model.detectors import DetectorName, detector_factory
from server.model.onnx import load_onnxruntime
from server.model.silero import CONTEXT_SAMPLES, FRAME_SAMPLES, MODEL_FILE, SileroDetector, load_silero_session
from server.model.silero_graph import block_graph
from server.model.webrtc import WebRtcDetector
from server.stream.core import StreamCore
from server.stream.events import SpeechStarted, StreamEvent
from server.values.audio import AudioFormat, Encoding, Float32Array
from tests.fakes import FakeDetector
from tests.model.gtcrn_reference import random_frame_graph
from tests.stream.audio import assert_same, run, windows

NAMES = get_args(DetectorName)
AUDIO = AudioFormat(Encoding.PCM_S16LE, 16_000)


@pytest.fixture(scope="module")
def silero() -> Callable[[], Any]:
    return detector_factory("silero")


@pytest.fixture(scope="module")
def makers(silero: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    return {"silero": silero, "webrtc": detector_factory("webrtc"), "fake": FakeDetector}


def pcm(mixes: Path, name: str) -> bytes:
    samples, rate = soundfile.read(next(mixes.glob(f"{name}*.flac")), dtype="int16")
    assert rate == 16_000
    return bytes(samples.astype("<i2").tobytes())


def frames_of(mixes: Path, name: str, detector: Any) -> Float32Array:
    samples = np.frombuffer(pcm(mixes, name), "<i2").astype(np.float32) / 32768
    n = detector.frame_samples
    return np.asarray(samples[: samples.shape[0] // n * n].reshape(-1, n), np.float32)


@pytest.mark.parametrize("name", [*NAMES, "fake"])
def test_every_detector_keeps_the_contract(name: str, makers: dict[str, Callable[[], Any]], mixes: Path) -> None:
    detector = makers[name]()
    assert detector.name == name
    assert detector.frame_samples in (480, 512)
    frames = frames_of(mixes, "000_clean_en", detector)
    heard = detector.push(frames[:150])
    assert heard.shape == (150,)
    assert ((heard >= 0.0) & (heard <= 1.0)).all()
    assert heard.max() > 0.5
    assert [makers[name]().push(frames[:1]).tolist() for _ in range(2)] == [[heard[0]]] * 2
    makers[name]().restore(detector.snapshot())


@pytest.mark.parametrize("name", ["silero", "fake"])
def test_a_restored_detector_goes_on_to_the_last_bit(
    name: str, makers: dict[str, Callable[[], Any]], mixes: Path
) -> None:
    one, other = makers[name](), makers[name]()
    frames = frames_of(mixes, "014_noise", one)
    one.push(frames[:60])
    other.restore(one.snapshot())
    np.testing.assert_array_equal(one.push(frames[60:150]), other.push(frames[60:150]))


@pytest.mark.parametrize("name", [*NAMES, "fake"])
@pytest.mark.parametrize("block", [1, 2, 3, 4, 6, 7, 13, 32])
def test_no_answer_depends_on_how_many_frames_come_at_a_time(
    name: str, block: int, makers: dict[str, Callable[[], Any]], mixes: Path
) -> None:
    one, other = makers[name](), makers[name]()
    frames = frames_of(mixes, "014_noise", one)[:160]
    parts = [one.push(frames[at : at + block]) for at in range(0, frames.shape[0], block)]
    np.testing.assert_array_equal(np.concatenate(parts), other.push(frames))
    assert one.snapshot() == other.snapshot()


@pytest.mark.parametrize("name", ["000_clean_en", "016_noise_babble", "100_silence"])
def test_blocks_of_frames_give_what_the_published_graph_gives_frame_by_frame(
    name: str, silero: Callable[[], Any], mixes: Path
) -> None:
    frames = frames_of(mixes, name, SileroDetector)
    published = load_onnxruntime().InferenceSession(str(MODEL_FILE), providers=["CPUExecutionProvider"])
    state, told = np.zeros((2, 1, 128), np.float32), []
    for before, frame in zip([np.zeros(FRAME_SAMPLES, np.float32), *frames], frames, strict=False):
        heard = np.concatenate((before[-CONTEXT_SAMPLES:], frame))[np.newaxis]
        p, state = published.run(None, {"input": heard, "state": state})
        told.append(p[0, 0])
    np.testing.assert_allclose(silero().push(frames), told, atol=5e-6, rtol=0)


def test_another_graph_is_not_taken_for_silero() -> None:
    with pytest.raises(ValueError, match="not Silero's graph"):
        block_graph(random_frame_graph(3))


@pytest.mark.parametrize("name", NAMES)
def test_garbage_is_refused_as_a_detector_snapshot(name: str, makers: dict[str, Callable[[], Any]]) -> None:
    for state in ({"state": "AAAA", "context": "AAAA"}, {"state": 3, "context": 4}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            makers[name]().restore(state)


def test_silero_gets_the_end_of_the_frame_before() -> None:
    seen: list[Float32Array] = []

    class Session:
        """Fake to see what the model is given."""

        def run(self, outputs: None, inputs: dict[str, Any]) -> list[Any]:
            seen.extend(inputs["stretches"].copy())
            return [np.zeros((inputs["stretches"].shape[0], 1), np.float32), inputs["state"] + 1]

    detector = SileroDetector(Session())
    samples = np.arange(1, 1 + 4 * 512, dtype=np.float32) / np.float32(4096)
    for start, end in ((0, 1), (1, 2), (2, 4)):
        detector.push(samples[start * 512 : end * 512].reshape(-1, 512))
    behind = np.concatenate((np.zeros(CONTEXT_SAMPLES, np.float32), samples))
    for n, stretches in enumerate(seen):
        heard = behind[n * 512 : n * 512 + CONTEXT_SAMPLES + 512]
        mirrored = np.concatenate((heard, heard[-65:-1][::-1]))
        np.testing.assert_array_equal(stretches, [mirrored[at : at + 256] for at in range(0, 512, 128)])


def test_the_session_has_one_thread() -> None:
    options = load_silero_session().get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_silero_loads_neither_torch_nor_its_own_package() -> None:
    code = (
        "import sys; from server.model.detectors import detector_factory; detector_factory('silero')(); "
        "sys.exit(bool({'torch', 'silero_vad', 'torchaudio'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_silero_hears_speech_in_noise_and_none_in_noise_alone(silero: Callable[[], Any], mixes: Path) -> None:
    def speech_s(name: str) -> float:
        core = StreamCore(AUDIO, silero())
        run(core, pcm(mixes, name))
        return core.speech_s

    assert speech_s("000_clean_en") > 8
    assert speech_s("034_noise_traffic_snr8") > 6
    assert speech_s("088_too_quiet") > 6
    assert speech_s("125_dc_offset") > 6
    for noise in ("100_silence", "106_noise_only_fan_ac", "108_noise_only_typing"):
        assert speech_s(noise) < 0.35, noise


def test_webrtc_modes_call_ever_less_noise_speech(mixes: Path) -> None:
    frames = frames_of(mixes, "106_noise_only_fan_ac", WebRtcDetector())
    shares = []
    for mode in range(4):
        detector = WebRtcDetector(mode)
        shares.append(float(np.mean(detector.push(frames * 4))))
    assert shares == sorted(shares, reverse=True)


def test_streams_that_share_a_session_do_not_influence_each_other(silero: Callable[[], Any], mixes: Path) -> None:
    sounds = [pcm(mixes, name) for name in ("001_clean_zh", "016_noise_babble")]
    cores = [StreamCore(AUDIO, silero()) for _ in sounds]
    events: list[list[StreamEvent]] = [[] for _ in sounds]
    for at in range(0, len(sounds[0]), 3_200):
        for n, sound in enumerate(sounds):
            events[n] += cores[n].receive_pcm(sound[at : at + 3_200])
    for n, sound in enumerate(sounds):
        assert_same(events[n] + cores[n].finish(), run(StreamCore(AUDIO, silero()), sound))


@pytest.mark.parametrize("break_at", [16_001 * 7, 2 * 16_000 * 11 + 2])
def test_a_resumed_stream_with_silero_equals_an_unbroken_one(
    silero: Callable[[], Any], mixes: Path, break_at: int
) -> None:
    sound = pcm(mixes, "020_noise_music")
    core = StreamCore(AUDIO, silero())
    events = core.receive_pcm(sound[:break_at])
    packed = core.snapshot()
    assert len(packed) < 64 * 1024
    core = StreamCore.restore(packed, silero())
    events += run(core, sound[2 * core.next_sample :])
    assert_same(events, run(StreamCore(AUDIO, silero()), sound))


def test_webrtc_streams_can_be_resumed_too(mixes: Path) -> None:
    sound = pcm(mixes, "000_clean_en")
    core = StreamCore(AUDIO, WebRtcDetector())
    events = core.receive_pcm(sound[: 2 * 16_000 * 6])
    core = StreamCore.restore(core.snapshot(), WebRtcDetector())
    events += run(core, sound[2 * core.next_sample :])
    whole = run(StreamCore(AUDIO, WebRtcDetector()), sound)
    assert [w.end_s for w in windows(events)] == [w.end_s for w in windows(whole)]
    assert windows(events)[-1].speech_s == pytest.approx(windows(whole)[-1].speech_s, abs=0.5)
    assert any(isinstance(event, SpeechStarted) for event in events)
