"""Batches that adapt: a lane's waiting room and pacer on a simulated clock, before a scorer of known speed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.scoring.jobs import Batching, Job
from server.scoring.pacer import AGAIN_AFTER, Pacer
from server.scoring.ports import Priority
from server.scoring.queue import ScoringQueue
from server.scoring.service import ScoringService
from tests.fakes import FakeScorer

Seconds = Callable[[int], float]


def cpu(size: int) -> float:
    """Nothing is gained by batches."""
    return 0.030 * size


def two_cores(size: int) -> float:
    """Windows one by one take both cores 21 ms each; two at once, each on one core, take 34 ms."""
    return 0.034 * (size // 2) + 0.021 * (size % 2)


def gpu(size: int) -> float:
    """Four windows take as long as one, and more cost a little each."""
    return 0.004 + 0.0001 * size


@dataclass
class Simulation:
    """What a lane's thread does, without the thread: takes batches when due, is busy while ``seconds`` pass."""

    seconds: Seconds
    batching: Batching = field(default_factory=Batching)
    now: float = 0.0
    served: list[tuple[Job[int, int], float]] = field(default_factory=list)
    late: list[Job[int, int]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self.room: ScoringQueue[int, int] = ScoringQueue(self.batching)

    def run(self, arrivals: Iterable[tuple[float, Priority]], within_s: float = 4.0) -> None:
        """``arrivals``: ascending times of requests; runs until nothing waits."""
        coming = [Job(number, priority, at + within_s, at, _nobody()) for number, (at, priority) in enumerate(arrivals)]
        coming.reverse()
        while coming or len(self.room):
            self._admit(coming)
            due_s = self.room.due_s(self.now)
            if due_s is None:
                self.now = coming[-1].queued_at
            elif due_s > 0:
                self.now = min([self.now + due_s, *(job.queued_at for job in coming[-1:])])
            else:
                self._serve(coming)

    def _admit(self, coming: list[Job[int, int]]) -> None:
        while coming and coming[-1].queued_at <= self.now:
            self.refused += not self.room.put(coming.pop())

    def _serve(self, coming: list[Job[int, int]]) -> None:
        batch = self.room.take(self.now)
        self.late += batch.late
        if not batch.jobs:
            return
        took = self.seconds(len(batch.jobs))
        self.batches.append(len(batch.jobs))
        self.now += took
        self.room.pacer.took(len(batch.jobs), took)
        self.served += [(job, self.now) for job in batch.jobs]

    def lags(self, priority: Priority = Priority.LIVE) -> list[float]:
        return [done - job.queued_at for job, done in self.served if job.priority is priority]


def _nobody() -> Any:
    """No loop waits for the answer here."""
    return None


def live(sessions: int, seconds: int, spread: float = 1.0) -> list[tuple[float, Priority]]:
    """One window a second of each session; sessions began spread over ``spread`` seconds."""
    times = [second + spread * number / sessions for second in range(seconds) for number in range(sessions)]
    return [(at, Priority.LIVE) for at in sorted(times)]


def test_on_a_cpu_windows_go_one_by_one_and_wait_for_nobody() -> None:
    lane = Simulation(cpu)
    lane.run(live(25, 60))
    assert lane.room.pacer.size == 1
    assert lane.batches.count(1) > 0.95 * len(lane.batches)
    assert lane.room.pacer.wait_s(1) == 0.0


def test_on_a_gpu_batches_grow_with_the_load_and_keep_up_with_it() -> None:
    calm, busy = Simulation(gpu), Simulation(gpu, Batching(max_batch=64, capacity=4096))
    calm.run(live(20, 30))
    busy.run(live(2000, 30))
    assert max(calm.lags()) < 0.02
    assert set(calm.batches) == {1}
    assert busy.room.pacer.size >= 16
    assert max(busy.lags()[40_000:]) < 0.2, "one by one they would take four times as long as there is"
    assert not busy.late
    assert not busy.refused


def test_sessions_that_all_end_their_windows_together_are_scored_in_batches() -> None:
    one_by_one, together = Simulation(gpu, Batching(max_batch=1)), Simulation(gpu, Batching(max_batch=64))
    for lane in (one_by_one, together):
        lane.run(live(100, 30, spread=0.0))
    assert max(together.lags()[1500:]) < 0.2 * max(one_by_one.lags()[1500:])


def test_pairs_are_found_where_two_cores_score_two_windows_at_once() -> None:
    lane = Simulation(two_cores)
    lane.run(live(40, 30, spread=0.5))
    assert lane.room.pacer.size == 2


def test_what_runs_side_by_side_is_taken_together_from_the_first_batch_on() -> None:
    pacer = Pacer(Batching(side_by_side=2))
    assert pacer.take(1) == 1
    assert pacer.take(5) == 2
    for _ in range(20):
        for size in (1, 2):
            pacer.took(size, cpu(size) * size)
    assert pacer.size == 2, "that another process had the cores proves nothing"


async def test_a_scorer_says_how_much_it_does_side_by_side() -> None:
    class Parallel(FakeScorer):
        side_by_side = 4

    async with ScoringService([FakeScorer(), Parallel("clap", "clap")]) as service:
        assert [lane.batch_size for lane in service.metrics()] == [1, 4]


def test_no_batch_takes_longer_than_a_live_window_may_wait() -> None:
    lane = Simulation(lambda size: 0.1 + 0.02 * size, Batching(longest_s=0.25))
    lane.run(live(8, 60, spread=0.0))
    assert max(lane.batches) > 1
    assert max(map(lane.seconds, lane.batches)) <= 0.25


def test_a_size_that_stopped_to_pay_is_given_up_and_tried_again_later() -> None:
    pacer = Pacer(Batching(max_batch=4))

    def work(batches: int, seconds: Seconds) -> None:
        for _ in range(batches):
            size = pacer.take(100)
            pacer.took(size, seconds(size))

    work(40, gpu)
    assert pacer.size == 4
    for _ in range(20):
        for size in (1, 2, 4):
            pacer.took(size, cpu(size) * (1 + 0.01 * size))
    assert pacer.size == 1
    work(3 * AGAIN_AFTER, gpu)
    assert pacer.size == 4


def test_one_slow_batch_decides_nothing() -> None:
    pacer = Pacer(Batching(max_batch=2))
    for _ in range(20):
        size = pacer.take(10)
        pacer.took(size, gpu(size))
    pacer.took(2, 1.0)
    assert pacer.size == 2


def test_a_batch_waits_only_for_what_is_expected_soon() -> None:
    pacer = Pacer(Batching(max_batch=2, batch_wait_s=0.005))
    for _ in range(20):
        size = pacer.take(10)
        pacer.took(size, gpu(size))
    for number in range(10):
        pacer.arrived(0.1 * number)
    assert pacer.wait_s(1) == 0.0, "the next comes in 100 ms"
    for number in range(100):
        pacer.arrived(1.0 + 0.002 * number)
    assert 0.0 < pacer.wait_s(1) <= 0.005
    assert pacer.wait_s(2) == 0.0


def test_a_late_request_does_not_lengthen_the_wait_of_the_first() -> None:
    room: ScoringQueue[int, int] = ScoringQueue(Batching(max_batch=4))
    for _ in range(20):
        room.pacer.took(1, gpu(1))
        room.pacer.took(2, gpu(2))
        room.pacer.took(4, gpu(4))
    for number in range(64):
        room.pacer.arrived(0.001 * number)
    room.put(Job(0, Priority.LIVE, 9.0, 0.065, _nobody()))
    first = room.due_s(0.065)
    assert first is not None
    assert first > 0
    room.put(Job(1, Priority.LIVE, 9.0, 0.066, _nobody()))
    second = room.due_s(0.066)
    assert second is not None
    assert second <= first - 0.001 + 1e-9


@settings(max_examples=60)
@given(
    gaps=st.lists(st.floats(0.0, 0.1), min_size=1, max_size=120),
    files=st.sets(st.integers(0, 119)),
    each_s=st.floats(0.001, 0.2),
    start_s=st.floats(0.0, 0.2),
    most=st.sampled_from([1, 2, 8, 16]),
)
def test_whatever_comes_each_request_is_served_once_refused_or_late_and_live_goes_first(
    gaps: list[float], files: set[int], each_s: float, start_s: float, most: int
) -> None:
    at, arrivals = 0.0, []
    for number, gap in enumerate(gaps):
        at += gap
        arrivals.append((at, Priority.FILE if number in files else Priority.LIVE))
    lane = Simulation(lambda size: start_s + each_s * size, Batching(max_batch=most, capacity=16))
    began: list[tuple[float, set[Priority], bool]] = []
    take = lane.room.take

    def watched(now: float) -> Any:
        had_live = any(job.priority is Priority.LIVE for queue in lane.room._queues for job in queue)
        batch = take(now)
        began.append((now, {job.priority for job in batch.jobs}, had_live))
        assert all(job.deadline >= now for job in batch.jobs)
        assert len(batch.jobs) <= most
        return batch

    lane.room.take = watched  # type: ignore[method-assign]  # to look over its shoulder
    lane.run(arrivals, within_s=2.0)
    assert len(lane.served) + len(lane.late) + lane.refused == len(arrivals)
    assert len({job.request for job, _ in lane.served}) == len(lane.served)
    assert all(priorities <= {Priority.LIVE} for _, priorities, had_live in began if had_live)
    order = [job.request for job, _ in lane.served if job.priority is Priority.LIVE]
    assert order == sorted(order)
