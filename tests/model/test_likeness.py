"""Likeness is ESTOI: of a sound against itself one, whatever its level, and the less the more noise covers it."""

import numpy as np
import pytest

from server.model.gtcrn.likeness import SEGMENT, likeness
from server.model.gtcrn.spectra import spectra
from server.values.audio import Float32Array

RATE = 16_000
RNG = np.random.default_rng(7)


def syllables(seconds: float = 1.0) -> Float32Array:
    """Noise in a dozen bands, each with its own slow envelope, as speech has them."""
    n = int(seconds * RATE)
    time = np.arange(n) / RATE
    tones = [
        np.sin(2 * np.pi * hz * time) * (1.1 + np.sin(2 * np.pi * (3 + place / 3) * time + place))
        for place, hz in enumerate(np.geomspace(160, 4000, 14))
    ]
    return np.asarray(0.01 * np.sum(tones, axis=0), np.float32)


def noisy(voice: Float32Array, snr_db: float) -> Float32Array:
    noise = RNG.standard_normal(voice.size).astype(np.float32)
    return voice + noise * np.float32(np.sqrt(np.mean(voice**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20))


def test_a_sound_is_like_itself_at_any_level() -> None:
    voice = spectra(syllables())
    found = likeness(voice, voice * np.float32(0.01))
    assert found.shape == (voice.shape[2] - SEGMENT + 1,)
    np.testing.assert_allclose(found, 1.0, atol=1e-4)


def test_the_more_noise_the_less_alike() -> None:
    voice = syllables()
    means = [likeness(spectra(noisy(voice, snr)), spectra(voice)).mean() for snr in (30, 15, 5, -5, -30)]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.95
    assert abs(means[-1]) < 0.2


def test_constant_noise_is_not_like_a_voice_of_the_same_spectrum() -> None:
    voice, other = (spectra(RNG.standard_normal(RATE).astype(np.float32)) for _ in range(2))
    assert likeness(voice, other).mean() == pytest.approx(0.0, abs=0.1)


def test_silence_and_less_than_a_segment_have_no_likeness() -> None:
    voice = spectra(syllables())
    assert np.isnan(likeness(voice, np.zeros_like(voice))).all()
    assert likeness(voice[:, :, : SEGMENT - 1], voice[:, :, : SEGMENT - 1]).shape == (0,)
