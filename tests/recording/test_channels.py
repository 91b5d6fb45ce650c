"""Which channels are one sound, cancel, are dead, or hold different people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ConfigError
from server.recording.channels import ChannelPlan, ChannelRoles, ChannelSurvey, Track, parse_roles, plan_of
from server.values.audio import Float32Array

RATE = 8_000
RNG = np.random.default_rng(7)


def room(level_db: float, seconds: float = 20.0) -> Float32Array:
    return np.asarray(10 ** (level_db / 20) * RNG.standard_normal(round(seconds * RATE)), np.float32)


def turns(level_db: float, *spans: tuple[float, float], seconds: float = 20.0) -> Float32Array:
    """Syllables of noise in ``spans`` (s), over a quiet room."""
    t = np.arange(round(seconds * RATE)) / RATE
    speaks = np.zeros(t.size, np.bool_)
    for start, end in spans:
        speaks |= (t >= start) & (t < end)
    envelope = np.where(speaks, np.maximum(0.05, np.sin(2 * np.pi * 2 * t)), 0.0)
    voice = 10 ** (level_db / 20) * envelope * RNG.standard_normal(t.size)
    return np.asarray(voice + room(-80, seconds), np.float32)


def surveyed(*channels: Float32Array, cuts: int = 1) -> ChannelPlan:
    frames = np.stack(channels, axis=1)
    survey = ChannelSurvey(RATE, frames.shape[1])
    for part in np.array_split(frames, cuts):
        survey.add(part)
    return survey.plan()


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("patient=right,doctor=left", ChannelRoles(1, 0)),
        (" Doctor = 1， patient = 2 ", ChannelRoles(1, 0)),
        ("patient=left", ChannelRoles(0)),
        ("patient=3,doctor=8", ChannelRoles(2, 7)),
    ],
)
def test_roles_are_read_by_side_and_by_number(text: str, roles: ChannelRoles) -> None:
    assert parse_roles(text) == roles


@pytest.mark.parametrize(
    "text", ["", "right", "patient=", "patient=middle", "doctor=left", "patient=0", "patient=1,doctor=left", "nurse=1"]
)
def test_other_roles_are_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(ConfigError, match="patient=right,doctor=left") as caught:
        parse_roles(text)
    assert caught.value.param == "channels"


def test_a_channel_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="has 1 channel, not 2"):
        plan_of(ChannelRoles(1, 0), 1)
    assert plan_of(ChannelRoles(1, 0), 2) == ChannelPlan((Track((1,), (0,)),))


def test_the_same_sound_on_both_channels_is_mixed() -> None:
    voice = turns(-20, (0, 20))
    assert surveyed(voice, 0.5 * voice) == ChannelPlan((Track((0, 1)),))


def test_one_voice_between_two_microphones_is_mixed() -> None:
    voice = turns(-20, (1, 8), (10, 19))
    other = 0.3 * np.roll(voice, 40) + turns(-60)
    assert surveyed(voice, other) == ChannelPlan((Track((0, 1)),))


@pytest.mark.parametrize("dead", [np.zeros(20 * RATE, np.float32), room(-78), room(-52)], ids=["zeros", "floor", "hum"])
def test_a_channel_without_sound_is_left_out_and_told(dead: Float32Array) -> None:
    plan = surveyed(turns(-20, (0, 20)), dead)
    assert plan.tracks == (Track((0,)),)
    assert "right channel" in plan.notices[0].en
    assert "右声道没有声音" in plan.notices[0].zh


def test_channels_that_cancel_are_told_and_one_is_judged() -> None:
    voice = turns(-20, (0, 20))
    plan = surveyed(0.5 * voice, -voice)
    assert plan.tracks == (Track((1,)),)
    assert "inverted" in plan.notices[0].en
    assert plan.notices[0].code == "inverted_channels"


@pytest.mark.parametrize("second_db", [-20.0, -47.0])
def test_two_people_on_two_channels_are_each_judged(second_db: float) -> None:
    plan = surveyed(turns(-20, (0, 5), (10, 15)), turns(second_db, (5, 10), (15, 20)))
    assert plan.tracks == (Track((0,), (1,)), Track((1,), (0,)))


def test_two_people_who_speak_at_once_are_each_judged() -> None:
    plan = surveyed(turns(-20, (0, 14)), turns(-25, (6, 20)))
    assert len(plan.tracks) == 2


def test_silence_on_all_channels_is_mixed_without_a_word() -> None:
    assert surveyed(room(-85), np.zeros(20 * RATE, np.float32)) == ChannelPlan((Track((0, 1)),))
    assert surveyed(np.zeros((0,), np.float32), np.zeros((0,), np.float32)) == ChannelPlan((Track((0, 1)),))


def test_samples_that_are_no_numbers_do_not_hide_a_channel() -> None:
    voice = turns(-20, (0, 20))
    voice[100] = np.nan
    assert surveyed(voice, np.zeros_like(voice)).tracks == (Track((0,)),)


@given(st.integers(1, 50))
def test_the_plan_does_not_depend_on_the_blocks(cuts: int) -> None:
    rng = np.random.default_rng(3)
    noise = np.asarray(0.1 * rng.standard_normal((4_000, 2)), np.float32)
    noise[:2_000, 0] = 0.0
    noise[2_000:, 1] *= 0.001
    assert surveyed(noise[:, 0], noise[:, 1], cuts=cuts) == surveyed(noise[:, 0], noise[:, 1])


def test_a_header_that_declares_two_gigahertz_keeps_little_in_memory() -> None:
    survey = ChannelSurvey(2_000_000_000, 2)
    for _ in range(40):
        survey.add(np.zeros((65_536, 2), np.float32))
    assert survey._rest.shape[0] <= 65_536
