from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from server.stream.input_measures import InputMeasures, clipped_samples, dbfs, level_of
from server.values.audio import Float32Array
from tests.stream.audio import RATES, babble

NO_GAP = np.zeros(100, np.bool_)


def rounded(samples: Float32Array) -> Float32Array:
    """As 16-bit audio has it."""
    return np.asarray(np.rint(np.clip(samples, -1, 1) * 32767) / 32768, np.float32)


def clipped_ratio(samples: Float32Array, rate: int) -> float:
    hops = [samples[at : at + rate] for at in range(0, samples.shape[0] - rate + 1, rate)]
    return sum(len(clipped_samples(hop)) for hop in hops) / len(samples)


@pytest.mark.parametrize("rate", [*RATES, 12_345])
def test_rows_begin_at_whole_hundredths_of_any_rate(rate: int) -> None:
    samples = np.zeros(rate, np.float32)
    rows = InputMeasures(rate)
    for row in (0, 1, 37, 99):
        first, last = row * rate // 100, (row + 1) * rate // 100 - 1
        samples[:] = 0
        samples[[first, last]] = (0.5, -0.75)
        measured = rows.measure(samples, 100, NO_GAP)
        assert np.flatnonzero(measured[:, 0]).tolist() == [row]
        assert measured[row, 0] == 0.75
        n = last + 1 - first
        assert measured[row, 2] == pytest.approx((n - 2) / n)
        assert measured[row, 3] == pytest.approx(-0.25 / n, abs=1e-7)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("gain_db", [0.0, -6.0, -12.0])
def test_clipping_is_seen_after_a_gain_and_under_an_offset(rate: int, gain_db: float) -> None:
    loud = babble(1, rate) * 8
    over = np.abs(loud) >= 1
    share = float((over & (np.roll(over, 1) | np.roll(over, -1))).mean())
    samples = rounded(np.clip(loud, -1, 1) * 10 ** (gain_db / 20) * 0.8 + 0.1)
    assert clipped_samples(samples).shape[0] / rate == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000, 96_000])
@pytest.mark.parametrize("frequency", [50, 100, 200, 1000])
def test_smooth_crests_are_not_clipping_even_where_rounding_makes_them_flat(rate: int, frequency: int) -> None:
    t = np.arange(rate) / rate
    for peak in (0.06, 0.3, 0.99):
        assert clipped_samples(rounded(np.asarray(peak * np.sin(2 * np.pi * frequency * t + 0.1)))).shape[0] == 0


def test_silence_and_constants_are_not_clipping() -> None:
    for value in (0.0, 0.3, 1.0, -1.0):
        assert clipped_samples(np.full(16_000, value, np.float32)).shape[0] == 0


def test_clipped_rows_hold_the_fraction_of_their_samples() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[1600:1604] = 0.9
    measured = InputMeasures(16_000).measure(samples, 100, NO_GAP)
    assert measured[10, 1] == pytest.approx(4 / 160)
    assert measured[:, 1].sum() == pytest.approx(4 / 160)


def test_every_clipped_recording_is_seen_and_no_other(mixes: Path, mix_labels: dict[str, dict[str, Any]]) -> None:
    for name, label in mix_labels.items():
        samples, rate = soundfile.read(mixes / name, dtype="float32")
        assert (clipped_ratio(samples, rate) > 5e-5) == ("clipping" in label["tags"]), name


def test_clean_speech_has_no_clipping_at_48_khz(mixes: Path) -> None:
    for path in sorted(mixes.glob("00*_clean_*.flac")):
        samples, rate = soundfile.read(path, dtype="float32")
        assert clipped_ratio(rounded(soxr.resample(samples, rate, 48_000)), 48_000) <= 5e-5, path.name


def test_four_clean_seconds_at_8_khz_never_look_clipped(shared: Path) -> None:
    """What the prompt policy reads: a telephone's clean speech must not be asked to move back."""
    for path in sorted((shared / "audio" / "speech").rglob("*.flac")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True, frames=20 * 48_000)
        narrow = soxr.resample(samples[:, 0], rate, 8_000)
        narrow = rounded(0.3 * narrow / np.abs(narrow).max())
        for at in range(0, narrow.shape[0] - 31_999, 8_000):
            assert clipped_ratio(narrow[at : at + 32_000], 8_000) <= 5e-5, (path.name, at)


def test_a_lone_pair_of_equal_samples_is_chance_and_two_pairs_are_not() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[[1600, 1601]] = 0.9
    samples[1602] = 0.4
    assert clipped_samples(samples).shape[0] == 0
    samples[[9000, 9001]] = 0.9
    samples[9002] = 0.4
    assert clipped_samples(samples).tolist() == [1600, 1601, 9000, 9001]


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_one_or_two_samples_are_never_clipping(samples: int) -> None:
    assert clipped_samples(np.ones(samples, np.float32)).tolist() == []


def test_clipping_at_either_end_of_a_hop_is_seen_by_its_inner_edge() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[:3] = samples[-3:] = 0.9
    assert clipped_samples(samples).tolist() == [0, 1, 2, 15_997, 15_998, 15_999]


def test_a_meter_reading_is_in_decibels_of_full_scale() -> None:
    t = np.arange(3200) / 16_000
    rms, peak, clipping = level_of(np.asarray(0.5 * np.sin(2 * np.pi * 440 * t), np.float32))
    assert rms == pytest.approx(-9.03, abs=0.05)
    assert peak == pytest.approx(-6.02, abs=0.05)
    assert not clipping
    for samples in (0, 1, 3200):
        assert level_of(np.zeros(samples, np.float32)) == (-120.0, -120.0, False)
    assert level_of(rounded(babble(0.2, 16_000) * 30))[2]
    assert dbfs(1e-9) == -120.0
