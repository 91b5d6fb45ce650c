"""Which channels are one sound, cancel, are dead, or hold different people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ConfigError
from server.recording.channels import ChannelPlan, ChannelRoles, ChannelSurvey, Track, parse_roles, plan_of, unexamined
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


def told(plan: ChannelPlan) -> list[str]:
    return [str(notice.code) for notice in plan.notices]


def late(sound: Float32Array, seconds: float) -> Float32Array:
    return np.pad(sound, (round(seconds * RATE), 0))[: sound.size]


VOICE = turns(-20, (1, 8), (10, 19))

ONE_SOUND = {
    "equal": VOICE,
    "fainter": 0.1 * VOICE,
    "late by 5 ms": late(VOICE, 0.005),
    "late by 45 ms": late(VOICE, 0.045),
    "its own noise": 0.3 * VOICE + room(-65),
    "8 bits": np.asarray(np.rint(VOICE * 127) / 127, np.float32),
    "another microphone": 0.3 * late(VOICE, 0.005) + turns(-60),
}


@pytest.mark.parametrize("kind", ONE_SOUND)
def test_channels_that_carry_one_sound_are_told_and_the_loudest_is_judged(kind: str) -> None:
    plan = surveyed(VOICE, ONE_SOUND[kind])
    assert plan.tracks == (Track((0,)),)
    assert told(plan) == ["one_sound"]
    assert "left channel, right channel. Only the left channel was judged" in plan.notices[0].en
    assert "只评估了左声道" in plan.notices[0].zh
    assert surveyed(0.1 * ONE_SOUND[kind], VOICE).tracks == (Track((1,)),)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("leak", [0.0, 0.5])
def test_a_faint_party_beside_a_loud_one_who_is_on_both_channels_is_judged(sign: float, leak: float) -> None:
    doctor, patient = turns(-20, (0, 8), (12, 20)), turns(-47, (8, 10))
    plan = surveyed(doctor + leak * patient, sign * 0.5 * doctor + patient)
    assert plan.tracks == (Track((0,), (1,)), Track((1,), (0,)))


@pytest.mark.parametrize("leak", [0.1, 0.3, 0.5])
def test_two_people_with_cross_talk_are_not_one_sound(leak: float) -> None:
    one, other = turns(-20, (0, 5), (10, 15)), turns(-20, (5, 10), (15, 20))
    plan = surveyed(one + leak * other, other + leak * one)
    assert "one_sound" not in told(plan)
    assert {number for track in plan.tracks for number in track.channels} == {0, 1}


@pytest.mark.parametrize("speech_db", [-12.0, -20.0])
def test_the_same_noise_under_different_speech_is_not_one_sound(speech_db: float) -> None:
    noise = room(-25)
    plan = surveyed(turns(speech_db, (0, 12)) + noise, turns(speech_db, (6, 20)) + noise)
    assert "one_sound" not in told(plan)
    assert {number for track in plan.tracks for number in track.channels} == {0, 1}


def test_channels_that_differ_without_turns_are_mixed_and_told() -> None:
    plan = surveyed(room(-30), room(-30))
    assert plan.tracks == (Track((0, 1)),)
    assert told(plan) == ["mixed_channels"]
    assert "left channel, right channel" in plan.notices[0].en


@pytest.mark.parametrize("floor", [room(-85, 60.0), np.zeros(60 * RATE, np.float32)], ids=["floor", "zeros"])
def test_who_speaks_for_two_seconds_in_a_minute_is_not_taken_for_a_dead_channel(floor: Float32Array) -> None:
    plan = surveyed(turns(-20, (0, 40), (44, 60), seconds=60.0), floor + turns(-30, (41, 43), seconds=60.0))
    assert plan.tracks == (Track((0,), (1,)), Track((1,), (0,)))


def test_clicks_on_a_dead_channel_are_nobody() -> None:
    clicks = room(-80)
    clicks[:: 2 * RATE] = 0.5
    assert told(surveyed(turns(-20, (0, 20)), clicks)) == ["dead_channel"]


def test_two_parties_on_two_channels_each_are_two() -> None:
    one, other = turns(-20, (0, 5), (10, 15)), turns(-30, (5, 10), (15, 20))
    plan = surveyed(one, 0.5 * one, other, late(other, 0.01))
    assert plan.tracks == (Track((0,), (2,)), Track((2,), (0,)))
    assert told(plan) == ["one_sound", "one_sound"]


def test_all_of_twelve_channels_are_looked_through() -> None:
    silent = [room(-90) for _ in range(10)]
    plan = surveyed(*silent, turns(-20, (0, 5), (10, 15)), turns(-47, (5, 10), (15, 20)))
    assert plan.tracks == (Track((10,), (11,)), Track((11,), (10,)))
    assert told(plan) == ["dead_channel"]


def test_too_many_channels_to_compare_are_mixed_and_told() -> None:
    plan = unexamined(17)
    assert plan.tracks == (Track(tuple(range(17))),)
    assert told(plan) == ["unexamined_channels"]
    assert "patient=3" in plan.notices[0].en


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
