"""Readiness is a real score with a deadline; many who ask cost one."""

import asyncio

import pytest

from server.api.probe import Probe
from server.api.upload_slots import UploadSlots
from server.errors import CapacityError, DrainingError, ScoringError


class Scores:
    """A score that can be made to hang or fail: the real one does neither on demand."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.hangs = False

    async def __call__(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


async def test_concurrent_probes_share_one_score() -> None:
    scores = Scores()
    probe = Probe(scores)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(probe.check()) for _ in range(20)]
    assert scores.asked == 1
    assert all(task.result().why is None for task in tasks)


async def test_a_dead_scorer_is_told_by_its_code_and_recovery_is_seen() -> None:
    scores = Scores()
    probe = Probe(scores, ttl_s=0.0)
    scores.error = ScoringError("gone")
    assert (await probe.check()).why == "scoring_failed"
    scores.error = ValueError("a bug")
    assert (await probe.check()).why == "scoring_failed"
    scores.error = None
    assert (await probe.check()).why is None


async def test_a_hanging_scorer_is_given_up() -> None:
    scores = Scores()
    scores.hangs = True
    assert (await Probe(scores, deadline_s=0.01).check()).why == "scoring_timeout"


async def test_uploads_beyond_the_limit_are_refused_until_one_ends() -> None:
    gate = UploadSlots(running=1, waiting=1)
    async with gate.admit(), gate.admit():
        assert gate.free == 0
        with pytest.raises(CapacityError) as refused:
            await gate.admit().__aenter__()
        assert refused.value.retry_after_s
    assert gate.free == 2
    gate.shut()
    with pytest.raises(DrainingError):
        await gate.admit().__aenter__()
