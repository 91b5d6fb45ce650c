"""Whispered words: they have no voice, which is no noise, and they are told from noise that has none either."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from server.model.acoustic.levels import speech_level
from server.model.acoustic.measures import read, stretches
from server.model.acoustic.opinions import opinion
from server.model.acoustic.spectrum import frame_spectra
from server.model.acoustic.voicing import is_whispered
from server.values.audio import Basis, Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Mos
from server.values.windows import Window
from tests.model.hearing import RATE, samples_of, telemedicine, windows_of

VOICES = ("000_clean_en.flac", "003_clean_zh.flac", "005_clean_zh.flac")
WORST = Mos(1.1, 1.2, 1.0, 10 * RATE)
"""What DNSMOS says of whispers; it has heard none."""


def whispered(sound: Float32Array, order: int = 18, size: int = 512, step: int = 128) -> Float32Array:
    """The vocal tract of each moment (linear prediction), excited by noise; as loud as the words were."""
    rng = np.random.default_rng(1)
    flat = np.asarray(signal.lfilter([1, -0.95], [1], sound.astype(np.float64)))
    out, lags = np.zeros(sound.size + size), np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    window = np.hanning(size)
    for start in range(0, sound.size - size, step):
        piece = flat[start : start + size] * window
        r = np.correlate(piece, piece, "full")[size - 1 : size + order] + 1e-9
        r[0] *= 1.001
        tract = np.r_[1.0, -np.linalg.solve(r[lags], r[1:])]
        made = signal.lfilter([1.0], tract, rng.standard_normal(size))
        out[start : start + size] += made * np.sqrt(r[0] / size / np.mean(made**2)) * window
    out = out[: sound.size]
    floor = 10 ** (-74 / 20) * rng.standard_normal(sound.size)
    return np.asarray(out * 10 ** (-32 / 20) / np.sqrt(np.mean(out**2)) + floor, np.float32)


@pytest.fixture(scope="module", params=VOICES)
def whisper(request: pytest.FixtureRequest, mixes: Path) -> Window:
    return windows_of(whispered(samples_of(mixes / request.param)[: 10 * RATE]))[-1]


def heard(window: Window) -> bool:
    rows = MarkedRows(window.rows)
    return is_whispered(frame_spectra(window.pcm, len(rows)), rows, speech_level(rows))


def failing(window: Window, labels: Sequence[str]) -> set[str]:
    values = read(stretches(window, 400)[0], mos=WORST).values
    opinions = {label.id: opinion(label, values, basis=Basis.ROOM) for label in telemedicine().labels}
    return {
        name for name in labels if (one := opinions[name]) is not None and one.value is not None and one.value < 0.7
    }


def test_a_clear_whisper_is_no_noise_and_no_mumble_whatever_dnsmos_says(whisper: Window) -> None:
    assert heard(whisper)
    assert failing(whisper, ("low_background", "intelligible", "low_reverberation", "no_crosstalk")) == set()


@pytest.mark.parametrize(
    "mix",
    [*VOICES, "016_noise_babble_snr-3_en.flac", "035_noise_traffic_snr3_zh.flac", "121_combo_babble_snr8_en.flac"],
)
def test_neither_a_voice_nor_noise_is_a_whisper(mixes: Path, mix: str) -> None:
    assert not any(heard(window) for window in windows_of(samples_of(mixes / mix)))


def test_noise_beside_a_whisper_is_told(mixes: Path) -> None:
    quiet = whispered(samples_of(mixes / VOICES[0])[: 10 * RATE])
    noise = 10 ** (-36 / 20) * np.random.default_rng(2).standard_normal(quiet.size)
    assert "low_background" in failing(windows_of(quiet + noise.astype(np.float32))[-1], ("low_background",))
