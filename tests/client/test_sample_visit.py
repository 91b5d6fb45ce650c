"""The synthetic visit: always the same, speech to the detector, noisy in its middle alone."""

from pathlib import Path

import numpy as np
import soundfile

from server.client.sample_visit import DURATION_S, NOISE_FROM_S, NOISE_TO_S, RATE, sample_visit, save_sample_visit
from server.model.detectors import detector_factory
from server.stream.core import StreamCore
from server.values.audio import AudioFormat, Encoding
from tests.stream.audio import run


def level_db(samples: np.ndarray, from_s: float, to_s: float) -> float:
    """Of the quietest tenth of 20 ms frames: what there is between the words."""
    frames = samples[round(from_s * RATE) : round(to_s * RATE)].astype(float)
    frames = frames[: frames.size // 320 * 320].reshape(-1, 320) / 32_768
    return float(10 * np.log10(np.percentile((frames**2).mean(axis=1), 10)))


def test_the_visit_is_the_same_every_time_and_does_not_clip() -> None:
    visit = sample_visit()
    assert visit.shape == (round(DURATION_S * RATE),)
    assert np.array_equal(visit, sample_visit())
    assert 3_000 < np.abs(visit).max() < 32_000


def test_the_detector_takes_the_voice_for_speech_with_and_without_the_fan() -> None:
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, RATE), detector_factory("silero")())
    run(core, sample_visit().astype("<i2").tobytes())
    assert core.speech_s > 0.6 * DURATION_S


def test_only_while_the_fan_runs_the_pauses_are_loud() -> None:
    visit = sample_visit()
    fan = level_db(visit, NOISE_FROM_S + 1, NOISE_TO_S)
    assert fan - level_db(visit, 0, NOISE_FROM_S) > 25
    assert fan - level_db(visit, NOISE_TO_S + 1, DURATION_S) > 25


def test_a_saved_visit_is_16_bit_mono_wav_of_the_same_samples(tmp_path: Path) -> None:
    path = tmp_path / "visit.wav"
    save_sample_visit(path)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 1, RATE)
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], sample_visit())
