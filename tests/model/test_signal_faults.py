"""Faults of lines and devices in real speech: each is told by its label, and what only looks like it is not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from server.model.acoustic.names import Internal
from server.model.acoustic.opinions import opinion
from server.model.acoustic.scorer import readings
from server.values.audio import Basis, Float32Array
from server.values.scores import Opinion
from tests.model.hearing import RATE, samples_of, telemedicine, windows_of

CLEAN = ("000_clean_en.flac", "003_clean_zh.flac", "007_clean_zh.flac")
Change = Callable[[Float32Array], tuple[Float32Array, int]]


@pytest.fixture(params=CLEAN)
def speech(request: pytest.FixtureRequest, mixes: Path) -> Float32Array:
    """Ten seconds at a usual level."""
    sound = samples_of(mixes / request.param)[: 10 * RATE]
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def judged(sound: Float32Array, label_id: str, rate: int = RATE, *, telephone: bool = False) -> Opinion:
    """What is thought of a label over the whole recording, as 16 bits carry it."""
    carried = np.asarray(np.rint(np.clip(sound, -1, 1) * 32767) / 32768, np.float32)
    (label,) = (label for label in telemedicine().labels if label.id == label_id)
    found = opinion(
        label, readings(windows_of(carried, rate)[-1], None, telephone=telephone)[0].values, basis=Basis.ROOM
    )
    assert found is not None
    return found


def fails(found: Opinion) -> bool:
    return found.value is not None and found.value < 0.70


def noise(n: int, dbfs: float, seed: int = 0) -> Float32Array:
    return (10 ** (dbfs / 20) * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def resampled(sound: Float32Array, source: int, target: int) -> Float32Array:
    return np.asarray(soxr.resample(sound, source, target), np.float32)


# -- losses


def without_quanta(sound: Float32Array, rate: int, per_s: float) -> Float32Array:
    out = sound.copy()
    starts = np.random.default_rng(1).choice(out.size // 128, int(per_s * out.size / rate), replace=False) * 128
    for start in starts:
        out[start : start + 128] = 0.0
    return out


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_eight_lost_audio_quanta_a_second_break_the_signal(speech: Float32Array, rate: int) -> None:
    whole = resampled(speech, RATE, rate) if rate != RATE else speech
    assert fails(judged(without_quanta(whole, rate, 8), "continuous_signal", rate))
    assert judged(whole, "continuous_signal", rate).value == 1.0


def concealed(sound: Float32Array, packets: list[int]) -> Float32Array:
    """Packets of 20 ms are filled with the last pitch period, fading by 200 dB per second."""
    out = sound.copy()
    for packet in packets:
        start = packet * 320
        heard = out[start - 640 : start]
        period = max(range(40, 241), key=lambda lag: float(np.dot(heard[-160:], heard[-160 - lag : -lag])))
        fade = 10 ** (-200 * np.arange(320) / RATE / 20)
        out[start : start + 320] = np.resize(heard[-period:], 320) * fade
    return out


def test_a_sixth_of_concealed_packets_breaks_the_signal_and_five_do_not(speech: Float32Array) -> None:
    packets = sorted(np.random.default_rng(2).choice(np.arange(3, speech.size // 320), 83, replace=False).tolist())
    assert fails(judged(concealed(speech, packets), "continuous_signal"))
    assert not fails(judged(concealed(speech, packets[::17]), "continuous_signal"))


@pytest.mark.parametrize("edge", [1, 16, 48])
def test_a_gated_microphone_loses_nothing(speech: Float32Array, edge: int) -> None:
    sound = speech + noise(speech.size, -62)
    loud = np.flatnonzero(np.abs(sound) > 10 ** (-45 / 20))
    gain = np.zeros(sound.size)
    for at in loud:
        gain[max(0, at - 640) : at + 640] = 1.0
    gated = sound * np.convolve(gain, np.ones(edge) / edge, "same")
    assert not fails(judged(gated.astype(np.float32), "continuous_signal"))


# -- clipping


def clipped(sound: Float32Array, over_db: float) -> Float32Array:
    return np.asarray(np.clip(sound / np.abs(sound).max() * 10 ** (over_db / 20), -1, 1), np.float32)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_clipping_that_was_turned_down_and_resampled_is_told(speech: Float32Array, rate: int) -> None:
    loud = 0.85 * clipped(resampled(speech, RATE, 48_000), 10)
    assert fails(judged(resampled(loud, 48_000, rate) if rate != 48_000 else loud, "no_clipping", rate))


def test_a_soft_amplifier_driven_hard_is_told(speech: Float32Array) -> None:
    assert fails(judged(0.8 * np.tanh(speech / np.abs(speech).max() * 10), "no_clipping"))


def test_twelve_clipped_samples_are_no_clipping(speech: Float32Array) -> None:
    ceiling = np.partition(np.abs(speech), -12)[-12]
    assert not fails(judged(np.clip(speech / ceiling, -1, 1), "no_clipping"))


@pytest.mark.parametrize("label", ["no_clipping", "continuous_signal"])
def test_eight_bits_are_neither_clipping_nor_loss(speech: Float32Array, label: str) -> None:
    assert not fails(judged(np.rint(1.4 * speech * 127) / np.float32(128), label))


def test_an_offset_with_hum_is_neither_clipping_nor_loss(speech: Float32Array) -> None:
    hum = 0.01 * np.sin(2 * np.pi * 50 * np.arange(speech.size) / RATE)
    for label in ("no_clipping", "continuous_signal"):
        assert not fails(judged((speech + 0.2 + hum).astype(np.float32), label))


# -- the talker's own echo


@pytest.mark.parametrize(("delay_s", "gain"), [(0.12, 0.6), (0.21, 0.75), (0.3, 0.9)])
def test_the_talkers_own_echo_is_told_as_such(speech: Float32Array, delay_s: float, gain: float) -> None:
    late = int(delay_s * RATE)
    found = judged(speech + gain * np.pad(speech, (late, 0))[: speech.size], "low_reverberation")
    assert (fails(found), found.cause) == (True, "self_echo")
    assert not fails(judged(speech, "low_reverberation"))


def test_an_own_echo_is_no_second_voice_and_no_noise(speech: Float32Array) -> None:
    late = int(0.2 * RATE)
    echoed = speech + np.float32(0.9) * np.pad(speech, (late, 0))[: speech.size]
    assert judged(echoed, "no_crosstalk").value is None
    assert not fails(judged(echoed, "low_background"))


# -- bandwidth


def low_passed(sound: Float32Array, hz: float) -> Float32Array:
    spectrum = np.fft.rfft(sound)
    frequencies = np.fft.rfftfreq(sound.size, 1 / RATE)
    return np.fft.irfft(spectrum / (1 + (frequencies / hz) ** 16), sound.size).astype(np.float32)


@pytest.mark.parametrize("hz", [600, 1500])
def test_a_covered_microphone_is_told_over_any_floor(speech: Float32Array, hz: int) -> None:
    for floor in (-75, -110):
        found = judged(low_passed(speech, hz) + noise(speech.size, floor), "full_bandwidth")
        assert (fails(found), found.cause) == (True, None)


def line(sound: Float32Array) -> Float32Array:
    spectrum = np.fft.rfft(sound)
    frequencies = np.fft.rfftfreq(sound.size, 1 / RATE)
    spectrum[(frequencies < 200) | (frequencies > 3400)] = 0.0
    return resampled(np.fft.irfft(spectrum, sound.size).astype(np.float32), RATE, 8_000)


def between(sound: Float32Array) -> Float32Array:
    return np.asarray(np.interp(np.arange(2 * sound.size) / 2, np.arange(sound.size), sound), np.float32)


UPSAMPLED: dict[str, Change] = {
    "8 kHz": lambda sound: (sound, 8_000),
    "soxr": lambda sound: (resampled(sound, 8_000, RATE), RATE),
    "linear": lambda sound: (between(sound), RATE),
    "hold": lambda sound: (np.repeat(sound, 2), RATE),
}


@pytest.mark.parametrize("how", UPSAMPLED)
def test_a_telephone_band_is_named_whatever_resampled_it_and_passes_as_a_line(speech: Float32Array, how: str) -> None:
    sound, rate = UPSAMPLED[how](line(speech))
    sound = (sound + noise(sound.size, -75)).astype(np.float32)
    found = judged(sound, "full_bandwidth", rate)
    assert (fails(found), found.cause) == (True, "telephone_band")
    assert not fails(judged(sound, "full_bandwidth", rate, telephone=True))


def test_a_hand_over_the_microphone_is_told_on_a_line_too(speech: Float32Array) -> None:
    assert fails(judged(line(low_passed(speech, 900)), "full_bandwidth", 8_000, telephone=True))


def test_noise_does_not_look_like_a_line(speech: Float32Array) -> None:
    noisy = speech + noise(speech.size, -30)
    assert not fails(judged(noisy, "full_bandwidth"))


@pytest.mark.parametrize("file", ["024_noise_baby_cry_snr8_en.flac", "093_far_zh.flac"])
def test_neither_a_cry_nor_a_far_room_is_taken_for_a_line(mixes: Path, file: str) -> None:
    full = [window for window in windows_of(samples_of(mixes / file)) if not window.partial]
    assert all(Internal.TELEPHONE_EDGE_DB not in readings(window, None)[0].values for window in full)


def test_a_siren_is_no_echo_of_the_talker(mixes: Path) -> None:
    for window in windows_of(samples_of(mixes / "065_noise_siren_alarm_snr3_zh.flac")):
        for reading in readings(window, None):
            assert reading.values.get(Internal.SELF_ECHO, 0.0) < 0.2
