from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from server.stream.far_end import FarEnd
from server.stream.gaps import Gaps
from server.stream.levelling import Levelling
from server.stream.ring import Ring
from server.stream.voice_gate import Transition, VoiceGate
from server.values.audio import Float32Array
from tests.stream.audio import babble

FRAME = 512
SECOND = 16_000


class ScriptedDetector:
    """Answers as written, whatever it hears. Fake because the gate is about answers, not about audio."""

    name = "scripted"

    def __init__(self, answers: Sequence[float], frame_samples: int = FRAME) -> None:
        self.answers = list(answers)
        self.frame_samples = frame_samples

    def push(self, frames: Float32Array) -> Float32Array:
        return np.array([self.answers.pop(0) for _ in frames])

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        assert state == {}


def transitions(answers: Sequence[float], frame: int = FRAME) -> list[Transition]:
    gate, ring, gaps = VoiceGate(ScriptedDetector(answers, frame)), Ring(10 * SECOND), Gaps(SECOND)
    out: list[Transition] = []
    for _ in answers:
        ring.write(np.zeros(frame, np.float32))
        out += gate.advance(ring, gaps, FarEnd(SECOND))
    return out


def frames(seconds: float) -> int:
    return round(seconds * SECOND / FRAME)


def test_gate_opens_where_speech_began() -> None:
    found = transitions([0.1] * 5 + [0.9] * 10)
    assert [(started, at) for started, at, _ in found] == [(True, 5 * FRAME)]
    assert found[0][2] == 7 * FRAME


@pytest.mark.parametrize("frame", [480, 512])
def test_two_frames_of_just_speech_open_the_gate_with_either_detector(frame: int) -> None:
    assert transitions([0.5, 0.5, 0.4], frame) == [(True, 0, 2 * frame)]


def test_a_frame_on_the_offset_is_not_silence_yet() -> None:
    assert [started for started, _, _ in transitions([0.9] * 2 + [0.35] * frames(2))] == [True]


def test_the_shortest_speech_ends_where_it_ended() -> None:
    assert [(started, at) for started, at, _ in transitions([0.9, 0.9] + [0.0] * frames(1))] == [
        (True, 0),
        (False, 2 * FRAME),
    ]


def test_one_frame_does_not_open_the_gate() -> None:
    assert transitions([0.1, 0.9, 0.1, 0.9, 0.1, 0.1]) == []


def test_gate_stays_open_through_short_pause() -> None:
    found = transitions([0.9] * 10 + [0.0] * frames(0.5) + [0.9] * 10)
    assert [started for started, _, _ in found] == [True]


def test_gate_stays_open_while_the_detector_hesitates() -> None:
    found = transitions([0.9] * 10 + [0.4] * frames(3))
    assert [started for started, _, _ in found] == [True]


def test_gate_closes_where_speech_ended() -> None:
    found = transitions([0.9] * 10 + [0.0] * frames(1))
    assert [(started, at) for started, at, _ in found] == [(True, 0), (False, 10 * FRAME)]


def stop_at_end(answers: Sequence[float], end: int) -> int | None:
    """What ``stop`` says of a stream of these frames that ends at ``end``."""
    gate, ring = VoiceGate(ScriptedDetector(answers)), Ring(10 * SECOND)
    ring.write(np.zeros(len(answers) * FRAME, np.float32))
    gate.advance(ring, Gaps(SECOND), FarEnd(SECOND))
    stopped = gate.stop(end)
    assert not gate.speaking
    return stopped


def test_speech_that_goes_on_stops_with_the_last_sample_of_the_stream() -> None:
    assert stop_at_end([0.9] * 10, 10 * FRAME + 77) == 10 * FRAME + 77


def test_a_short_silence_at_the_end_of_the_stream_is_not_speech() -> None:
    assert stop_at_end([0.9] * 10 + [0.0] * 3, 13 * FRAME + 77) == 10 * FRAME


def test_a_stream_that_ends_in_silence_has_nothing_to_stop() -> None:
    assert stop_at_end([0.9] * 10 + [0.0] * frames(1), 11 * FRAME + SECOND) is None


def test_a_row_has_the_last_frame_that_ended_in_it_or_before() -> None:
    answers = np.linspace(0.01, 0.49, 94).tolist()
    gate, ring, gaps = VoiceGate(ScriptedDetector(answers)), Ring(10 * SECOND), Gaps(SECOND)
    heard: list[float] = []
    for hop in range(3):
        ring.write(np.zeros(SECOND, np.float32))
        gate.advance(ring, gaps, FarEnd(SECOND))
        heard += gate.hop_speech(hop * SECOND, 100).tolist()
    for row, p in enumerate(heard):
        ended = (row + 1) * 160 // FRAME
        assert p == pytest.approx(answers[ended - 1] if ended else 0.0, abs=1e-7)


def test_frames_in_an_idle_gap_are_silence_that_the_detector_does_not_see() -> None:
    detector = ScriptedDetector([])
    gate, ring, gaps = VoiceGate(detector), Ring(10 * SECOND), Gaps(SECOND)
    gaps.add(0, SECOND)
    ring.write(np.zeros(SECOND, np.float32))
    assert gate.advance(ring, gaps, FarEnd(SECOND)) == []
    assert not gate.hop_speech(0, 100).any()


