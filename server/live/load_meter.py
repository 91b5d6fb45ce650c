"""How much work this process has, and whether it can take one more session."""

from collections.abc import Callable, Collection, Mapping

from server.live.clock import Clock
from server.live.costs import Cores, Costs, Kind
from server.live.lags import RecentLags
from server.live.load_state import Census, LoadState
from server.live.loop_watch import LoopWatch
from server.live.part_costs import PartCosts
from server.live.part_lanes import PartLanes
from server.live.shedding import Part, Shedding

LOOP_FULL = 0.72
"""Share of its time that the loop's thread may be busy: beyond, it waits for the interpreter's lock more and more, and
lag grows without end (docs/performance.md)."""

WALL_FULL = 0.85
"""The same with what it waits for a CPU and for that lock, which a busy neighbour makes longer."""

STRETCH_LEARN = 0.2
UNSTRETCHED, PROBE_EVERY_S = 1.05, 5.0
"""While nothing runs, the stretch is asked for each second, and this often as long as there is none."""

PROCESS_FULL = 0.9
"""Share of all CPUs that live sessions may take."""

CROWDED = 0.25
"""With more newcomers within a second than this share of those who are heard, what was used tells of beginnings: each
costs as much as a second or two of a session, and counted as that it would look several times as dear."""

SHED_AT, SHED_AT_MS = 0.95, 300.0
"""Share of the CPUs' limit, or lag without the scoring itself, from which parts are left out."""

SHED_EVERY_S, SHED_SOONER_S = 5.0, 2.0
"""Where the lag alone tells that there is too much work, one part goes, and its effect is awaited so long; less long
while updates are so late that nobody is let in."""

WORTH_SHEDDING = 0.1
"""Cores that the parts must take together for leaving them out to make room for somebody."""

REFUSE_AT_MS, ADMIT_AT_MS = 500.0, 300.0
"""Lag without the scoring itself at which nobody is let in, and below which people are again."""

FEW = 4
"""With fewer sessions, lag is not their number's fault."""

RESTORE_AT, RESTORE_AT_MS, RESTORE_AFTER_S, RESTORE_AFTER_MOST_S = 0.85, 200.0, 10.0, 160.0
"""Calm for so long, a part comes back if it fits. Each time that was too soon, the wait doubles."""

LOOK_S = 1.0


