"""Log-mel spectrograms against the installed transformers, and streamed ones against those of separate windows."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from server.model.clap.mel import MelTracker
from server.model.clap.spectrogram import CLAP_SAMPLES, FLOOR_DB, log_mel, repeat_to_window
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.windows import Window
from tests.fakes import FakeDetector

RATES = [8_000, 16_000, 44_100, 48_000, 96_000]


def noise(seconds: float, rate: int = 48_000, seed: int = 0) -> Float32Array:
    """Noise whose level rises and falls, in -1..1."""
    n = round(seconds * rate)
    swell = 0.3 + 0.29 * np.sin(np.arange(n) / rate * 2.1)
    return (np.random.default_rng(seed).uniform(-1, 1, n) * swell).astype(np.float32)


def extracted(pcm: Float32Array) -> Float32Array:
    """What transformers makes of exactly 10 s."""
    from transformers import ClapFeatureExtractor

    extractor = ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation="fusion", padding="repeatpad", max_length_s=10
    )
    features = extractor(pcm, sampling_rate=48_000, return_tensors="np")["input_features"]
    return np.asarray(features[0, 0], np.float32)


def tracked(pcm: Float32Array, rate: int) -> tuple[MelTracker, int]:
    tracker = MelTracker()
    for start in range(0, pcm.shape[0], rate):
        tracker.advance(pcm[start : start + rate], rate)
    return tracker, -(-pcm.shape[0] // rate)


def test_log_mel_of_noise_equals_the_extractors_bit_for_bit() -> None:
    pcm = noise(10)
    assert np.array_equal(log_mel(pcm), extracted(pcm))


def test_log_mel_of_speech_equals_the_extractors_bit_for_bit(mixes: Path) -> None:
    for path in sorted(mixes.glob("*.flac"))[::40][:3]:
        samples, rate = soundfile.read(path, dtype="float32")
        pcm = repeat_to_window(soxr.resample(samples, rate, 48_000).astype(np.float32))
        assert np.array_equal(log_mel(pcm), extracted(pcm)), path.name


@pytest.mark.parametrize(
    "pcm",
    [
        np.zeros(CLAP_SAMPLES, np.float32),
        np.full(CLAP_SAMPLES, 0.5, np.float32),
        np.sign(noise(10)).astype(np.float32),
    ],
    ids=["silence", "dc", "full-scale"],
)
def test_extremes_read_as_the_extractor_reads_them(pcm: Float32Array) -> None:
    mel = log_mel(pcm)
    assert np.array_equal(mel, extracted(pcm))
    assert mel.min() >= FLOOR_DB


def test_streamed_windows_equal_separate_windows_bit_for_bit() -> None:
    pcm = noise(13)
    tracker = MelTracker()
    for hop in range(1, 14):
        tracker.advance(pcm[(hop - 1) * 48_000 : hop * 48_000], 48_000)
        if hop >= 3:
            start = max(0, hop - 10)
            whole = log_mel(repeat_to_window(pcm[start * 48_000 : hop * 48_000]))
            assert np.array_equal(tracker.window(hop - start), whole), hop


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.37, 2.0, 2.9])
@pytest.mark.parametrize("rate", [48_000, 16_000])
def test_short_recordings_are_repeated_from_their_start(seconds: float, rate: int) -> None:
    pcm = noise(seconds, rate)
    tracker, hops = tracked(pcm, rate)
    whole = pcm if rate == 48_000 else soxr.resample(pcm, rate, 48_000)
    window = np.asarray(tracker.window(hops), np.float32)
    difference = np.abs(window - log_mel(repeat_to_window(whole.astype(np.float32))))
    assert difference.max() <= (0 if rate == 48_000 else 0.5)
    assert np.median(difference) < 1e-3


@pytest.mark.parametrize("rate", RATES)
def test_other_rates_give_the_mel_of_the_resampled_window(rate: int) -> None:
    pcm = noise(12, rate)
    tracker, _ = tracked(pcm, rate)
    whole = soxr.resample(pcm, rate, 48_000).astype(np.float32) if rate != 48_000 else pcm
    window = np.asarray(tracker.window(10), np.float32)
    difference = np.abs(window - log_mel(whole[2 * 48_000 :]))
    # Above the band of the input there is only what the resampler leaves there, 100 dB down.
    audible = log_mel(whole[2 * 48_000 :]) > -60
    assert difference[audible].max() < 0.02
    assert np.median(difference) < 1e-3


@pytest.mark.parametrize("rate", RATES)
def test_replay_of_ten_seconds_gives_the_same_next_window(rate: int) -> None:
    pcm = noise(14, rate)
    unbroken, _ = tracked(pcm, rate)
    resumed, _ = tracked(pcm[3 * rate :], rate)
    assert np.array_equal(unbroken.window(10), resumed.window(10))


@pytest.mark.parametrize("rate", RATES)
def test_a_session_holds_less_than_a_mebibyte(rate: int) -> None:
    pcm = noise(12, rate)
    tracker = MelTracker()
    for start in range(0, pcm.shape[0], rate):
        tracker.advance(pcm[start : start + rate], rate)
        assert tracker.nbytes < 2**20


def test_a_reset_tracker_is_as_new() -> None:
    tracker, _ = tracked(noise(5), 48_000)
    tracker.reset()
    pcm = noise(3, seed=7)
    for hop in range(3):
        tracker.advance(pcm[hop * 48_000 : (hop + 1) * 48_000], 48_000)
    assert np.array_equal(tracker.window(3), log_mel(repeat_to_window(pcm)))


def windows_of(pcm: Float32Array, rate: int, chunk: int) -> list[Window]:
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), FakeDetector(), [MelTracker()])
    data = pcm.astype("<f4").tobytes()
    events = [event for at in range(0, len(data), chunk) for event in core.receive_pcm(data[at : at + chunk])]
    return [event.window for event in [*events, *core.finish()] if isinstance(event, WindowReady)]


def test_windows_of_the_core_carry_their_mel_however_the_audio_was_cut() -> None:
    pcm = noise(11.6, 16_000)
    some, others = windows_of(pcm, 16_000, 6_400), windows_of(pcm, 16_000, 33_331)
    assert [window.end_sample for window in some] == [s * 16_000 for s in range(3, 12)]
    for one, other in zip(some, others, strict=True):
        assert one.tracked["clap_mel"].shape == (1001, 64)
        assert np.array_equal(one.tracked["clap_mel"], other.tracked["clap_mel"])
