"""The scoring lanes: bounded, batched, no caller waits for ever, nothing outlives them."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from server.errors import ScoringError
from server.scoring.jobs import Answer, Batching
from server.scoring.lane import Lane
from server.scoring.ports import Priority
from tests.fakes import until


class Work:
    """Doubles numbers on the lane's thread. ``gate`` holds it; ``entered`` says that a batch has begun."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []
        self.error: BaseException | None = None

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.entered.set()
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        return [2 * number for number in numbers]

    async def hold(self, lane: Lane[int, int]) -> "asyncio.Task[int]":
        """Occupy the thread until the gate opens."""
        self.gate.clear()
        task = asyncio.create_task(answer(lane, 1))
        await asyncio.to_thread(self.entered.wait, 60)
        return task


async def answer(lane: Lane[int, int], number: int, priority: Priority = Priority.LIVE, within_s: float = 60.0) -> int:
    return (await lane.submit(number, priority, within_s)).value


async def queued(lane: Lane[int, int], count: int) -> None:
    """Until ``count`` requests wait."""
    await until(lambda: lane.metrics().queued == count)


async def started(work: Work, **batching: float) -> Lane[int, int]:
    lane: Lane[int, int] = Lane("test", work, Batching(**batching))  # type: ignore[arg-type]  # ints and floats mixed
    lane.start()
    return lane


async def test_answers_carry_queue_and_inference_time() -> None:
    lane = await started(Work())
    reply = await lane.submit(21, Priority.LIVE, 5.0)
    assert reply.value == 42
    assert reply.queue_s >= 0
    assert reply.inference_s >= 0
    assert await lane.stop()


async def test_requests_that_wait_together_are_one_batch() -> None:
    work = Work()
    lane = await started(work, max_batch=8)
    first = await work.hold(lane)
    others = [asyncio.create_task(answer(lane, number)) for number in (2, 3, 4)]
    await queued(lane, 3)
    work.gate.set()
    assert [await first, *[await task for task in others]] == [2, 4, 6, 8]
    assert work.batches[:2] == [[1], [2, 3]], "two are tried together before more are"
    await lane.stop()


async def test_live_windows_go_before_files_that_came_first() -> None:
    work = Work()
    lane = await started(work)
    first = await work.hold(lane)
    file = asyncio.create_task(answer(lane, 10, Priority.FILE))
    await queued(lane, 1)
    live = asyncio.create_task(answer(lane, 20))
    await queued(lane, 2)
    work.gate.set()
    await asyncio.wait([first, file, live])
    assert work.batches == [[1], [20], [10]]
    await lane.stop()


async def test_newest_first_serves_as_many_requests_in_time_as_possible() -> None:
    work = Work()
    lane = await started(work, max_batch=1, newest_first=True)
    first = await work.hold(lane)
    others = [asyncio.create_task(answer(lane, number)) for number in (2, 3, 4)]
    await queued(lane, 3)
    work.gate.set()
    await asyncio.wait([first, *others])
    assert work.batches == [[1], [4], [3], [2]]
    await lane.stop()


async def test_cancelled_work_never_reaches_the_scorer() -> None:
    work = Work()
    lane = await started(work)
    first = await work.hold(lane)
    gone = asyncio.create_task(answer(lane, 99))
    await queued(lane, 1)
    gone.cancel()
    await asyncio.wait([gone])
    assert lane.metrics().queued == 0, "what nobody waits for holds no place and no audio"
    work.gate.set()
    await first
    assert await answer(lane, 5) == 10
    assert [99] not in work.batches
    assert lane.metrics().abandoned == 1
    await lane.stop()


async def test_who_is_cancelled_just_when_the_answer_comes_stays_cancelled() -> None:
    """A session's loop that missed it would wait for ever, and with it whoever comes back to the session."""
    work = Work()
    lane = await started(work)
    first = await work.hold(lane)
    job = await lane.admit(2, Priority.LIVE, 10.0)
    waiting = asyncio.create_task(lane._wait(job, 10.0))
    await asyncio.sleep(0)
    job.future.set_result(Answer(4, 0.0, 0.0))
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    work.gate.set()
    await first
    await lane.stop()


async def test_failing_work_answers_every_waiter() -> None:
    work = Work()
    lane = await started(work)
    work.error = RuntimeError("no memory")
    first = await work.hold(lane)
    others = [asyncio.create_task(answer(lane, number)) for number in (2, 3)]
    await queued(lane, 2)
    work.gate.set()
    for task in [first, *others]:
        with pytest.raises(ScoringError, match="RuntimeError"):
            await task
    work.error = None
    assert await answer(lane, 4) == 8, "the lane goes on"
    assert lane.metrics().failed == 3
    await lane.stop()


async def test_a_scorer_that_would_end_its_thread_does_not() -> None:
    work = Work()
    lane = await started(work)
    for error in (SystemExit(3), MemoryError()):
        work.error = error
        with pytest.raises(ScoringError, match=type(error).__name__):
            await answer(lane, 1)
    work.error = None
    assert lane.alive
    assert await answer(lane, 4) == 8
    await lane.stop()


async def test_wrong_number_of_answers_is_a_failure_for_all() -> None:
    lane: Lane[int, int] = Lane("short", lambda numbers: [], Batching())
    lane.start()
    with pytest.raises(ScoringError):
        await lane.submit(1, Priority.LIVE, 5.0)
    await lane.stop()


async def test_full_lane_refuses_live_work_at_once() -> None:
    work = Work()
    lane = await started(work, capacity=2)
    first = await work.hold(lane)
    waiting = [asyncio.create_task(answer(lane, number)) for number in (2, 3)]
    await queued(lane, 2)
    with pytest.raises(ScoringError, match="overloaded"):
        await answer(lane, 4)
    work.gate.set()
    await asyncio.wait([first, *waiting])
    assert lane.metrics().refused == 1
    await lane.stop()


async def test_files_wait_for_a_permit_instead_of_being_refused() -> None:
    work = Work()
    lane = await started(work, capacity=1, max_batch=1)
    first = await work.hold(lane)
    files = [asyncio.create_task(answer(lane, number, Priority.FILE)) for number in (2, 3, 4)]
    await queued(lane, 1)
    work.gate.set()
    await first
    assert [await task for task in files] == [4, 6, 8]
    await lane.stop()


async def test_deadline_ends_the_wait_and_the_work_is_skipped() -> None:
    work = Work()
    lane = await started(work)
    first = await work.hold(lane)
    with pytest.raises(ScoringError, match="in time"):
        await answer(lane, 7, within_s=0.01)
    work.gate.set()
    await first
    assert await answer(lane, 8) == 16
    assert [7] not in work.batches
    assert lane.metrics().expired == 1
    await lane.stop()


async def test_stop_answers_those_who_wait_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    work = Work()
    lane = await started(work)
    work.gate.clear()
    running = asyncio.create_task(answer(lane, 1))
    await until(work.entered.is_set)
    waiting = asyncio.create_task(answer(lane, 2))
    await queued(lane, 1)
    stop = asyncio.create_task(lane.stop())
    with pytest.raises(ScoringError, match="shutting down"):
        await waiting
    work.gate.set()
    assert await running == 2
    assert await stop
    assert set(threading.enumerate()) <= before, "those of other tests may have ended meanwhile"
    with pytest.raises(ScoringError, match="not running"):
        await answer(lane, 3)
