"""How well each second repeats what came up to 350 ms earlier, whatever the chunks and through a resume."""

from collections.abc import Iterable

import numpy as np
import pytest

from server.model.acoustic.echo import own_echo
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.values.windows import ECHO_LAGS, Window
from tests.fakes import FakeDetector
from tests.stream.audio import core_at, f32, run, windows

RNG = np.random.default_rng(3)


def talk(seconds: int) -> Float32Array:
    """Noise bursts of changing colour, as syllables have."""
    out = np.zeros(seconds * 16_000, np.float32)
    for start in range(0, out.size - 3_200, 4_000):
        burst = np.convolve(RNG.standard_normal(3_200), np.hanning(int(RNG.integers(20, 90))), "same")
        out[start : start + 3_200] = 0.005 * burst * np.hanning(3_200)
    return out


def echoed(sound: Float32Array, delay_s: float, gain: float) -> Float32Array:
    late = int(delay_s * 16_000)
    return sound + gain * np.concatenate((np.zeros(late, np.float32), sound[:-late]))


def heard(sound: Float32Array, lengths: Iterable[int] = ()) -> list[Window]:
    return windows(run(core_at(16_000, Encoding.PCM_F32LE), f32(sound), lengths))


def test_an_echo_of_the_talker_stands_out_at_its_delay_and_a_dry_voice_has_none() -> None:
    sound = talk(12)
    dry, wet = (heard(one)[-1] for one in (sound, echoed(sound, 0.21, 0.7)))
    assert wet.echo.shape == (10, ECHO_LAGS)
    assert (own_echo(wet.echo) or 0.0) > 0.3
    assert own_echo(dry.echo) == 0.0
    assert 200 + int(np.argmax(wet.echo.sum(axis=0)[200:])) == 420


def test_an_early_reflection_is_the_rooms() -> None:
    assert own_echo(heard(echoed(talk(12), 0.05, 0.7))[-1].echo) == 0.0


def test_chunks_do_not_change_the_echo_and_a_resume_goes_on_with_it() -> None:
    sound = echoed(talk(16), 0.25, 0.7)
    whole = heard(sound)
    assert all(
        np.array_equal(one.echo, other.echo) for one, other in zip(whole, heard(sound, [997] * 400), strict=True)
    )
    core = core_at(16_000, Encoding.PCM_F32LE)
    core.receive_pcm(f32(sound[: 13 * 16_000]))
    resumed = StreamCore.restore(core.snapshot(), FakeDetector())
    found = windows(resumed.receive_pcm(f32(sound[resumed.next_sample :])))
    assert [one.end_sample for one in found] == [one.end_sample for one in whole[-3:]]
    assert all(np.array_equal(one.echo, other.echo) for one, other in zip(found, whole[-3:], strict=True))


def test_a_second_of_silence_has_no_echo() -> None:
    assert own_echo(heard(np.zeros(12 * 16_000, np.float32))[-1].echo) is None
    assert own_echo(np.zeros((0, ECHO_LAGS), np.float32)) is None


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("seconds", [1, 2])
def test_a_tail_of_a_few_samples_still_leaves_a_window(rate: int, seconds: int) -> None:
    for beyond in range(1, 5):
        core = StreamCore(AudioFormat(Encoding.PCM_F32LE, rate), FakeDetector())
        events = core.receive_pcm(np.full(seconds * rate + beyond, 0.1, np.float32).tobytes()) + core.finish()
        assert len([event for event in events if isinstance(event, WindowReady)]) == 1
