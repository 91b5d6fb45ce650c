"""Real speech as devices, lines and writers change it."""

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from server.values.audio import Float32Array

RATE = 16_000


def spoken(mixes: Path, name: str = "000_clean_en.flac", seconds: float = 10.0) -> Float32Array:
    """A clean recording, its loudest sample at half of full scale."""
    sound, rate = soundfile.read(mixes / name, dtype="float32")
    assert rate == RATE
    cut = sound[: round(seconds * RATE)]
    return np.asarray(0.5 * cut / np.abs(cut).max(), np.float32)


def noise(seconds: float, dbfs: float, seed: int = 1) -> Float32Array:
    """White noise of an input's own level."""
    steady = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.asarray(10 ** (dbfs / 20) * steady, np.float32)


def over_the_telephone(sound: Float32Array) -> Float32Array:
    """200 to 3,400 Hz, at 8 kHz."""
    spectrum = np.fft.rfft(sound)
    frequencies = np.fft.rfftfreq(sound.size, 1 / RATE)
    spectrum[(frequencies < 200) | (frequencies > 3_400)] = 0.0
    return np.asarray(soxr.resample(np.fft.irfft(spectrum, sound.size).astype(np.float32), RATE, RATE // 2), np.float32)


def wav(sound: Float32Array, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    """As a file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()
