"""Rooms by their clarity, C50 (ISO 3382-1: sound within 50 ms against what comes later): a furnished room at arm's
length is no fault, and a hall is one."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import signal

from server.model.acoustic.measures import read, stretches
from server.model.acoustic.names import Internal
from server.model.acoustic.opinions import opinion
from server.model.acoustic.ratings import room_passes, trusted_mos
from server.model.acoustic.scorer import readings
from server.model.acoustic.speech import is_drowned, reverberation
from server.model.acoustic.tails import is_echoing
from server.values.audio import Basis, Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Measures
from server.values.rows import Column
from tests.model.hearing import RATE, made_rows, samples_of, telemedicine, windows_of

VOICES = ("000_clean_en.flac", "003_clean_zh.flac", "005_clean_zh.flac", "008_clean_en.flac")


def room(c50_db: float, decay_s: float, seed: int) -> Float32Array:
    """A direct sound and noise that decays by 60 dB in ``decay_s``, with the share of it that makes ``c50_db``."""
    n = int(1.2 * decay_s * RATE)
    tail = np.random.default_rng(seed).standard_normal(n) * 10 ** (-3 * np.arange(n) / (decay_s * RATE))
    tail[:40] = 0
    early, late = float(np.sum(tail[: RATE // 20] ** 2)), float(np.sum(tail[RATE // 20 :] ** 2))
    ratio = 10 ** (c50_db / 10)
    tail *= np.sqrt(1 / max(ratio * late - early, 1e-6))
    tail[0] = 1.0
    return np.asarray(tail, np.float32)


def failing(mixes: Path, voice: str, response: Float32Array) -> set[str]:
    dry = samples_of(mixes / voice)[: 10 * RATE]
    wet = signal.fftconvolve(dry, response)[: dry.size]
    wet *= np.sqrt(np.mean(dry**2) / np.mean(wet**2))
    values = read(stretches(windows_of(wet.astype(np.float32))[-1], 400)[0]).values
    found = {label.id: opinion(label, values, basis=Basis.ROOM) for label in telemedicine().labels}
    return {name for name, one in found.items() if one is not None and one.value is not None and one.value < 0.7}


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(("c50_db", "decay_s"), [(15, 0.5), (13, 0.35), (12, 0.4)])
def test_arms_length_in_a_furnished_room_is_no_fault(mixes: Path, voice: str, c50_db: float, decay_s: float) -> None:
    told = failing(mixes, voice, room(c50_db, decay_s, 3))
    assert told & {"low_reverberation", "close_enough", "intelligible", "low_background"} == set()


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(("c50_db", "decay_s"), [(4, 0.7), (0, 1.2)])
def test_a_hall_is_told_as_echo(mixes: Path, voice: str, c50_db: float, decay_s: float) -> None:
    assert "low_reverberation" in failing(mixes, voice, room(c50_db, decay_s, 4))


@pytest.mark.parametrize("reverberation", [0.28, 0.4, 0.58])
def test_in_a_room_that_passes_dnsmos_says_nothing_of_speech_and_noise(reverberation: float) -> None:
    """It rated furnished rooms with a C50 of 8 to 13 dB at 1.3 for the speech and 1.1 for the background."""
    assert room_passes(reverberation)
    assert trusted_mos(rows_of_a_room(), rated(reverberation), echoing=is_echoing(reverberation, None)) == {}


def test_beyond_it_a_low_rating_means_a_far_talker_and_in_a_dry_one_damage() -> None:
    assert trusted_mos(rows_of_a_room(), rated(0.8), echoing=True) == {Internal.DISTANT_MOS_SIGNAL: 1.3}
    assert not room_passes(0.8)
    assert not room_passes(0.05)
    assert not room_passes(None)


def rows_of_a_room() -> MarkedRows:
    return MarkedRows(made_rows(1000))


def rated(reverberation: float) -> Measures:
    measures: dict[str, Any] = dict.fromkeys(field.name for field in fields(Measures))
    return Measures(
        **{**measures, "snr_db": 35.0, "reverberation": reverberation, "mos_signal": 1.3, "mos_background": 1.1}
    )


def test_in_the_last_seconds_a_tail_is_not_noise_where_the_window_knows_the_room(mixes: Path) -> None:
    """Four seconds without a pause: the tail of the last word lies under each next one."""
    for window in windows_of(samples_of(mixes / "094_far_en.flac"))[4:7]:
        whole, recent = readings(window, None)
        assert whole.measures.noise_dbfs is not None
        assert recent.measures.noise_dbfs is not None
        assert recent.measures.noise_dbfs <= whole.measures.noise_dbfs


def test_noise_that_looks_like_a_room_for_four_seconds_is_none(mixes: Path) -> None:
    for window in windows_of(samples_of(mixes / "067_noise_tv_snr15_zh.flac")):
        whole, recent = readings(window, None)
        assert recent.values.get("reverberation", 0.0) <= whole.values.get("reverberation", 1.0)


def after_quiet(seconds_s: float, sound: Float32Array) -> Float32Array:
    """``sound`` after a quiet room, in 10 s."""
    floor = np.random.default_rng(3).standard_normal(round(seconds_s * RATE)) * 10 ** (-70 / 20)
    return np.concatenate((floor, sound))[: 10 * RATE].astype(np.float32)


@pytest.mark.parametrize("snr_db", [3, 0])
@pytest.mark.parametrize("voice", VOICES[:2])
def test_where_noise_begins_no_room_is_heard(mixes: Path, voice: str, snr_db: float) -> None:
    """The dips of the speech are full and the pauses before were quiet, as in a hall: such noise read as 46 dB."""
    dry = samples_of(mixes / voice)[RATE // 2 : 6 * RATE]
    hiss = np.random.default_rng(5).standard_normal(dry.size)
    noisy = dry + hiss * np.sqrt(np.mean(dry**2) / np.mean(hiss**2)) * 10 ** (-snr_db / 20)
    whole, recent = readings(windows_of(after_quiet(4.5, noisy))[-1], None)
    assert whole.measures.reverberation is None
    assert recent.measures.snr_db is not None
    assert recent.measures.snr_db < 9.9


@pytest.mark.parametrize("name", ["092_far_en.flac", "094_far_en.flac", "096_far_en.flac", "099_far_zh.flac"])
def test_the_tails_of_a_hall_do_not_drown_it(mixes: Path, name: str) -> None:
    assert not any(is_drowned(MarkedRows(window.rows).last(400)) for window in windows_of(samples_of(mixes / name)))


def test_where_the_window_is_dry_what_dies_away_in_its_last_seconds_is_noise(mixes: Path) -> None:
    """A cry or a bark under the words dies away as a tail does, under which nothing of noise could be told."""
    dry = samples_of(mixes / VOICES[0])[: 7 * RATE]
    wet = signal.fftconvolve(dry[: 4 * RATE], room(-2, 1.0, 4))[: 4 * RATE]
    wet *= np.sqrt(np.mean(dry[: 4 * RATE] ** 2) / np.mean(wet**2))
    window = windows_of(np.concatenate((dry[: 6 * RATE], wet)).astype(np.float32))[-1]
    parted = np.tile(np.array([[-30.0, -33.0, 0.5]], np.float32), (100, 1))
    last = stretches(window, 400, denoised=parted)[1]
    alone = read(last, steady=True)
    assert is_echoing(alone.measures.reverberation, None)
    assert Internal.ESTIMATED_ESTOI not in alone.values
    whole, recent = readings(window, None, denoised=parted)
    assert not is_echoing(whole.measures.reverberation, None)
    assert recent.values[Internal.ESTIMATED_ESTOI] == pytest.approx(0.5)
    assert Internal.WORDS_SNR_DB in recent.values


@pytest.mark.parametrize("snr_db", [12, 8, 4, 0])
def test_noise_does_not_make_a_hall_dry(mixes: Path, snr_db: float) -> None:
    """Where noise hides the room its score is null: that nothing else comes back proves nothing."""
    dry = samples_of(mixes / VOICES[0])[: 10 * RATE]
    wet = signal.fftconvolve(dry, room(2, 0.8, 4))[: dry.size]
    hiss = np.random.default_rng(5).standard_normal(wet.size)
    noisy = wet + hiss * np.sqrt(np.mean(wet**2) / np.mean(hiss**2)) * 10 ** (-snr_db / 20)
    label = next(one for one in telemedicine().labels if one.id == "low_reverberation")
    for window in windows_of(noisy.astype(np.float32)):
        for reading in readings(window, None):
            told = opinion(label, reading.values, basis=Basis.ROOM)
            assert told is None or told.value is None or told.value < label.threshold


@pytest.mark.parametrize("delay_ms", [0, 200])
def test_a_hall_in_which_the_patient_mutes_is_still_measured(mixes: Path, delay_ms: int) -> None:
    dry = samples_of(mixes / VOICES[0])[: 8 * RATE]
    response = room(-2, 1.0, 4)
    if delay_ms:
        response = np.zeros(delay_ms * RATE // 1000 + 1, np.float32)
        response[[0, -1]] = 1.0, 0.8
    wet = signal.fftconvolve(dry, response)[: dry.size]
    wet *= 0.5 / np.abs(wet).max()
    muted = np.concatenate((wet, np.zeros(8 * RATE))).astype(np.float32)
    latest = [readings(window, None)[1] for window in windows_of(muted)]
    assert latest[-1].values[Internal.SILENCE_RATIO] == 1.0


def test_words_that_all_end_in_the_far_ends_say_nothing_of_the_room() -> None:
    rows = made_rows(1000, level=-25.0, speech=1.0)
    rows[:, Column.PEAK] = 0.1
    for start in range(0, 1000, 40):
        rows[start : start + 30, Column.FAR_END] = 1
    rows[::7, Column.LEVEL_DB] = -60.0
    assert reverberation(MarkedRows(rows)) is None
