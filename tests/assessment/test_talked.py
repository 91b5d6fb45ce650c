"""Each stretch is asked about once, with the seconds before it, whatever happens to windows and processes."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from server.assessment.talked import TalkedStretches
from server.scoring.ports import Priority, Scoring
from server.scoring.service import ScoringService
from server.values.rows import N_COLUMNS, Column
from server.values.windows import Window
from tests.fakes import FakeTalkers
from tests.scoring.remote import FakeRemoteScoring

RATE = 16_000
TALKERS = (1, 1, 1, 1, 2, 2, 2, 0, 1, 1, 1, 1, 3, 3, 3, 3, 3, 1, 1, 1, 2, 2, 1, 1)
"""Who speaks in each second."""


@pytest.fixture
def model() -> FakeTalkers:
    return FakeTalkers()


@pytest.fixture(params=[ScoringService, FakeRemoteScoring], ids=["in-process", "remote"])
async def service(request: pytest.FixtureRequest, model: FakeTalkers) -> AsyncIterator[Scoring]:
    async with request.param([], None, None, model) as scoring:
        yield scoring


def window(end_s: float) -> Window:
    start_s = max(0, int(end_s) - 10)
    rows = np.zeros((round((end_s - start_s) * 100), N_COLUMNS), np.float32)
    rows[:, Column.LEVEL_DB] = -30.0
    seconds = np.arange(start_s * RATE, round(end_s * RATE)) // RATE
    pcm = np.array(TALKERS, np.float32)[seconds]
    rows[:, Column.SPEECH] = pcm[:: RATE // 100] > 0
    return Window(start_s * RATE, round(end_s * RATE), RATE, end_s < 10, rows, pcm)


async def heard(talked: TalkedStretches, *ends: float) -> list[bool]:
    missed = []
    for end_s in ends:
        talked.expect(window(end_s))
        await talked.settle(window(end_s))
        missed.append(talked.missed)
    return missed


def seconds(talked: TalkedStretches) -> list[float]:
    return [track.seconds for track in talked.book.tracks]


async def test_an_answer_counts_from_the_window_after_its_stretch(service: Scoring, model: FakeTalkers) -> None:
    talked = TalkedStretches(service, Priority.FILE)
    await heard(talked, 3, 4, 5)
    assert seconds(talked) == []
    await heard(talked, 6)
    assert seconds(talked) == [4.0, 1.0]
    await heard(talked, *range(7, 22))
    assert model.asked == [(0, 500), (400, 500), (400, 500), (400, 500)]
    assert seconds(talked) == [6.0 + 2.0 + 3.0, 3.0, 5.0]


async def test_the_rest_is_asked_about_at_the_end_once(service: Scoring, model: FakeTalkers) -> None:
    talked = TalkedStretches(service, Priority.FILE)
    await heard(talked, *range(3, 13))
    for _ in range(2):
        await talked.conclude()
    assert model.asked == [(0, 500), (400, 500), (700, 200)]
    assert sum(seconds(talked)) == 11.0


async def test_a_recording_of_two_seconds_has_voices(service: Scoring, model: FakeTalkers) -> None:
    talked = TalkedStretches(service, Priority.FILE)
    await heard(talked, 2.5)
    await talked.conclude()
    assert seconds(talked) == [2.5]


async def test_replaced_windows_lose_no_stretch_that_the_next_one_still_holds(service: Scoring) -> None:
    whole, part = TalkedStretches(service, Priority.FILE), TalkedStretches(service, Priority.FILE)
    await heard(whole, *range(3, 25))
    await heard(part, 4, 6, 9, 11, 14, 16, 18, 21, 23, 24)
    assert part.book.snapshot() == whole.book.snapshot()


async def test_stretches_that_wait_together_know_the_voices_before_them_as_if_each_came_alone(
    service: Scoring, model: FakeTalkers
) -> None:
    """A stream faster than its judgement, or a line that comes back: windows are ready long before they are judged."""
    await heard(TalkedStretches(service, Priority.FILE), *range(3, 25))
    alone = model.known.copy()
    model.known.clear()
    talked = TalkedStretches(service, Priority.FILE)
    for end_s in range(3, 25):
        talked.expect(window(end_s))
    for end_s in range(3, 25):
        await talked.settle(window(end_s))
    assert model.known == alone == [0, 2, 0, 3]


async def test_what_came_after_the_last_stretch_is_known_when_the_recording_is_concluded(service: Scoring) -> None:
    talked = TalkedStretches(service, Priority.FILE)
    await heard(talked, 3, 4)
    assert (talked.together(window(4)) < 0).all()
    await talked.conclude()
    assert (talked.together(window(4)) == 0).all()


@pytest.mark.parametrize("cut", [5, 6, 8, 10, 11, 20])
async def test_a_session_that_goes_on_elsewhere_hears_the_same_voices(service: Scoring, cut: int) -> None:
    whole, part = TalkedStretches(service, Priority.FILE), TalkedStretches(service, Priority.FILE)
    await heard(whole, *range(3, 25))
    await heard(part, *range(3, cut + 1))
    elsewhere = TalkedStretches(service, Priority.FILE)
    elsewhere.restore(part.snapshot())
    part.close()
    await heard(elsewhere, *range(cut + 1, 25))
    assert elsewhere.book.snapshot() == whole.book.snapshot()


async def test_a_failure_is_counted_once_and_the_next_stretch_is_heard(service: Scoring, model: FakeTalkers) -> None:
    talked = TalkedStretches(service, Priority.LIVE)
    model.fail = True
    assert await heard(talked, 5, 6, 7) == [False, True, False]
    model.fail = False
    assert await heard(talked, *range(8, 12)) == [False] * 4
    assert sum(seconds(talked)) == 4.0


async def test_a_window_that_is_cancelled_leaves_its_answer_to_the_next(service: Scoring, model: FakeTalkers) -> None:
    talked = TalkedStretches(service, Priority.FILE)
    await heard(talked, 3, 4, 5)
    waiting = asyncio.create_task(talked.settle(window(6)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await heard(talked, 7)
    assert sum(seconds(talked)) == 5.0
    assert model.asked == [(0, 500)]


async def test_without_the_models_nothing_is_asked() -> None:
    async with ScoringService([]) as scoring:
        talked = TalkedStretches(scoring, Priority.FILE)
        assert await heard(talked, *range(3, 13)) == [False] * 10
        await talked.conclude()
    assert seconds(talked) == []
