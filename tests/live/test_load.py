"""Room for newcomers by what sessions cost, and what is left out before there is none."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from server.access.principal import ANYONE
from server.assessment.engine import Engine
from server.errors import CapacityError, ShedError
from server.live.census import settledness
from server.live.costs import Cores, Costs, Kind
from server.live.load_meter import LOOP_FULL, WALL_FULL, LoadMeter
from server.live.load_state import Census
from server.live.loop_watch import LoopWatch
from server.live.manager import SessionManager
from server.live.part_costs import PartCosts
from server.live.pending import SessionTerms
from server.live.shedding import Part, Shedding, SheddingScoring
from server.scoring.denoising import DenoiseRequest
from server.scoring.metrics import LaneMetrics, Times
from server.scoring.ports import Priority, ScoreRequest
from server.scoring.service import ScoringService
from server.scoring.talking import TalkRequest
from server.values.audio import Capture, CaptureSource
from server.values.rows import N_COLUMNS
from server.values.windows import Window
from tests.fakes import FakeClock, FakeDenoiser, FakeMos, FakeScorer, FakeTalkers, until
from tests.judge.builders import TELEMEDICINE
from tests.live.patient import Patient, noise
from tests.live.simulated import SimulatedServer

ACOUSTIC = Kind.ACOUSTIC
RATE = 8000


def lane(*, queued: int = 0, expired: int = 0, refused: int = 0, cpu_s: float = 0.0) -> LaneMetrics:
    return LaneMetrics("one", queued, 0, 0, expired, 0, refused, None, None, None, None, 1, None, cpu_s=cpu_s)


class Machine:
    """A meter whose sessions take what the test says. ``cost``: cores of one session; ``part_cores``: what each part
    takes of it beside."""

    def __init__(
        self,
        clock: FakeClock,
        *,
        parts: tuple[Part, ...] = (Part.MOS, Part.CLAP),
        decides: bool = True,
        whole: bool = False,
        part_costs: PartCosts | None = None,
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
        self.part_cores: dict[Part, float] = {}
        self._lane_cpu: dict[Part, float] = dict.fromkeys(Part, 0.0)
        self.shedding = Shedding(parts)
        self.shedding.lanes = lambda: {part: lane(cpu_s=self._lane_cpu[part]) for part in parts}
        costs = Costs(Cores(0.02, 0.04))
        self.meter = LoadMeter(
            clock, watch, costs, self.shedding, cpus=2, decides=decides, whole=whole, part_costs=part_costs
        )
        self.meter.start(lambda: Census(self.sessions, self.sessions, self.alone, self.waiting))

    async def run(self, seconds: float, **sessions: float) -> None:
        self.sessions = {Kind(kind): count for kind, count in sessions.items()}
        count = sum(sessions.values())
        for _ in range(round(seconds * 10)):
            self._spent[0] += 0.1 * count * self.cost.loop
            self._spent[1] += 0.1 * count * self.cost.process
            for part, cores in self.part_cores.items():
                took_s = 0.1 * count * cores * (part not in self.shedding.left_out)
                self._spent[1] += took_s
                self._lane_cpu[part] += took_s
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


async def test_what_can_be_left_out_refuses_nobody_and_is_left_out_instead(machine: Machine) -> None:
    machine.part_cores = {Part.MOS: 0.1}
    await machine.run(20, acoustic=8)
    state = machine.meter.state()
    assert state.part_costs["mos"] == pytest.approx(0.1, abs=0.01)
    assert state.costs["acoustic"].process == pytest.approx(0.04, abs=0.004), "without the parts"
    assert state.room == pytest.approx(28, abs=1), "as many as the loop's thread carries"
    assert not machine.shedding.left_out
    await machine.run(10, acoustic=20)
    assert machine.shedding.left_out == (Part.MOS,), "20 x 0.04 + 1 for DNSMOS are all of the 1.8 cores"
    assert machine.meter.state().room == pytest.approx(16, abs=1)


async def test_an_operator_may_refuse_newcomers_for_whom_something_would_be_left_out(clock: FakeClock) -> None:
    machine = Machine(clock, whole=True)
    machine.part_cores = {Part.CLAP: 0.1}
    machine.cost = Cores(0.01, 0.02)
    await machine.run(60, clap=8)
    machine.sessions = {Kind.CLAP: 14}
    assert machine.meter.room_for(Kind.CLAP), "15 x 0.12 = 1.8 cores"
    machine.sessions = {Kind.CLAP: 16}
    assert not machine.meter.room_for(Kind.CLAP)
    assert machine.meter.room_for(ACOUSTIC) is False
    machine.meter.stop()


async def test_a_part_comes_back_only_where_it_fits(machine: Machine) -> None:
    machine.part_cores = {Part.MOS: 0.09}
    machine.cost = Cores(0.02, 0.055)
    await machine.run(10, acoustic=8)
    await machine.run(20, acoustic=16)
    assert machine.shedding.left_out == (Part.MOS,)
    for _ in range(60):
        await machine.run(1, acoustic=16)
        assert machine.shedding.left_out == (Part.MOS,), "0.88 + 1 core is too much, however calm it is"
    await machine.run(25, acoustic=6)
    assert not machine.shedding.left_out


async def test_who_was_refused_only_for_the_parts_gets_room_by_leaving_them_out(clock: FakeClock) -> None:
    shared = Machine(clock, parts=(Part.MOS, Part.DENOISER))
    shared.part_cores = {Part.MOS: 0.02, Part.DENOISER: 0.01}
    shared.meter._stretch = 1.5
    await shared.run(20, acoustic=20)
    assert not shared.shedding.left_out
    shared.sessions = {ACOUSTIC: 30}
    assert not shared.meter.room_for(ACOUSTIC), "30 x 0.02 x 1.5 is over 0.85"
    shared.meter.refused += 1
    await shared.run(2, acoustic=20)
    assert not shared.shedding.left_out, "with 20 there is room now"
    shared.sessions = {ACOUSTIC: 28}
    shared.meter.refused += 1
    await shared.run(1.1, acoustic=28)
    assert shared.shedding.left_out == (Part.MOS,)
    shared.meter.stop()


async def test_what_updates_told_before_something_was_left_out_counts_no_more(machine: Machine) -> None:
    machine.lag_ms = 450.0
    await machine.run(1.2, acoustic=6)
    assert machine.shedding.left_out == (Part.MOS,)
    machine.lag_ms = 50.0
    await machine.run(2.5, acoustic=6)
    assert machine.meter.state().waited_p95_ms == 40.0
    assert machine.meter.state().accepting


async def test_a_stretch_that_is_over_is_forgotten_though_everybody_pauses(machine: Machine) -> None:
    machine.meter._stretch = 6.0
    machine.sessions = {ACOUSTIC: 8}
    machine.cost = Cores(0.0, 0.0)
    assert not machine.meter.room_for(ACOUSTIC)
    clocked = iter(range(10**6))
    machine.meter.watch._loop_time = lambda: next(clocked) * 1e-3
    machine.updates = False
    await machine.run(30, acoustic=8)
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


async def test_the_part_whose_lane_has_a_queue_is_left_out_first(machine: Machine) -> None:
    machine.shedding.load((Part.MOS, Part.DENOISER, Part.CLAP))
    machine.shedding.lanes = lambda: {Part.MOS: lane(queued=1), Part.DENOISER: lane(queued=5), Part.CLAP: lane()}
    machine.lag_ms = 400.0
    await machine.run(3, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.DENOISER]
    await machine.run(6, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.DENOISER, Part.MOS]


async def test_the_later_updates_are_the_sooner_the_next_part_goes(machine: Machine) -> None:
    machine.lag_ms = 1000.0
    await machine.run(1.2, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.MOS]
    await machine.run(2, acoustic=10)
    assert list(machine.shedding.left_out) == [Part.MOS, Part.CLAP]


async def test_all_parts_that_leave_no_cpu_go_at_once_and_no_more(clock: FakeClock) -> None:
    cores = {Part.MOS: 0.1, Part.VOICES: 0.03, Part.DENOISER: 0.02}
    machine = Machine(clock, parts=tuple(cores), part_costs=PartCosts(cores))
    await machine.run(1.2, acoustic=20)
    assert list(machine.shedding.left_out) == [Part.MOS, Part.VOICES], "20 * (0.04 + 0.03 + 0.02) is what two CPUs give"
    machine.meter.stop()


async def test_several_parts_that_go_at_once_stay_away_no_longer_than_one(clock: FakeClock) -> None:
    cores = {Part.MOS: 0.1, Part.VOICES: 0.05, Part.DENOISER: 0.05}
    machine = Machine(clock, parts=tuple(cores), part_costs=PartCosts(cores))
    machine.part_cores = cores
    await machine.run(1.2)
    for _ in range(2):
        await machine.run(6, acoustic=40)
        assert len(machine.shedding.left_out) == 3
        await machine.run(75, acoustic=2)
        assert not list(machine.shedding.left_out), "10 s for each, and twice that after the second crowd"
    machine.meter.stop()


async def test_a_part_whose_cost_was_only_guessed_is_tried(clock: FakeClock) -> None:
    costs = PartCosts({Part.CLAP: 0.3})
    machine = Machine(clock, parts=(Part.CLAP,), part_costs=costs)
    machine.part_cores = {Part.CLAP: 0.001}
    await machine.run(1.2)
    await machine.run(2, clap=10)
    assert list(machine.shedding.left_out) == [Part.CLAP], "as it seems, ten take three cores"
    await machine.run(40, clap=10)
    assert not list(machine.shedding.left_out), "on a graphics card they take none"
    await machine.run(60, clap=10)
    assert not list(machine.shedding.left_out)
    machine.meter.stop()


async def test_a_cheap_part_stays_where_a_dearer_one_would_not_fit_in_its_place(clock: FakeClock) -> None:
    cores = {Part.NAMES: 0.005, Part.DENOISER: 0.06}
    machine = Machine(clock, parts=tuple(cores), part_costs=PartCosts(cores))
    machine.part_cores = cores
    await machine.run(1.2)
    await machine.run(7, acoustic=2)
    machine.shedding.more({Part.DENOISER})
    seen = set()
    for _ in range(60):
        await machine.run(1, acoustic=20)
        seen.add(machine.shedding.left_out)
    assert seen == {(Part.DENOISER,)}
    machine.meter.stop()


async def test_all_parts_that_are_late_go_at_once(machine: Machine) -> None:
    late = 0
    machine.shedding.lanes = lambda: {Part.MOS: lane(expired=late), Part.CLAP: lane(refused=late)}
    await machine.run(1.2, acoustic=1)
    late = 3
    await machine.run(1, acoustic=1)
    assert set(machine.shedding.left_out) == {Part.MOS, Part.CLAP}


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
    assert all(later >= sooner - 1 for sooner, later in pairwise(absences))
    assert absences[-1] > 2 * absences[0]


def test_the_costliest_loss_that_fits_comes_back_first() -> None:
    shedding = Shedding((Part.MOS, Part.DENOISER, Part.CLAP))
    assert [shedding.more({Part.DENOISER}), shedding.more(), shedding.more()] == [Part.DENOISER, Part.MOS, Part.CLAP]
    assert shedding.less(lambda part: part is not Part.CLAP)
    assert shedding.left_out == (Part.MOS, Part.CLAP)
    assert not shedding.less(lambda _: False)
    assert shedding.less()
    assert shedding.kept == (Part.DENOISER, Part.CLAP)


def test_what_no_lanes_thread_used_is_claps_as_far_as_its_batches_lasted() -> None:
    def lanes(cpu_s: float, wall_s: float) -> dict[Part, LaneMetrics]:
        clap = replace(lane(cpu_s=cpu_s / 10), inference=Times(sum_s=wall_s), batch_mean=2.0)
        return {Part.MOS: lane(cpu_s=cpu_s), Part.CLAP: clap}

    costs = PartCosts()
    costs.look(1.0, lanes(0.0, 0.0), 0.0)
    assert costs.look(1.0, lanes(0.3, 0.4), 1.0) == pytest.approx({Part.MOS: 0.3, Part.CLAP: 0.7})
    assert costs.look(1.0, lanes(0.6, 0.5), 1.0) == pytest.approx({Part.MOS: 0.3, Part.CLAP: 0.2})


@pytest.mark.parametrize(("age_s", "share"), [(0.0, 0.0), (0.5, 0.4), (2.0, 0.8), (3.0, 1.0), (60.0, 1.0)])
def test_a_session_costs_nearly_all_from_its_first_second(age_s: float, share: float) -> None:
    assert settledness(age_s) == pytest.approx(share)


# -- a machine by arithmetic


@pytest.mark.parametrize("loop_cost", [0.02, 0.028, 0.037])
async def test_as_many_are_let_in_as_the_machine_holds(clock: FakeClock, loop_cost: float) -> None:
    server = SimulatedServer(clock, loop_cost=loop_cost)
    admitted = await server.crowd(60, 60.0)
    await server.run(20)
    assert admitted == pytest.approx(WALL_FULL / 1.25 / loop_cost, abs=2)
    assert server.p95_ms() < 500
    assert not server.come()
    server.meter.stop()


@pytest.mark.parametrize("spread_s", [0.0, 2.0, 5.0])
async def test_twenty_who_come_together_are_all_let_in_and_only_dnsmos_is_left_out(
    clock: FakeClock, spread_s: float
) -> None:
    server = SimulatedServer(clock)
    assert await server.crowd(20, spread_s) == 20
    await server.run(30)
    assert server.p95_ms() < 300
    assert set(server.shedding.left_out) <= {Part.MOS}
    server.meter.stop()


async def test_beginnings_do_not_make_sessions_look_dear(clock: FakeClock) -> None:
    server = SimulatedServer(clock, loop_cost=0.014, first_cost=0.016)
    admitted = await server.crowd(40, 4.0)
    await server.run(20)
    assert admitted == 40, "they need three quarters of what there is"
    assert server.p95_ms() < 300
    server.meter.stop()


async def test_a_crowd_of_twice_as_many_leaves_those_who_are_there_as_they_were(clock: FakeClock) -> None:
    server = SimulatedServer(clock)
    await server.crowd(60, 60.0)
    await server.run(20)
    held, before_ms = len(server.sessions), server.p95_ms(clock.now() - 20)
    began = clock.now()
    assert await server.crowd(held, 5.0) == 0
    await server.run(20)
    assert server.p95_ms(began) <= max(150.0, 1.2 * before_ms)
    server.meter.stop()


async def test_a_machine_that_others_use_lets_in_fewer(clock: FakeClock) -> None:
    server = SimulatedServer(clock, neighbour=1.5)
    admitted = await server.crowd(60, 120.0)
    await server.run(20)
    assert 4 <= admitted < 24
    assert server.p95_ms() < 500
    server.meter.stop()


# -- shedding and learning


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


def test_a_probe_tells_the_stretch_of_a_loop_that_has_nothing_to_do(clock: FakeClock) -> None:
    cpu = iter(range(1000))
    watch = LoopWatch(clock, loop_time=lambda: next(cpu) * 0.001, process_time=lambda: 0.0)
    watch.probe()
    assert watch.look().stretch is not None
    starved = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    starved.probe()
    assert starved.look().stretch is None, "it gave up"


async def test_a_fault_while_looking_does_not_end_the_looking(clock: FakeClock) -> None:
    watch, ticks = LoopWatch(clock), []

    def tick() -> None:
        ticks.append(clock.now())
        if len(ticks) == 1:
            raise RuntimeError("as the test asked")

    watch.start(tick)
    with contextlib.suppress(RuntimeError):
        await clock.advance(0.1)
    await clock.advance(0.2)
    assert len(ticks) >= 2
    watch.stop()


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


async def test_a_session_holds_its_place_while_its_patient_is_away(engine: Engine, clock: FakeClock) -> None:
    watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
    meter = LoadMeter(clock, watch, Costs(Cores(LOOP_FULL / 1.5, 0.01)), Shedding(), cpus=2)
    async with SessionManager(engine, clock=clock, load=meter) as manager:
        first = Patient(manager, clock)
        await first.start()
        first.socket.vanish()
        await first.done
        assert manager.full
        await clock.advance(manager.limits.resume_ttl_s + 1)
        await until(lambda: not manager.counts().waiting)
        second = Patient(manager, clock)
        await second.start()
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


async def test_only_live_windows_go_without_a_part() -> None:
    shedding = Shedding(tuple(Part))
    scorers = FakeScorer("one"), FakeScorer("two", "clap"), FakeScorer("three", "names")
    async with (
        ScoringService(scorers[:1], FakeMos(), FakeDenoiser(), FakeTalkers()) as base,
        ScoringService(scorers[1:2]) as clap,
        ScoringService(scorers[2:]) as names,
    ):
        scoring = SheddingScoring(base, clap, shedding, names)
        assert scoring.scorer_names == ("one", "two", "three")
        assert [lane.name for lane in scoring.metrics()] == ["one", "two", "three", "mos", "denoise", "voices"]
        assert scoring.has_denoiser
        assert scoring.has_talkers
        assert {part: one.name for part, one in shedding.lanes().items()} == {
            Part.MOS: "mos",
            Part.VOICES: "voices",
            Part.DENOISER: "denoise",
            Part.CLAP: "two",
            Part.NAMES: "three",
        }
        whole = await scoring.score(request(), Priority.LIVE, 30.0)
        assert [one.failure for one in whole] == [None, None, None]
        shedding.more()
        with pytest.raises(ShedError):
            scoring.ask_mos(request().window, Priority.LIVE, 30.0)
        scoring.ask_mos(request().window, Priority.FILE, 30.0).withdraw()
        shedding.more()
        unnamed = await scoring.score(request(), Priority.LIVE, 30.0)
        assert [isinstance(one.failure, ShedError) for one in unnamed] == [False, False, True]
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
        assert [(one.kind, isinstance(one.failure, ShedError)) for one in live] == [
            ("acoustic", False),
            ("clap", True),
            ("names", True),
        ]
        assert [one.failure for one in file] == [None, None, None]


async def test_a_session_without_clap_says_shed_and_sends_no_error(engine: Engine, clock: FakeClock) -> None:

    shedding = Shedding((Part.CLAP,))
    shedding.more()
    labels: Mapping[str, str] = {"labels": "low_background, 犬吠=a dog barking|a quiet yard"}
    async with ScoringService([FakeScorer()]) as base, ScoringService([FakeScorer("clap", "clap")]) as clap:
        shed = replace(engine, service=SheddingScoring(base, clap, shedding), basic_mode=False)
        watch = LoopWatch(clock, loop_time=lambda: 0.0, process_time=lambda: 0.0)
        meter = LoadMeter(clock, watch, Costs(Cores(0.01, 0.01)), shedding, cpus=2)
        async with SessionManager(shed, clock=clock, load=meter) as manager:
            patient = Patient(manager, clock)
            await patient.start(**labels)
            await patient.speak_scored(noise(4))
            own = next(one for name, one in patient.windows()[4 * 16_000]["labels"].items() if name != "low_background")
            assert (own["score"], own["why"]) == (None, "shed")
            assert patient.errors() == []
            assert (await patient.end())["result"]["model"]["shed"] == 2
            assert meter.state().shed_counts == {"clap": 2}
