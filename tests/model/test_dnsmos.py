"""DNSMOS: the reference's numbers, and no rating where it would mislead."""

from functools import lru_cache
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from server.model.dnsmos import INPUT_SAMPLES, DnsMos, is_trustworthy, load_dnsmos_session, repeated
from server.model.onnx import one_thread_session
from server.values.audio import Float32Array
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import last_window, made_rows, samples_of
from tests.model.published import published


@lru_cache(maxsize=1)
def model() -> DnsMos:
    return DnsMos(load_dnsmos_session())


def reference(pcm: Float32Array) -> tuple[float, ...]:
    """What ``speechmos/dnsmos.py`` computes, by its own polynomials: read from its source, which imports librosa."""
    (source,) = (file for file in files("speechmos") or () if file.as_posix() == "speechmos/dnsmos.py")
    text = source.read_text()
    usual = text[text.index("else:", text.index("is_personalized_MOS:")) :]
    coefficients = {}
    for name in ("sig", "bak", "ovr"):
        listed = usual[usual.index(f"p_{name} = np.poly1d([") :]
        coefficients[name] = [float(value) for value in listed[listed.index("[") + 1 : listed.index("]")].split(",")]
    raw = one_thread_session(published()).run(None, {"input_1": pcm[np.newaxis]})[0][0]
    return tuple(float(np.poly1d(coefficients[name])(value)) for name, value in zip(coefficients, raw, strict=True))


def test_ratings_equal_the_reference_on_a_real_clip(mixes: Path) -> None:
    pcm = samples_of(mixes / "030_noise_fan_ac_snr3_en.flac")[:INPUT_SAMPLES]
    assert pcm.shape == (144_160,)
    assert model().rate(pcm) == pytest.approx(reference(pcm), abs=1e-5)


def test_a_shorter_clip_is_doubled_until_it_fills_the_input() -> None:
    pcm = np.arange(40_000, dtype=np.float32)
    filled = repeated(pcm)
    assert filled.shape == (INPUT_SAMPLES,)
    np.testing.assert_array_equal(filled, np.tile(pcm, 4)[:INPUT_SAMPLES])


def test_ratings_do_not_depend_on_level_or_offset(mixes: Path) -> None:
    window = last_window(mixes / "002_clean_en.flac")
    rows = window.rows.copy()
    rows[:, Column.LEVEL_DB] -= 12
    quiet = Window(0, window.end_sample, 16_000, False, rows, window.pcm * np.float32(10 ** (-12 / 20)) + 0.1)
    one, other = model().score(window), model().score(quiet)
    assert one is not None
    assert other is not None
    assert (one.signal, one.background) == pytest.approx((other.signal, other.background), abs=0.05)


def test_noise_lowers_the_background_rating(mixes: Path) -> None:
    clean = model().score(last_window(mixes / "002_clean_en.flac"))
    noisy = model().score(last_window(mixes / "030_noise_fan_ac_snr3_en.flac"))
    assert clean is not None
    assert noisy is not None
    assert clean.background > 3.5
    assert noisy.background < 2.5
    assert clean.end_sample == 12 * 16_000


def test_silence_noise_alone_and_broken_speech_are_not_rated(mixes: Path) -> None:
    speechless = Window(0, 160_000, 16_000, False, made_rows(1000), np.zeros(160_000, np.float32))
    assert model().score(speechless) is None
    broken = last_window(mixes / "000_clean_en.flac")
    rows = broken.rows.copy()
    rows[::7, Column.ZERO] = 1
    rows[::7, Column.PEAK] = 0
    assert not is_trustworthy(Window(0, broken.end_sample, 16_000, False, rows, broken.pcm))
    faint = broken.rows.copy()
    faint[:, Column.LEVEL_DB] -= 45
    assert not is_trustworthy(Window(0, broken.end_sample, 16_000, False, faint, broken.pcm))
