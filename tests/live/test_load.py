"""Room for newcomers by what sessions cost, and what is left out before there is none."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from server.access.principal import ANYONE
from server.assessment.engine import Engine
from server.errors import CapacityError, ShedError
from server.live.costs import Cores, Costs, Kind
from server.live.load_meter import LOOP_FULL, Census, LoadMeter
from server.live.loop_watch import LoopWatch
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from server.live.shedding import Part, Shedding, SheddingScoring
from server.scoring.denoising import DenoiseRequest
from server.scoring.metrics import LaneMetrics
from server.scoring.ports import Priority, ScoreRequest
from server.scoring.service import ScoringService
from server.scoring.talking import TalkRequest
from server.values.audio import Capture, CaptureSource
from server.values.rows import N_COLUMNS
from server.values.windows import Window
from tests.fakes import FakeClock, FakeDenoiser, FakeMos, FakeScorer, FakeTalkers
from tests.judge.builders import TELEMEDICINE
from tests.live.patient import Patient, noise

ACOUSTIC = Kind.ACOUSTIC
RATE = 8000


class Machine:
    """A meter whose sessions take what the test says. ``cost``: cores of one session."""

    def __init__(
        self, clock: FakeClock, *, parts: tuple[Part, ...] = (Part.MOS, Part.CLAP), decides: bool = True
    ) -> None:
        self.clock = clock
        self.cost = Cores(0.02, 0.04)
        self.sessions: dict[Kind, float] = {}
        self.alone = True
        self.waiting: tuple[float, ...] = ()
        self.updates = True
        self.lag_ms, self.scoring_ms = 20.0, 10.0
        self._spent = [0.0, 0.0]
        watch = LoopWatch(clock, loop_time=lambda: self._spent[0], process_time=lambda: self._spent[1])
        self.shedding = Shedding((Part.MOS, Part.CLAP))
        self.meter = LoadMeter(clock, watch, Costs(Cores(0.02, 0.04)), self.shedding, cpus=2, decides=decides)
        self.meter.start(lambda: Census(self.sessions, self.sessions, self.alone, self.waiting))

    async def run(self, seconds: float, **sessions: float) -> None:
        self.sessions = {Kind(kind): count for kind, count in sessions.items()}
        count = sum(sessions.values())
        for _ in range(round(seconds * 10)):
            self._spent[0] += 0.1 * count * self.cost.loop
            self._spent[1] += 0.1 * count * self.cost.process
            if self.updates:
                self.meter.lag(self.lag_ms, self.scoring_ms)
            await self.clock.advance(0.1)


@pytest.fixture
async def machine(clock: FakeClock) -> AsyncIterator[Machine]:
    made = Machine(clock)
    yield made
    made.meter.stop()


@pytest.mark.parametrize(("loop", "room"), [(0.02, 36), (0.01, 72), (0.04, 18)])
async def test_the_room_is_what_sessions_were_measured_to_cost(machine: Machine, loop: float, room: int) -> None:
    machine.cost = Cores(loop, 0.01)
    await machine.run(60, acoustic=10)
    assert machine.meter.state().room == pytest.approx(room - 10, abs=1)
    machine.sessions = {ACOUSTIC: room - 2}
    assert machine.meter.room_for(ACOUSTIC)
    machine.sessions = {ACOUSTIC: room + 1}
    assert not machine.meter.room_for(ACOUSTIC)


async def test_sessions_with_clap_are_learned_apart(machine: Machine) -> None:
    for _ in range(6):
        machine.cost = Cores(0.01, 0.02)
        await machine.run(10, acoustic=8)
        machine.cost = Cores(0.01, 0.08)
        await machine.run(10, clap=8)
    costs = machine.meter.state().costs
    assert costs["acoustic"].process == pytest.approx(0.02, abs=0.003)
    assert costs["clap"].process == pytest.approx(0.08, abs=0.01)


async def test_what_files_use_is_charged_to_no_session(machine: Machine) -> None:
    machine.alone = False
    machine.cost = Cores(0.5, 1.0)
    await machine.run(30, acoustic=1)
    assert machine.meter.state().costs["acoustic"] == Cores(0.02, 0.04)


async def test_the_first_session_is_always_let_in(machine: Machine) -> None:
    machine.cost = Cores(0.9, 0.9)
    await machine.run(60, acoustic=1)
    machine.sessions = {}
    assert machine.meter.room_for(ACOUSTIC)


async def test_nobody_is_let_in_while_updates_wait_and_again_when_they_do_not(machine: Machine) -> None:
    machine.lag_ms = 1200.0
    await machine.run(3, acoustic=5)
    assert not machine.meter.state().accepting
    machine.lag_ms = 700.0
    await machine.run(12, acoustic=5)
    assert not machine.meter.state().accepting, "not before it is well again"
    machine.lag_ms = 100.0
    await machine.run(12, acoustic=5)
    assert machine.meter.state().accepting


async def test_slow_scoring_alone_and_few_sessions_close_nothing(machine: Machine) -> None:
    machine.lag_ms = 3000.0
    await machine.run(15, acoustic=3)
    assert machine.meter.room_for(ACOUSTIC)
    machine.scoring_ms = 2900.0
    await machine.run(12, acoustic=3)
    await machine.run(12, acoustic=5)
    assert machine.meter.room_for(ACOUSTIC)
    assert machine.meter.state().lag_p95_ms == 3000.0
    assert machine.shedding.left_out == ()


async def test_windows_that_wait_count_though_no_update_goes_out(machine: Machine) -> None:
    await machine.run(30, acoustic=6)
    assert machine.meter.state().accepting
    machine.updates = False
    for second in range(1, 31):
        machine.waiting = (float(second),) * 6
        await machine.run(1, acoustic=6)
    state = machine.meter.state()
    assert (state.accepting, state.waited_p95_ms) == (False, 30_000.0 - machine.scoring_ms)
    assert machine.shedding.left_out == (Part.MOS, Part.CLAP), "nothing comes back while nothing moves"


async def test_a_window_that_is_being_scored_for_as_long_as_usual_does_not_wait(machine: Machine) -> None:
    machine.lag_ms, machine.scoring_ms = 900.0, 880.0
    machine.waiting = (0.85,) * 6
    await machine.run(30, acoustic=6)
    assert machine.meter.state().waited_p95_ms == 20.0
    assert machine.shedding.left_out == ()


async def test_dnsmos_is_left_out_first_then_clap_and_they_come_back_in_reverse(machine: Machine) -> None:
    seen: list[tuple[Part, ...]] = [()]

    async def note(seconds: int, lag_ms: float) -> None:
        machine.lag_ms = lag_ms
        for _ in range(seconds):
            await machine.run(1, acoustic=10)
            if machine.shedding.left_out != seen[-1]:
                seen.append(machine.shedding.left_out)

    await note(20, 600.0)
    assert seen == [(), (Part.MOS,), (Part.MOS, Part.CLAP)]
    await note(60, 50.0)
    assert seen[3:] == [(Part.MOS,), ()]


def lane(*, queued: int = 0, expired: int = 0, refused: int = 0) -> LaneMetrics:
    return LaneMetrics("one", queued, 0, 0, expired, 0, refused, None, None, None, None, 1, None)


async def test_the_part_whose_lane_has_a_queue_is_left_out_first(machine: Machine) -> None:
    machine.shedding.load((Part.MOS, Part.DENOISER, Part.CLAP))
    machine.shedding.lanes = lambda: {Part.MOS: lane(queued=1), Part.DENOISER: lane(queued=5), Part.CLAP: lane()}
    machine.lag_ms = 600.0
    await machine.run(3, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.DENOISER]
    await machine.run(6, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.DENOISER, Part.MOS]


async def test_a_part_that_is_late_again_and_again_is_left_out_of_one_session(machine: Machine) -> None:
    late = 7
    machine.shedding.lanes = lambda: {Part.MOS: lane(), Part.CLAP: lane(expired=late)}
    await machine.run(5, acoustic=1)
    late += 2
    await machine.run(12, acoustic=1)
    late += 2
    await machine.run(2, acoustic=1)
    assert not list(machine.shedding.left_out), "now and then is not again and again"
    late += 1
    await machine.run(2, acoustic=1)
    assert list(machine.shedding.left_out) == [Part.CLAP]
    assert machine.meter.state().accepting
    await machine.run(12, acoustic=1)
    assert not list(machine.shedding.left_out)


async def test_a_part_that_came_back_too_soon_stays_out_longer(machine: Machine) -> None:
    machine.cost = Cores(0.01, 0.2)
    changes = []
    for second in range(300):
        out = machine.shedding.left_out
        machine.cost = Cores(0.01, 0.12 if out else 0.2)
        await machine.run(1, acoustic=9)
        if machine.shedding.left_out != out:
            changes.append((second, len(machine.shedding.left_out)))
    absences = [back - away for (away, out), (back, _) in pairwise(changes) if out]
    assert absences == sorted(absences)
    assert absences[-1] > 2 * absences[0]


async def test_a_busy_neighbour_takes_room(clock: FakeClock) -> None:
    quiet, shared = (
        LoadMeter(clock, LoopWatch(clock), Costs(Cores(0.02, 0.02)), Shedding(), cpus=2, stretch=stretch)
        for stretch in (1.0, 4.2)
    )
    assert quiet.state().room == 36
    assert shared.state().room == 10


def test_work_that_waits_to_run_is_stretched(clock: FakeClock) -> None:
    cpu = iter(range(1000))
    watch = LoopWatch(clock, loop_time=lambda: next(cpu) * 0.001, process_time=lambda: 0.0)
    assert list(watch.timed([1, 2, 3])) == [1, 2, 3]
    assert watch.look().stretch is None, "three milliseconds tell nothing"
    assert list(watch.timed(range(20))) == list(range(20))
    assert watch.look().stretch == 1.0, "a wall clock that runs slower than the CPU's is no news"


async def test_with_fixed_admission_only_the_number_counts(clock: FakeClock) -> None:
    machine = Machine(clock, decides=False)
    await machine.run(5, acoustic=500)
    assert machine.meter.room_for(ACOUSTIC)
    assert machine.meter.state().room is None
    machine.meter.stop()


# -- the manager


async def test_a_full_machine_refuses_newcomers_and_keeps_those_who_are_there(engine: Engine, clock: FakeClock) -> None:
    watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    meter = LoadMeter(clock, watch, Costs(Cores(LOOP_FULL / 2.5, 0.01)), Shedding(), cpus=2)
    async with SessionManager(engine, clock=clock, load=meter) as manager:
        first, second, third = (Patient(manager, clock) for _ in range(3))
        started = await first.start()
        await second.start()
        third.socket.say({"type": "session.start", "audio": {"encoding": "pcm_s16le", "sample_rate": 16_000}})
        assert await third.closed() == 4503
        error = third.socket.got("error")[0]["error"]
        assert (error["code"], error["retryable"]) == ("at_capacity", True)
        assert error["retry_after_s"] > 0
        with pytest.raises(CapacityError):
            await manager.announce(ANYONE, SessionTerms())
        assert meter.state().refused == 2
        first.socket.vanish()
        await first.done
        back = Patient(manager, clock)
        ticket = {"session_id": started["session_id"], "resume_token": started["resume_token"]}
        assert (await back.start(resume=ticket))["session_id"] == started["session_id"]
        await back.end()
        await second.end()


async def test_a_late_update_is_counted_in_the_load(engine: Engine, clock: FakeClock) -> None:
    watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    meter = LoadMeter(clock, watch, Costs(Cores(0.01, 0.01)), Shedding(), cpus=2)
    async with SessionManager(engine, clock=clock, load=meter) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        await patient.speak_scored(noise(4))
        assert meter.state().lag_p95_ms == 0.0
        await patient.end()


async def test_a_window_whose_scorer_hangs_waits_from_when_it_was_due(
    engine: Engine, scorer: FakeScorer, clock: FakeClock
) -> None:
    scorer.gate.clear()
    watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    meter = LoadMeter(clock, watch, Costs(Cores(0.01, 0.01)), Shedding(), cpus=2)
    async with SessionManager(engine, clock=clock, load=meter) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        await patient.speak(noise(4))
        await clock.advance(2)
        assert meter.state().lag_p95_ms == pytest.approx(3000, abs=1000)
        scorer.gate.set()
        await patient.end()


# -- what is left out


def request() -> ScoreRequest:
    rows = np.zeros((300, N_COLUMNS), np.float32)
    window = Window(0, 3 * RATE, RATE, True, rows, np.zeros(48_000, np.float32))
    return ScoreRequest(window, TELEMEDICINE, Capture(source=CaptureSource.FILE))


async def test_only_live_windows_go_without_a_part_and_they_are_counted() -> None:
    shedding = Shedding((Part.MOS, Part.VOICES, Part.DENOISER, Part.CLAP))
    scorers = FakeScorer("one"), FakeScorer("two", "clap")
    async with (
        ScoringService(scorers[:1], FakeMos(), FakeDenoiser(), FakeTalkers()) as base,
        ScoringService(scorers[1:]) as clap,
    ):
        scoring = SheddingScoring(base, clap, shedding)
        assert scoring.scorer_names == ("one", "two")
        assert [lane.name for lane in scoring.metrics()] == ["one", "two", "mos", "denoise", "voices"]
        assert scoring.has_denoiser
        assert scoring.has_talkers
        assert {part: one.name for part, one in shedding.lanes().items()} == {
            Part.MOS: "mos",
            Part.VOICES: "voices",
            Part.DENOISER: "denoise",
            Part.CLAP: "two",
        }
        whole = await scoring.score(request(), Priority.LIVE, 30.0)
        assert [one.failure for one in whole] == [None, None]
        shedding.more()
        with pytest.raises(ShedError):
            scoring.ask_mos(request().window, Priority.LIVE, 30.0)
        scoring.ask_mos(request().window, Priority.FILE, 30.0).withdraw()
        stretch = TalkRequest(np.zeros(16_000, np.float32), 100, np.zeros(100, np.float32))
        assert not (await scoring.talk(stretch, Priority.LIVE, 30.0)).talkers
        shedding.more()
        with pytest.raises(ShedError):
            await scoring.talk(stretch, Priority.LIVE, 30.0)
        assert not (await scoring.talk(stretch, Priority.FILE, 30.0)).talkers
        second = DenoiseRequest(0, 16_000, np.zeros(16_000, np.float32), 0.0)
        assert (await scoring.denoise(second, Priority.LIVE, 30.0)).levels.size
        shedding.more()
        with pytest.raises(ShedError):
            await scoring.denoise(second, Priority.LIVE, 30.0)
        assert (await scoring.denoise(second, Priority.FILE, 30.0)).levels.size
        shedding.more()
        live = await scoring.score(request(), Priority.LIVE, 30.0)
        file = await scoring.score(request(), Priority.FILE, 30.0)
        assert [(one.kind, isinstance(one.failure, ShedError)) for one in live] == [("acoustic", False), ("clap", True)]
        assert [one.failure for one in file] == [None, None]
        assert dict(shedding.counts) == {Part.MOS: 1, Part.VOICES: 1, Part.DENOISER: 1, Part.CLAP: 1}


async def test_a_session_without_clap_says_shed_and_sends_no_error(engine: Engine, clock: FakeClock) -> None:

    shedding = Shedding((Part.CLAP,))
    shedding.more()
    labels: Mapping[str, str] = {"labels": "low_background, 犬吠=a dog barking|a quiet yard"}
    async with ScoringService([FakeScorer()]) as base, ScoringService([FakeScorer("clap", "clap")]) as clap:
        shed = replace(engine, service=SheddingScoring(base, clap, shedding), basic_mode=False)
        async with SessionManager(shed, clock=clock) as manager:
            patient = Patient(manager, clock)
            await patient.start(**labels)
            await patient.speak_scored(noise(4))
            own = next(one for name, one in patient.windows()[4 * 16_000]["labels"].items() if name != "low_background")
            assert (own["score"], own["why"]) == (None, "shed")
            assert patient.errors() == []
            assert (await patient.end())["result"]["model"]["shed"] == 2
