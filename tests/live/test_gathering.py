"""Audio reaches the core in blocks: what is heard is the same, and no window is later."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.live.gathering import Gathering
from server.live.manager import SessionManager
from server.stream.events import Level, StreamEvent, WindowReady
from tests.fakes import FakeClock
from tests.live.patient import RATE, Patient, noise
from tests.stream.audio import RATES, assert_same, babble, core_at, cut, run, s16

quick = settings(max_examples=12)


def heard(gathering: Gathering, chunk: bytes) -> list[StreamEvent]:
    return gathering.core.receive_pcm(b"".join(gathering.take())) if gathering.add(chunk) else []


@quick
@given(
    st.sampled_from(RATES), st.floats(0.1, 12.2), st.booleans(), st.lists(st.integers(1, 9_000), min_size=1, max_size=9)
)
def test_gathered_chunks_are_heard_as_if_each_came_alone(
    rate: int, seconds: float, busy: bool, lengths: list[int]
) -> None:
    data = s16(babble(seconds, rate))
    gathering = Gathering(core_at(rate), lambda: busy)
    got: list[StreamEvent] = []
    sent = 0
    for chunk in cut(data, (lengths * len(data))[: len(data) // sum(lengths) * len(lengths)]):
        sent += len(chunk)
        got += heard(gathering, chunk)
        assert gathering.received == sent // 2, "what waits was taken"
    got += gathering.core.receive_pcm(b"".join(gathering.take())) + gathering.core.finish()
    assert_same(got, run(core_at(rate), data))


@quick
@given(st.sampled_from(RATES), st.sampled_from((10, 20, 60, 100, 128)), st.booleans())
def test_a_window_is_known_with_the_chunk_that_completes_it(rate: int, ms: int, busy: bool) -> None:
    data, size = s16(babble(4.5, rate)), 2 * (rate * ms // 1000)
    gathering, at_once = Gathering(core_at(rate), lambda: busy), core_at(rate)
    for start in range(0, len(data), size):
        chunk = data[start : start + size]
        one, other = heard(gathering, chunk), at_once.receive_pcm(chunk)
        windows = [[event for event in events if isinstance(event, WindowReady)] for events in (one, other)]
        assert_same(*windows)


def test_a_core_hears_a_calm_server_five_times_a_second_and_a_busy_one_once() -> None:
    told: dict[bool, list[int]] = {}
    for busy in (False, True):
        gathering = Gathering(core_at(16_000), lambda busy=busy: busy)  # type: ignore[misc]
        pieces = [heard(gathering, chunk) for chunk in cut(s16(babble(4.0, 16_000)), [640] * 200)]
        told[busy] = [sum(isinstance(event, Level) for event in events) for events in pieces if events]
    assert told == {False: [1] * 20, True: [5] * 4}


async def test_what_waits_is_heard_before_the_patient_pauses_and_when_the_session_ends(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(0.3))
    await patient.taken()
    assert len(patient.socket.got("level")) == 1
    ended = await patient.end()
    assert ended["result"]["source"]["duration_s"] == 0.3


async def test_what_waits_is_acknowledged(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(0.1))
    await clock.advance(1.0)
    acks = patient.socket.got("audio.ack")
    assert acks[-1]["samples"] == RATE // 10


async def test_only_the_chunk_without_samples_is_lost(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(audio={"encoding": "pcm_f32le", "sample_rate": RATE})
    chunks = np.full((4, RATE // 20), 0.01, "<f4")
    chunks[1, 7] = np.nan
    for chunk in chunks:
        patient.socket.say(chunk.tobytes())
    await patient.socket.expect("level")
    ended = await patient.end()
    assert patient.errors() == ["non_finite_samples"]
    assert ended["result"]["source"]["duration_s"] == 0.2
    assert patient.socket.got("warning")[0]["code"] == "audio_gap"
