"""DNSMOS in this process when its lane is full."""

import asyncio

import pytest

from server.errors import ScoringError
from server.scoring.jobs import Batching
from server.scoring.ports import Priority
from server.scoring.service import ScoringService
from tests.fakes import FakeMos, until
from tests.scoring.test_contract import RATE, WITHIN_S, window

FULL = Batching(max_batch=1, capacity=1)


async def test_a_full_lane_refuses_a_live_window_and_lets_a_file_wait_for_its_place() -> None:
    mos = FakeMos()
    mos.gate.clear()
    async with ScoringService([], mos, mos_batching=FULL) as service:
        begun = service.ask_mos(window(10), Priority.LIVE, WITHIN_S)
        await until(lambda: begun.begun)
        service.ask_mos(window(15), Priority.LIVE, WITHIN_S)
        with pytest.raises(ScoringError, match="overloaded"):
            service.ask_mos(window(20), Priority.LIVE, WITHIN_S)
        service.ask_mos(window(25), Priority.FILE, WITHIN_S)
        later = service.ask_mos(window(30), Priority.FILE, WITHIN_S)
        withdrawn = service.ask_mos(window(35), Priority.FILE, WITHIN_S)
        withdrawn.withdraw()
        mos.gate.set()
        await begun.result(WITHIN_S)
        await until(lambda: service.metrics()[-1].queued == 0)
        result = await later.result(WITHIN_S)
        assert result is not None
        assert result.end_sample == 30 * RATE
        with pytest.raises(ScoringError, match="withdrawn"):
            await withdrawn.result(WITHIN_S)
        assert mos.ends == [10 * RATE, 15 * RATE, 25 * RATE, 30 * RATE]


async def test_a_file_waits_for_its_place_for_as_long_as_the_lane_is_full() -> None:
    mos = FakeMos()
    mos.gate.clear()
    async with ScoringService([], mos, mos_batching=FULL) as service:
        begun = service.ask_mos(window(10), Priority.FILE, WITHIN_S)
        await until(lambda: begun.begun)
        tickets = [service.ask_mos(window(end_s), Priority.FILE, WITHIN_S) for end_s in (15, 20, 25)]
        waiting = [asyncio.create_task(ticket.result(WITHIN_S)) for ticket in tickets]
        done, _ = await asyncio.wait(waiting, timeout=0)
        assert not done
        await until(lambda: service.metrics()[-1].refused == 3)  # at the door: they wait now
        mos.gate.set()
        results = [await one for one in waiting]
    assert [result and result.end_sample for result in results] == [15 * RATE, 20 * RATE, 25 * RATE]


async def test_a_file_that_is_withdrawn_while_it_waits_for_its_place_never_begins() -> None:
    mos = FakeMos()
    mos.gate.clear()
    async with ScoringService([], mos, mos_batching=FULL) as service:
        begun = service.ask_mos(window(10), Priority.FILE, WITHIN_S)
        await until(lambda: begun.begun)
        leaving = service.ask_mos(window(15), Priority.FILE, WITHIN_S)
        waiting = asyncio.create_task(leaving.result(WITHIN_S))
        await asyncio.wait([waiting], timeout=0)  # it waits now
        leaving.withdraw()
        mos.gate.set()
        with pytest.raises(ScoringError, match="withdrawn"):
            await waiting
        later = service.ask_mos(window(20), Priority.FILE, WITHIN_S)
        assert await later.result(WITHIN_S) is not None
    assert mos.ends == [10 * RATE, 20 * RATE]
