import numpy as np
import pytest
import soxr

from server.stream.resample import Resampler
from server.stream.ring import InputBuffer
from server.values.audio import CORE_RATE, Float32Array
from tests.stream.audio import RATES

ODD_RATES = (12_345, 16_001)


def resampled(samples: Float32Array, rate: int, pieces: int, start: int = 0) -> tuple[Float32Array, int]:
    """Everything, and the largest delay seen: input samples taken whose 16 kHz time had not come out."""
    resampler, buffer = Resampler(rate, start=start), InputBuffer(4 * rate, start=start)
    out: list[Float32Array] = []
    done, delay = start * CORE_RATE // rate, 0
    for at in range(0, samples.shape[0], pieces):
        buffer.append(samples[at : at + pieces], resampler.keep_from)
        while (pcm := resampler.pull(buffer)) is not None:
            out.append(pcm.copy())
            done += pcm.shape[0]
        delay = max(delay, buffer.end - done * rate // CORE_RATE)
    rest = resampler.flush(buffer)
    if rest is not None:
        out.append(rest)
    return np.concatenate(out), delay


def noise(seconds: float, rate: int) -> Float32Array:
    return np.asarray(0.3 * np.random.default_rng(rate).standard_normal(int(seconds * rate)), np.float32)


@pytest.mark.parametrize("rate", [*RATES, *ODD_RATES])
def test_segments_equal_one_pass_over_the_whole(rate: int) -> None:
    samples = noise(2.3, rate)
    got, _ = resampled(samples, rate, 997)
    whole = soxr.resample(samples, rate, CORE_RATE, quality="HQ")
    assert got.shape[0] == samples.shape[0] * CORE_RATE // rate
    # 2e-6: white noise at -10 dBFS, its rounding in float32 over a second without a common divisor of the rates.
    np.testing.assert_allclose(got, whole[: got.shape[0]], rtol=0, atol=2e-6)


@pytest.mark.parametrize("rate", [*RATES, *ODD_RATES])
def test_a_stream_that_starts_again_gives_the_same_samples(rate: int) -> None:
    samples = noise(3.3, rate)
    whole, _ = resampled(samples, rate, 5000)
    again, _ = resampled(samples[rate:], rate, 311, start=rate)
    np.testing.assert_array_equal(again[CORE_RATE:], whole[2 * CORE_RATE :])


@pytest.mark.parametrize("rate", RATES)
def test_a_second_is_complete_sixteen_milliseconds_after_its_last_sample(rate: int) -> None:
    resampler, buffer = Resampler(rate), InputBuffer(4 * rate)
    buffer.append(noise(1 + 0.016, rate), 0)
    out = 0
    while (pcm := resampler.pull(buffer)) is not None:
        out += pcm.shape[0]
    assert out >= CORE_RATE


def test_sixteen_kilohertz_passes_unchanged_and_at_once() -> None:
    samples = noise(0.5, CORE_RATE)
    got, delay = resampled(samples, CORE_RATE, 160)
    np.testing.assert_array_equal(got, samples)
    assert delay == 0


@pytest.mark.parametrize("rate", RATES)
def test_delay_stays_under_a_quarter_of_a_second(rate: int) -> None:
    _, delay = resampled(noise(2, rate), rate, rate // 100)
    assert delay <= 0.23 * rate
