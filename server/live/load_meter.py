"""How much work this process has, and whether it can take one more session."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from server.live.clock import Clock
from server.live.costs import Cores, Costs, Kind
from server.live.loop_watch import LoopWatch
from server.live.part_lanes import PartLanes
from server.live.shedding import Shedding

LOOP_FULL = 0.72
"""Share of its time that the loop's thread may be busy: beyond, it waits for the interpreter's lock more and more, and
lag grows without end (docs/performance.md)."""

WALL_FULL = 0.85
"""The same with what it waits for a CPU and for that lock, which a busy neighbour makes longer."""

STRETCH_LEARN = 0.2
PROCESS_FULL = 0.9
"""Share of all CPUs that live sessions may take."""

SHED_AT, SHED_AT_MS, SHED_EVERY_S = 0.95, 400.0, 5.0
"""Share of the CPUs' limit, or lag without the scoring itself, from which the next part is left out; then its effect is
awaited."""

REFUSE_AT_MS, ADMIT_AT_MS = 1000.0, 500.0
"""Lag without the scoring itself at which nobody is let in, and below which people are again."""

FEW = 4
"""With fewer sessions, lag is not their number's fault."""

RESTORE_AT, RESTORE_AT_MS, RESTORE_AFTER_S, RESTORE_AFTER_MOST_S = 0.85, 250.0, 10.0, 160.0
"""Calm for so long, the part that was left out last comes back. Each time that was too soon, the wait doubles."""

SETTLED_S = 4.0
"""Age at which a session costs what it will cost."""

LOOK_S, RECENT_S, MOST_LAGS = 1.0, 10.0, 4096


@dataclass(frozen=True, slots=True)
class Census:
    """``sessions``: those with a socket, by kind; ``settled``: the same, younger ones counting in part. ``alone``: only
    live sessions run, so that what is used is theirs. ``waiting``: of each paced session with an unjudged window,
    seconds since the oldest was due."""

    sessions: Mapping[Kind, float]
    settled: Mapping[Kind, float]
    alone: bool
    waiting: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadState:
    """For monitoring.

    ``loop``, ``process``: cores used in the last second. ``stretch``: how much longer than its CPU time the loop's
    work takes. Lag: 95th percentile of the updates of the last 10 s and of the windows that wait now, ``None`` without
    any; ``waited``: without the time of scoring itself. ``parts``: those that can be left out. ``room``: sessions
    that could still begin, ``None`` if only the fixed maximum counts.
    """

    accepting: bool
    room: int | None
    loop: float
    process: float
    stretch: float
    lag_p95_ms: float | None
    waited_p95_ms: float | None
    parts: tuple[str, ...]
    shed: tuple[str, ...]
    shed_counts: Mapping[str, int]
    refused: int
    costs: Mapping[str, Cores]


