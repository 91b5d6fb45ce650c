"""When audio was due, however it arrives, and what an update says of its lag."""

import pytest

from server.assessment.engine import Engine
from server.live.costs import Cores, Costs
from server.live.load_meter import LoadMeter
from server.live.loop_watch import LoopWatch
from server.live.manager import SessionManager
from server.live.session_clock import SessionClock
from server.live.shedding import Shedding
from tests.fakes import FakeClock
from tests.live.patient import Patient, chunks, noise

RATE = 16_000
CHUNK = RATE // 10


def measuring(clock: FakeClock) -> LoadMeter:
    watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    return LoadMeter(clock, watch, Costs(Cores(0.01, 0.02)), Shedding(), cpus=2)


class Stream:
    """Chunks of 100 ms whose first arrives at 100.1 s; ``lag`` of the last sample sent so far."""

    def __init__(self) -> None:
        self.clock = SessionClock(RATE)
        self.sent = 0
        self.at = 100.0

    def chunk(self, after_s: float = 0.1, *, idle_s: float | None = None) -> float:
        """The lag of its last sample. ``idle_s``: all of the time before it unless given."""
        self.sent += CHUNK
        self.at += after_s
        self.clock.chunk(self.sent, self.at, after_s if idle_s is None else idle_s)
        due = self.clock.due(self.sent)
        assert due is not None
        return self.at - due

    def run(self, seconds: float, after_s: float = 0.1, *, idle_s: float | None = None) -> float:
        return [self.chunk(after_s, idle_s=idle_s) for _ in range(round(seconds * 10))][-1]


def test_audio_that_comes_by_the_clock_has_no_lag() -> None:
    assert Stream().run(60) == pytest.approx(0)


def test_audio_that_waited_unread_is_late_by_as_long_as_it_waited() -> None:
    stream = Stream()
    stream.run(5)
    assert stream.run(30, 0.11, idle_s=0.0) == pytest.approx(3.0)
    assert stream.run(60, idle_s=0.0) == pytest.approx(3.0), "however long it lasts"
    assert stream.run(3, 0.001, idle_s=0.0) == pytest.approx(0.03)


def test_a_client_that_sends_sooner_shifts_the_clock() -> None:
    stream = Stream()
    stream.chunk()
    assert stream.run(5, 0.0) == pytest.approx(0)
    assert stream.chunk(5.1, idle_s=0.5) == pytest.approx(5.0)


def test_a_client_whose_device_runs_slow_is_no_slow_server() -> None:
    stream = Stream()
    stream.run(5)
    assert stream.run(300, 0.102) < 0.45
    assert stream.run(300, 0.102, idle_s=0.0) > 5, "a server that had no time cannot tell"


def test_a_client_that_stood_still_goes_on_from_there() -> None:
    stream = Stream()
    stream.run(5)
    assert stream.chunk(7.0) == pytest.approx(0)
    assert stream.run(20) == pytest.approx(0)


def test_a_server_that_stood_still_is_late() -> None:
    stream = Stream()
    stream.run(5)
    assert stream.chunk(7.0, idle_s=0.0) == pytest.approx(6.9)


def test_a_late_packet_does_not_move_the_clock() -> None:
    stream = Stream()
    stream.run(20)
    assert stream.chunk(0.3) == pytest.approx(0.2)
    assert stream.run(0.2, 0.0) == pytest.approx(0.0)


def test_after_a_pause_the_clock_begins_anew() -> None:
    stream = Stream()
    stream.run(5)
    stream.clock.restart()
    assert stream.clock.due(stream.sent) is None
    assert stream.chunk(60.0) == pytest.approx(0)


async def test_an_update_tells_how_long_its_audio_waited_for_a_stopped_server(engine: Engine, clock: FakeClock) -> None:
    async with SessionManager(engine, clock=clock, load=measuring(clock)) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        await patient.speak_scored(noise(4))
        for chunk in chunks(noise(5)):
            patient.socket.say(chunk)
        clock.stand_still(5.0)
        await patient.speak_scored(noise(1), seconds_before=9)
        ends = {update["window"]["end_s"]: update["lag_ms"] for update in patient.socket.got("quality.update")}
        assert ends[4.0] == 0.0
        late = {end_s: lag for end_s, lag in ends.items() if 4 < end_s <= 9}
        assert late
        assert all(1000 * (9 - end_s) <= lag <= 1000 * (10.5 - end_s) for end_s, lag in late.items()), ends
        await patient.end()


async def test_a_server_that_was_stopped_catches_up_and_ends_nobody(engine: Engine, clock: FakeClock) -> None:
    async with SessionManager(engine, clock=clock, load=measuring(clock)) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        await patient.speak(noise(2))
        clock.stand_still(24.0)
        for chunk in chunks(noise(24)):
            patient.socket.say(chunk)
        await patient.taken()
        await patient.speak(noise(1))
        assert patient.socket.closed is None
        assert (await patient.end())["reason"] == "client"
