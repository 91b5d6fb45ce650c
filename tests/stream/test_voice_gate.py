from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

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
    frame_samples = FRAME

    def __init__(self, answers: Sequence[float]) -> None:
        self.answers = list(answers)

    def push(self, frame: Float32Array) -> float:
        return self.answers.pop(0)

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        assert state == {}


def transitions(answers: Sequence[float]) -> list[Transition]:
    gate, ring, gaps = VoiceGate(ScriptedDetector(answers)), Ring(10 * SECOND), Gaps(SECOND)
    out: list[Transition] = []
    for _ in answers:
        ring.write(np.zeros(FRAME, np.float32))
        out += gate.advance(ring, gaps)
    return out


def frames(seconds: float) -> int:
    return round(seconds * SECOND / FRAME)


def test_gate_opens_where_speech_began() -> None:
    found = transitions([0.1] * 5 + [0.9] * 10)
    assert [(started, at) for started, at, _ in found] == [(True, 5 * FRAME)]
    assert found[0][2] == 7 * FRAME


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
    gate.advance(ring, Gaps(SECOND))
    return gate.stop(end)


def test_speech_that_goes_on_stops_with_the_last_sample_of_the_stream() -> None:
    assert stop_at_end([0.9] * 10, 10 * FRAME + 77) == 10 * FRAME + 77


def test_a_silence_too_short_to_close_the_gate_is_no_speech_at_the_end_of_the_stream() -> None:
    assert stop_at_end([0.9] * 10 + [0.0] * 3, 13 * FRAME + 77) == 10 * FRAME


def test_a_stream_that_ends_in_silence_has_nothing_to_stop() -> None:
    assert stop_at_end([0.9] * 10 + [0.0] * frames(1), 11 * FRAME + SECOND) is None


def test_a_row_has_the_last_frame_that_ended_in_it_or_before() -> None:
    answers = np.linspace(0, 0.49, 40).tolist()
    gate, ring, gaps = VoiceGate(ScriptedDetector(answers)), Ring(10 * SECOND), Gaps(SECOND)
    heard: list[float] = []
    for _hop in range(1):
        ring.write(np.zeros(SECOND, np.float32))
        gate.advance(ring, gaps)
        heard += gate.hop_speech(0, 100).tolist()
    for row, p in enumerate(heard):
        ended = (row + 1) * 160 // FRAME
        assert p == pytest.approx(answers[ended - 1] if ended else 0.0, abs=1e-7)


def test_frames_in_an_idle_gap_are_silence_that_the_detector_does_not_see() -> None:
    detector = ScriptedDetector([])
    gate, ring, gaps = VoiceGate(detector), Ring(10 * SECOND), Gaps(SECOND)
    gaps.add(0, SECOND)
    ring.write(np.zeros(SECOND, np.float32))
    assert gate.advance(ring, gaps) == []
    assert not gate.hop_speech(0, 100).any()


def test_after_a_skip_frames_go_on_where_they_would_have() -> None:
    detector = ScriptedDetector([0.25])
    gate, ring, gaps = VoiceGate(detector), Ring(10 * SECOND), Gaps(SECOND)
    ring.forget(100 * SECOND)
    gate.skip_to(100 * SECOND)
    ring.write(np.zeros(FRAME - 100 * SECOND % FRAME, np.float32))
    gate.advance(ring, gaps)
    assert detector.answers == []
    assert gate.hop_speech(100 * SECOND, 100)[-1] == 0.25


@pytest.mark.parametrize("gain_db", [-24.0, -12.0, 0.0, 12.0])
@pytest.mark.parametrize("offset", [0.0, -0.26])
def test_levelling_brings_speech_to_its_target_within_two_seconds(gain_db: float, offset: float) -> None:
    samples = np.asarray(babble(6, SECOND) * 10 ** (gain_db / 20) + offset, np.float32)
    levelling = Levelling()
    out = np.concatenate([levelling.apply(frame) for frame in samples[: 187 * FRAME].reshape(-1, FRAME)])
    late = out[2 * SECOND : 5 * SECOND].reshape(-1, 320)
    levels = 10 * np.log10(np.mean(np.square(late), axis=1) + 1e-12)
    active = levels[levels > np.percentile(levels, 95) - 22]
    assert 10 * np.log10(np.mean(10 ** (active / 10))) == pytest.approx(-26, abs=4)


def test_levelling_goes_on_where_its_snapshot_was_taken() -> None:
    samples = babble(2, SECOND)[: 60 * FRAME].reshape(-1, FRAME)
    whole, other = Levelling(), Levelling()
    for frame in samples[:30]:
        whole.apply(frame)
    other.restore(whole.snapshot())
    for frame in samples[30:]:
        np.testing.assert_array_equal(whole.apply(frame), other.apply(frame))