class LoadMeter:
    """Looks every second, between ``start`` and ``stop``, on the loop's thread.

    A newcomer is let in if all sessions together, each at its learned cost, stay within the limits. Before that limit
    is reached, or if updates wait, parts are left out: those whose lanes have a queue first, else in the order of
    ``shedding``. One that is late again and again is left out in any case. They come back one by one.
    """

    def __init__(
        self,
        clock: Clock,
        watch: LoopWatch,
        costs: Costs,
        shedding: Shedding,
        *,
        cpus: float,
        decides: bool = True,
        stretch: float = 1.0,
    ) -> None:
        """``decides``: whether ``room_for`` may say no; it is measured in either case. ``stretch``: the first one."""
        self._stretch = stretch
        self.watch = watch
        self.refused = 0
        self._clock = clock
        self._costs = costs
        self._shedding = shedding
        self._cpus = cpus
        self._decides = decides
        self._census: Callable[[], Census] = lambda: Census({}, {}, alone=False)
        self._lags: deque[tuple[float, float, float]] = deque(maxlen=MOST_LAGS)
        self._scoring_ms = 0.0
        self._used = Cores(0.0, 0.0)
        self._looked_at = clock.now()
        self._calm_since = clock.now()
        self._calm_for_s = RESTORE_AFTER_S
        self._shed_at = self._restored_at = float("-inf")
        self._late = False
        self._lanes = PartLanes()

    def start(self, census: Callable[[], Census]) -> None:
        """``census``: who is there now."""
        self._census = census
        self._looked_at = self._calm_since = self._clock.now()
        self.watch.start(self._tick)

    def stop(self) -> None:
        """Look no more."""
        self.watch.stop()

    def lag(self, lag_ms: float, scoring_ms: float) -> None:
        """An update of a paced session went out, so late; ``scoring_ms`` of that took the scoring itself."""
        self._lags.append((self._clock.now(), lag_ms, max(0.0, lag_ms - scoring_ms)))

    def room_for(self, kind: Kind) -> bool:
        """Whether one more session of ``kind`` may begin."""
        if not self._decides:
            return True
        sessions = dict(self._census().sessions)
        sessions[kind] = sessions.get(kind, 0.0) + 1
        return not self._late and (self._share(sessions) <= 1 or sum(sessions.values()) <= 1)

    def state(self) -> LoadState:
        """Now."""
        lags, waited = self._p95(self._census().waiting)
        return LoadState(
            accepting=self.room_for(Kind.ACOUSTIC),
            room=self._room() if self._decides else None,
            loop=round(self._used.loop, 3),
            process=round(self._used.process, 3),
            stretch=round(self._stretch, 2),
            lag_p95_ms=lags,
            waited_p95_ms=waited,
            parts=tuple(part.value for part in self._shedding.parts),
            shed=tuple(part.value for part in self._shedding.left_out),
            shed_counts={part.value: count for part, count in self._shedding.counts.items()},
            refused=self.refused,
            costs={
                kind.value: Cores(round(self._costs.of(kind).loop, 4), round(self._costs.of(kind).process, 4))
                for kind in Kind
            },
        )

    def _room(self) -> int:
        sessions = dict(self._census().sessions)
        expected, one = self._costs.expected(sessions), self._costs.of(Kind.ACOUSTIC)
        by_loop = (self._loop_full - expected.loop) / one.loop
        by_process = (PROCESS_FULL * self._cpus - expected.process) / one.process
        return 0 if self._late else max(0, int(min(by_loop, by_process)))

    def _share(self, sessions: Mapping[Kind, float]) -> float:
        """Of the limits, what these sessions are expected to take; over 1 is too much."""
        expected = self._costs.expected(sessions)
        return max(expected.loop / self._loop_full, expected.process / (PROCESS_FULL * self._cpus))

    @property
    def _loop_full(self) -> float:
        """CPU time of the loop's thread, per second, at which it is full."""
        return min(LOOP_FULL, WALL_FULL / self._stretch)

    def _tick(self) -> None:
        if self._clock.now() - self._looked_at < LOOK_S:
            return
        self._looked_at = self._clock.now()
        spent = self.watch.look()
        self._used = Cores(spent.loop, spent.process)
        if spent.stretch is not None:
            self._stretch += STRETCH_LEARN * (spent.stretch - self._stretch)
        census = self._census()
        if census.alone:
            self._costs.learn(census.settled, self._used)
        self._weigh(census)

    def _weigh(self, census: Census) -> None:
        now = self._clock.now()
        while self._lags and now - self._lags[0][0] > RECENT_S:
            self._lags.popleft()
        if self._lags:
            self._scoring_ms = median(lag - waited for _, lag, waited in self._lags)
        _, waited = self._p95(census.waiting)
        waited = waited if waited is not None and sum(census.sessions.values()) >= FEW else 0.0
        self._late = waited >= (ADMIT_AT_MS if self._late else REFUSE_AT_MS)
        # On the loop's thread nothing of a part is done: leaving it out helps only where the thread has to wait.
        expected = self._costs.expected(census.sessions)
        share = max(
            expected.process / (PROCESS_FULL * self._cpus),
            expected.loop * self._stretch / WALL_FULL if self._stretch > WALL_FULL / LOOP_FULL else 0.0,
        )
        queued, late = self._lanes.look(now, self._shedding.lanes())
        late -= set(self._shedding.left_out)
        if waited >= SHED_AT_MS or share >= SHED_AT or late:
            self._shed(now, late or queued)
        if waited > RESTORE_AT_MS or share > RESTORE_AT or late:
            self._calm_since = now
        elif now - self._calm_since >= self._calm_for_s:
            self._restored_at = now if self._shedding.less() else self._restored_at
            self._calm_since = now

    def _shed(self, now: float, among: Collection[str]) -> None:
        part = self._shedding.more(among) if now - self._shed_at >= SHED_EVERY_S else None
        if part is None:
            return
        self._lanes.forget(part)
        too_soon = now - self._restored_at < RESTORE_AFTER_MOST_S
        self._calm_for_s = min(RESTORE_AFTER_MOST_S, 2 * self._calm_for_s) if too_soon else RESTORE_AFTER_S
        self._shed_at = now

    def _p95(self, waiting: Iterable[float]) -> tuple[float | None, float | None]:
        """``waiting``: seconds since windows were due that are not judged yet. What stands still sends no update: it is
        late all the same, but for the time that scoring usually takes."""
        ages = [1000 * age for age in waiting]
        lags = sorted([lag for _, lag, _ in self._lags] + ages)
        waited = sorted([waited for _, _, waited in self._lags] + [max(0.0, age - self._scoring_ms) for age in ages])
        if not lags:
            return None, None
        place = int(0.95 * (len(lags) - 1))
        return round(lags[place], 1), round(waited[place], 1)