class LoadMeter:
    """Looks every second, between ``start`` and ``stop``, on the loop's thread.

    A newcomer is let in if all sessions together, each at its learned cost without the parts that can be left out, stay
    within the limits. Where there is too little for the parts, where updates wait, or where only parts stand in the way
    of a newcomer, they are left out: those whose lanes have a queue first, else in the order of ``shedding``. One that
    is late again and again is left out in any case. They come back one by one, where they fit.
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
        whole: bool = False,
        stretch: float = 1.0,
        part_costs: PartCosts | None = None,
    ) -> None:
        """``decides``: whether ``room_for`` may say no; it is measured in either case. ``whole``: newcomers are let in
        only while all parts fit too. ``stretch``, ``part_costs``: the first ones."""
        self._stretch = stretch
        self.watch = watch
        self.refused = 0
        self._clock = clock
        self._costs = costs
        self._shedding = shedding
        self._cpus = cpus
        self._decides, self._whole = decides, whole
        self._census: Callable[[], Census] = lambda: Census({}, {}, alone=False)
        self._lags = RecentLags()
        self._parts = part_costs or PartCosts()
        self._lanes = PartLanes()
        self._used = Cores(0.0, 0.0)
        self._looked_at = self._told_at = self._calm_since = clock.now()
        self._calm_for_s = RESTORE_AFTER_S
        self._shed_at = self._restored_at = float("-inf")
        self._late = False
        self._refused_before = 0

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
        self._lags.add(self._clock.now(), lag_ms, scoring_ms)

    def judged(self, without: Collection[str]) -> None:
        """A live window was judged; ``without``: as of ``Assessed``."""
        self._shedding.judged(without)

    def room_for(self, kind: Kind) -> bool:
        """Whether one more session of ``kind`` may begin."""
        if not self._decides:
            return True
        sessions = dict(self._census().sessions)
        sessions[kind] = sessions.get(kind, 0.0) + 1
        return not self._late and (self._share(sessions) <= 1 or sum(sessions.values()) <= 1)

    def state(self) -> LoadState:
        """Now."""
        lags, waited = self._lags.p95(self._census().waiting)
        return LoadState(
            accepting=self.room_for(Kind.ACOUSTIC),
            room=self.room(),
            loop=round(self._used.loop, 3),
            process=round(self._used.process, 3),
            stretch=round(self._stretch, 2),
            lag_p95_ms=lags,
            waited_p95_ms=waited,
            parts=tuple(part.value for part in self._shedding.parts),
            shed=tuple(part.value for part in self._shedding.left_out),
            shed_counts={part.value: self._shedding.counts[part] for part in self._shedding.parts},
            refused=self.refused,
            costs={
                kind.value: Cores(round(self._costs.of(kind).loop, 4), round(self._costs.of(kind).process, 4))
                for kind in Kind
            },
            part_costs={part.value: round(self._parts.of(part), 4) for part in self._shedding.parts},
        )

    def room(self) -> int | None:
        """Sessions that could still begin; ``None`` if only the fixed maximum counts."""
        if not self._decides:
            return None
        here, one = self._share(self._census().sessions), self._share({Kind.ACOUSTIC: 1.0})
        return 0 if self._late else max(0, int((1 - here) / one))

    def _share(self, sessions: Mapping[Kind, float]) -> float:
        """Of the limits, what these sessions are expected to take; over 1 is too much."""
        loop = self._costs.expected(sessions).loop / self._loop_full
        return max(loop, self._share_of_cpus(sessions, self._shedding.parts if self._whole else ()))

    def _share_of_cpus(self, sessions: Mapping[Kind, float], parts: Collection[Part]) -> float:
        process = self._costs.expected(sessions).process + self._parts.expected(sessions, parts)
        return process / (PROCESS_FULL * self._cpus)

    @property
    def _loop_full(self) -> float:
        """CPU time of the loop's thread, per second, at which it is full."""
        return min(LOOP_FULL, WALL_FULL / self._stretch)

    def _tick(self) -> None:
        seconds = self._clock.now() - self._looked_at
        if seconds < LOOK_S:
            return
        self._looked_at = self._clock.now()
        spent = self.watch.look()
        self._used = Cores(spent.loop, spent.process)
        if spent.stretch is not None:
            self._stretch += STRETCH_LEARN * (spent.stretch - self._stretch)
            self._told_at = self._looked_at
        elif self._stretch > UNSTRETCHED or self._looked_at - self._told_at >= PROBE_EVERY_S:
            self.watch.probe()
        census, lanes = self._census(), self._shedding.lanes()
        used = self._parts.look(seconds, lanes, max(0.0, spent.process - spent.loop))
        if census.alone:
            without_parts = max(spent.loop, spent.process - sum(used.values()))
            if census.begun <= CROWDED * sum(census.settled.values()):
                self._costs.learn(census.settled, Cores(spent.loop, without_parts))
            self._parts.learn(used, census.settled, self._shedding.left_out)
        self._weigh(census, *self._lanes.look(self._clock.now(), lanes))

    def _weigh(self, census: Census, queued: frozenset[Part], late: frozenset[Part]) -> None:
        now = self._clock.now()
        self._lags.look(now)
        _, waited = self._lags.p95(census.waiting)
        waited = waited if waited is not None and sum(census.sessions.values()) >= FEW else 0.0
        self._late = waited >= (ADMIT_AT_MS if self._late else REFUSE_AT_MS)
        share = self._share_with(census, self._shedding.kept)
        late -= set(self._shedding.left_out)
        urgent = bool(late) or self._parts_turn_away(census)
        every_s = SHED_SOONER_S if waited >= REFUSE_AT_MS else SHED_EVERY_S
        for part in sorted(late):
            self._shed(now, {part})
        while self._share_of_cpus(census.settled, self._shedding.kept) >= SHED_AT and self._shed(now, queued):
            pass
        if (waited >= SHED_AT_MS or share >= SHED_AT or urgent) and now - self._shed_at >= every_s:
            self._shed(now, queued)
        if waited > RESTORE_AT_MS or share >= SHED_AT or urgent:
            self._calm_since = now
        elif now - self._calm_since >= self._calm_for_s:
            self._calm_since = now
            self._restore(now, census)

    def _share_with(self, census: Census, parts: Collection[Part]) -> float:
        """On the loop's thread nothing of a part is done: leaving it out helps only where the thread has to wait."""
        loop = self._costs.expected(census.settled).loop * self._stretch / WALL_FULL
        waits = self._stretch > WALL_FULL / LOOP_FULL
        return max(loop if waits else 0.0, self._share_of_cpus(census.settled, parts))

    def _restore(self, now: float, census: Census) -> None:
        """The costliest loss that fits. One whose cost is a guess is tried; one that fits only in place of cheaper ones
        takes their place, one after the other."""

        def fits(part: Part, beside: Collection[Part]) -> bool:
            parts = [*beside, part] if self._parts.seen(part) else beside
            return self._share_with(census, parts) <= RESTORE_AT

        if self._shedding.less(lambda part: fits(part, self._shedding.kept)):
            self._restored_at = now
        elif any(fits(part, self._shedding.dearer(part)) for part in self._shedding.out_of_order):
            self._shedding.more()

    def _parts_turn_away(self, census: Census) -> bool:
        """Whether somebody was refused though the loop's thread has time: it only waits too long for a CPU, which the
        parts take too."""
        refused, self._refused_before = self.refused > self._refused_before, self.refused
        loop = self._costs.expected(census.sessions).loop + self._costs.of(Kind.ACOUSTIC).loop
        parts = self._parts.expected(census.settled, self._shedding.kept)
        return refused and self._loop_full < loop <= LOOP_FULL and parts >= WORTH_SHEDDING

    def _shed(self, now: float, among: Collection[str]) -> bool:
        """Leave out one part more; False if none is left."""
        part = self._shedding.more(among)
        if part is None:
            return False
        self._lanes.forget(part)
        self._lags.change(now)
        if now > self._shed_at:  # several that go at once came back too soon only once
            too_soon = now - self._restored_at < RESTORE_AFTER_MOST_S
            self._calm_for_s = min(RESTORE_AFTER_MOST_S, 2 * self._calm_for_s) if too_soon else RESTORE_AFTER_S
        self._shed_at = now
        return True