def test_after_a_skip_frames_go_on_where_they_would_have() -> None:
    detector = ScriptedDetector([0.25])
    gate, ring, gaps = VoiceGate(detector), Ring(10 * SECOND), Gaps(SECOND)
    ring.forget(100 * SECOND)
    gate.skip_to(100 * SECOND)
    ring.write(np.zeros(FRAME - 100 * SECOND % FRAME, np.float32))
    gate.advance(ring, gaps, FarEnd(SECOND))
    assert detector.answers == []
    speech = gate.hop_speech(100 * SECOND, 100)
    assert (speech[0], speech[-1]) == (0.0, 0.25)


@pytest.mark.parametrize("gain_db", [-24.0, -12.0, 0.0, 12.0])
@pytest.mark.parametrize("offset", [0.0, -0.26])
def test_levelling_brings_speech_to_its_target_within_two_seconds(gain_db: float, offset: float) -> None:
    samples = np.asarray(babble(6, SECOND) * 10 ** (gain_db / 20) + offset, np.float32)
    levelling = Levelling()
    out = levelling.apply(samples[: 187 * FRAME].reshape(-1, FRAME)).ravel()
    late = out[2 * SECOND : 5 * SECOND].reshape(-1, 320)
    levels = 10 * np.log10(np.mean(np.square(late), axis=1) + 1e-12)
    active = levels[levels > np.percentile(levels, 95) - 22]
    assert 10 * np.log10(np.mean(10 ** (active / 10))) == pytest.approx(-26, abs=4)


def test_levelling_goes_on_where_its_snapshot_was_taken() -> None:
    samples = babble(2, SECOND)[: 60 * FRAME].reshape(-1, FRAME)
    whole, other = Levelling(), Levelling()
    whole.apply(samples[:30])
    other.restore(whole.snapshot())
    np.testing.assert_array_equal(whole.apply(samples[30:]), other.apply(samples[30:]))


@pytest.mark.parametrize("block", [1, 2, 3, 7, 31])
def test_levelling_does_not_depend_on_how_many_frames_come_at_a_time(block: int) -> None:
    samples = babble(3, SECOND)[: 93 * FRAME].reshape(-1, FRAME) + np.float32(0.01)
    levelling = Levelling()
    parts = [levelling.apply(samples[at : at + block]) for at in range(0, 93, block)]
    np.testing.assert_array_equal(np.concatenate(parts), Levelling().apply(samples))


def levelled(*parts: tuple[float, float]) -> Float32Array:
    """Tones of (seconds, dBFS RMS) one after the other, levelled frame by frame."""
    t = np.arange(FRAME) / SECOND
    tone = np.asarray(np.sqrt(2) * np.sin(2 * np.pi * 500 * t), np.float32)  # whole periods: every frame is the same
    heard = [np.tile(tone * np.float32(10 ** (dbfs / 20)), (frames(seconds), 1)) for seconds, dbfs in parts]
    return Levelling().apply(np.concatenate(heard)).ravel()


def dbfs_of(samples: Float32Array) -> float:
    return float(10 * np.log10(np.mean(np.square(samples))))


@pytest.mark.parametrize(
    ("level", "expected"), [(-3.5, -23.5), (-20.0, -26.0), (-50.0, -26.0), (-70.0, -40.0), (-90.0, -60.0)]
)
def test_a_lasting_level_comes_to_the_target_within_the_limits_of_the_gain(level: float, expected: float) -> None:
    """-26 dBFS, by a gain from -20 to +30 dB."""
    assert dbfs_of(levelled((20.0, level))[-FRAME:]) == pytest.approx(expected, abs=0.1)


def test_an_onset_is_lifted_to_no_more_than_sixteen_below_full_scale() -> None:
    """The estimate is at once 10 dB below the frame at most, so the frame lies 10 dB over the target."""
    assert dbfs_of(levelled((5.0, -50.0), (0.032, -6.0))[-FRAME:]) == pytest.approx(-16.0, abs=0.1)


def test_a_quiet_talker_after_a_loud_noise_comes_up_two_decibels_a_second() -> None:
    """30 dB below what came before and out of its range: after four seconds the gain is 8 dB higher."""
    out = levelled((5.0, -20.0), (4.0, -50.0))
    assert dbfs_of(out[-FRAME:]) - dbfs_of(out[frames(5.0) * FRAME :][:FRAME]) == pytest.approx(7.94, abs=0.1)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_levelled_samples_stay_within_full_scale(sign: float) -> None:
    levelling = Levelling()
    levelling.apply(np.tile(np.array([0.003, -0.003], np.float32), (frames(2.0), FRAME // 2)))
    click = np.zeros((1, FRAME), np.float32)
    click[0, 100] = sign
    out = levelling.apply(click)[0]
    assert np.abs(out).max() == 1.0
    assert out[100] == sign
