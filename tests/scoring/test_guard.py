"""A scorer's thread that dies or hangs is noticed, told, and replaced, ever later, and not for ever."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import ScoringError
from server.scoring.guard import HANG_S, MOST_TRIES, LaneGuard
from server.scoring.jobs import Batching, Trouble
from server.scoring.lane import Lane
from server.scoring.ports import Priority
from tests.fakes import until


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Doubling:
    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.entered.set()
        assert self.gate.wait(60)
        return [2 * number for number in numbers]


def lane_of(work: Doubling, clock: Time) -> Lane[int, int]:
    lane: Lane[int, int] = Lane("test", work, Batching(), clock=clock)
    lane.start()
    return lane


async def doubled(lane: Lane[int, int], number: int, within_s: float = 30.0) -> int:
    return (await lane.submit(number, Priority.LIVE, within_s)).value


def pass_seconds(clock: Time, guard: LaneGuard, seconds: float) -> None:
    for _ in range(round(seconds)):
        clock.now += 1.0
        guard.look()


async def test_a_thread_that_died_is_told_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    guard = LaneGuard([lane], clock=clock)
    taken = lane._queue.take

    def broken(now: float) -> Any:
        lane._queue.take = taken  # type: ignore[method-assign]
        raise RuntimeError("a bug of the queue")

    lane._queue.take = broken  # type: ignore[method-assign]
    waiting = asyncio.create_task(doubled(lane, 1))
    await until(lambda: lane.trouble(HANG_S) is Trouble.DEAD)
    guard.look()
    assert await waiting == 2, "who waited is answered by the new thread"
    assert lane.metrics().running
    assert lane.metrics().restarts == 1
    assert "the thread of the scorer test died" in caplog.text
    assert "a bug of the queue" in caplog.text
    assert await lane.stop()


async def test_a_thread_that_hangs_is_replaced_and_what_it_says_later_is_dropped() -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    guard = LaneGuard([lane], clock=clock)
    work.gate.clear()
    waiting = asyncio.create_task(doubled(lane, 1))
    await asyncio.to_thread(work.entered.wait, 30)
    former = lane._thread
    assert former is not None
    pass_seconds(clock, guard, HANG_S)
    assert lane.metrics().restarts == 0
    pass_seconds(clock, guard, 2)
    with pytest.raises(ScoringError, match="started again"):
        await waiting
    work.gate.set()
    assert await doubled(lane, 4) == 8
    await asyncio.to_thread(former.join, 30)
    assert not former.is_alive()
    assert lane.metrics().scored == 1
    assert lane.metrics().restarts == 1
    assert await lane.stop()


async def test_a_lane_whose_requests_all_came_too_late_is_idle_and_does_not_hang() -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    guard = LaneGuard([lane], clock=clock)
    late = lane.enqueue(1, Priority.LIVE, clock.now - 1.0)
    with pytest.raises(ScoringError, match="in time"):
        await late.future
    pass_seconds(clock, guard, 10 * HANG_S)
    assert lane.metrics().restarts == 0
    assert not lane.given_up
    assert await doubled(lane, 2) == 4
    assert await lane.stop()


async def test_a_thread_that_is_replaced_while_it_waits_ends_and_takes_nobodys_call() -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    assert await doubled(lane, 1) == 2
    former = lane._thread
    assert former is not None
    await until(lambda: bool(lane._ready._waiters))  # type: ignore[attr-defined]
    lane.restart()
    await asyncio.to_thread(former.join, 30)
    assert not former.is_alive()
    assert await doubled(lane, 2) == 4
    assert await lane.stop()


async def test_a_process_that_stood_still_does_not_take_a_batch_for_hanging() -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    guard = LaneGuard([lane], clock=clock)
    work.gate.clear()
    waiting = asyncio.create_task(doubled(lane, 1))
    await asyncio.to_thread(work.entered.wait, 30)
    clock.now += 600.0  # SIGSTOP
    guard.look()
    pass_seconds(clock, guard, HANG_S)
    assert lane.metrics().restarts == 0
    work.gate.set()
    assert await waiting == 2
    assert await lane.stop()


class Hopeless:
    name = "hopeless"

    def __init__(self, clock: Time) -> None:
        self.given_up = False
        self.died_of: BaseException | None = None
        self.restarted_at: list[float] = []
        self._clock = clock

    def trouble(self, hang_s: float) -> Trouble | None:
        return Trouble.DEAD

    def restart(self) -> None:
        self.restarted_at.append(self._clock.now - 1000.0)


def test_tries_come_ever_later_and_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = Time()
    lane = Hopeless(clock)
    guard = LaneGuard([lane], clock=clock)
    pass_seconds(clock, guard, 300)
    assert len(lane.restarted_at) == MOST_TRIES
    waits = [later - sooner for sooner, later in zip(lane.restarted_at, lane.restarted_at[1:], strict=False)]
    assert waits == sorted(waits)
    assert waits[0] <= 3
    assert waits[-1] >= 15
    assert lane.given_up
    assert caplog.text.count("is given up") == 1


async def test_a_lane_that_was_given_up_refuses_at_once() -> None:
    clock, work = Time(), Doubling()
    lane = lane_of(work, clock)
    lane.given_up = True
    assert not lane.metrics().running
    with pytest.raises(ScoringError, match="not running"):
        await doubled(lane, 1)
    assert await lane.stop()
