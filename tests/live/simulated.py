"""A machine and its sessions by arithmetic, under the real meter: seconds of load in no time, and the same each time.

What sessions and parts take is what was measured with CPU clocks (docs/performance.md); how work waits is a fluid queue
on the loop's thread and one on the denoiser's, with DNSMOS at a low priority on what CPU is left.
"""

from dataclasses import dataclass, field, replace

from server.live.census import settledness
from server.live.costs import Cores, Costs, Kind
from server.live.load_meter import LoadMeter
from server.live.load_state import Census
from server.live.loop_watch import LoopWatch
from server.live.shedding import Part, Shedding
from server.scoring.metrics import LaneMetrics, Times
from tests.fakes import FakeClock

STEP_S = 0.1
MOS_S, DENOISE_S, ACOUSTIC_S = 0.33, 0.0125, 0.005
"""CPU seconds of one DNSMOS, of one second of denoising, of one window's measures."""

LOCK = 1.25
"""Waits for the interpreter's lock, as a stretch of the loop's work."""


@dataclass
class Session:
    began: float
    paused: bool = False


@dataclass
class SimulatedServer:
    """``loop_cost``: cores of the loop's thread that one session takes. ``start_s``: CPU seconds that
    its beginning takes there. ``neighbour``: threads of others that share
    ``cpus`` fairly. ``let_in``, ``waits``: when newcomers began, and the waiting of each update (time, milliseconds).
    """

    clock: FakeClock
    loop_cost: float = 0.028
    first_cost: float = 0.03
    start_s: float = 0.025
    cpus: float = 2.0
    neighbour: float = 0.0
    whole: bool = False
    parts: tuple[Part, ...] = (Part.MOS, Part.DENOISER)
    sessions: list[Session] = field(default_factory=list)
    let_in: list[float] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._spent = [0.0, 0.0]
        self._behind_s = 0.0
        self._lane_cpu = dict.fromkeys(Part, 0.0)
        self._owed = dict.fromkeys(Part, 0.0)
        self.shedding = Shedding(self.parts)
        self.shedding.lanes = self._lanes
        watch = LoopWatch(self.clock, loop_time=lambda: self._spent[0], process_time=lambda: self._spent[1])
        costs = Costs(Cores(self.first_cost, 1.2 * self.first_cost))
        self.meter = LoadMeter(self.clock, watch, costs, self.shedding, cpus=self.cpus, whole=self.whole)
        self._watch = watch
        self.meter.start(self._census)

    def _census(self) -> Census:
        now = self.clock.now()
        heard = sum(settledness(now - one.began) for one in self.sessions if not one.paused)
        begun = sum(now - one.began < 1.0 for one in self.sessions)
        return Census({Kind.ACOUSTIC: len(self.sessions)}, {Kind.ACOUSTIC: heard}, alone=True, begun=begun)

    def _lanes(self) -> dict[Part, LaneMetrics]:
        empty = LaneMetrics("one", 0, 0, 0, 0, 0, 0, None, None, None, None, 1, None)
        each = {Part.MOS: MOS_S, Part.DENOISER: 6 * DENOISE_S}
        return {
            part: replace(
                empty,
                queued=int(self._owed[part] / each[part]),
                cpu_s=self._lane_cpu[part],
                inference=Times(sum_s=self._lane_cpu[part]),
            )
            for part in self.parts
        }

    def come(self) -> bool:
        """A newcomer: whether it was let in."""
        if not self.meter.room_for(Kind.ACOUSTIC):
            self.meter.refused += 1
            return False
        self.sessions.append(Session(self.clock.now()))
        self.let_in.append(self.clock.now())
        return True

    async def crowd(self, count: int, spread_s: float) -> int:
        """``count`` newcomers over ``spread_s`` seconds; returns how many were let in."""
        admitted = 0
        for number in range(count):
            admitted += self.come()
            until = (number + 1) * spread_s / count
            await self.run(round(until / STEP_S) * STEP_S - round(number * spread_s / count / STEP_S) * STEP_S)
        return admitted

    async def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self._step(self.clock.now())
            await self.clock.advance(STEP_S)

    def _step(self, now: float) -> None:
        ages = [now - one.began for one in self.sessions if not one.paused]
        due = [round(age) for age in ages if age > 2.95 and abs(age - round(age)) < STEP_S / 2]
        loop_s = sum(STEP_S * self.loop_cost * (1.0 if age >= 3 else 0.8) for age in ages)
        loop_s += self.start_s * sum(age < STEP_S for age in ages)
        kept = self.shedding.kept
        if Part.DENOISER in kept:
            seconds_due = [6 if age == 3 else 5 if age == 4 else 1 for age in due]
            self._owed[Part.DENOISER] = min(2.0, self._owed[Part.DENOISER] + DENOISE_S * sum(seconds_due))
        if Part.MOS in kept:
            asked = sum(age >= 10 and age % 5 == 0 for age in due)
            self._owed[Part.MOS] = min(64 * MOS_S, self._owed[Part.MOS] + MOS_S * asked)
        free_s = STEP_S * max(0.0, self.cpus - self.neighbour)
        scored_s = ACOUSTIC_S * len(due)
        beside = (scored_s + min(STEP_S, self._owed[Part.DENOISER])) / STEP_S + self.neighbour
        stretch = LOCK * max(1.0, (1.0 + beside) / self.cpus)
        worked_s = min(self._behind_s + loop_s, STEP_S / stretch)
        self._behind_s += loop_s - worked_s
        denoised_s = min(self._owed[Part.DENOISER], STEP_S / stretch)
        left_s = max(0.0, free_s - worked_s - scored_s - denoised_s)
        rated_s = min(self._owed[Part.MOS], left_s, STEP_S)
        for part, took_s in ((Part.DENOISER, denoised_s), (Part.MOS, rated_s)):
            self._owed[part] = 0.0 if part not in kept else self._owed[part] - took_s
            self._lane_cpu[part] += took_s
        self._spent[0] += worked_s
        self._spent[1] += worked_s + scored_s + denoised_s + rated_s
        self._watch._worked_s += worked_s
        self._watch._wall_s += worked_s * stretch
        waited_ms = 1000 * (self._behind_s * stretch + min(1.0, self._owed[Part.DENOISER]))
        for _ in due:
            self.waits.append((now, waited_ms))
            self.meter.lag(waited_ms + 20.0, 20.0)

    def p95_ms(self, since: float = 0.0) -> float:
        """Of the waiting of updates since then."""
        waits = sorted(waited for at, waited in self.waits if at >= since)
        return waits[int(0.95 * (len(waits) - 1))]
