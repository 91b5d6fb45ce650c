"""Which DNSMOS result counts for which window."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from server.assessment.mos import MosWatch
from server.scoring.ports import Priority, Scoring
from server.scoring.service import ScoringService
from server.values.measures import Mos
from server.values.rows import N_COLUMNS
from server.values.windows import Window
from tests.fakes import FakeMos, until
from tests.scoring.remote import FakeRemoteScoring

RATE = 8000


def window(end_s: float) -> Window:
    start_s = max(0.0, end_s - 10)
    rows = np.zeros((round((end_s - start_s) * 100), N_COLUMNS), np.float32)
    pcm = np.zeros(round((end_s - start_s) * 16_000), np.float32)
    return Window(round(start_s * RATE), round(end_s * RATE), RATE, end_s < 10, rows, pcm)


@pytest.fixture
def model() -> FakeMos:
    return FakeMos()


@pytest.fixture(params=[ScoringService, FakeRemoteScoring], ids=["in-process", "remote"])
async def service(request: pytest.FixtureRequest, model: FakeMos) -> AsyncIterator[Scoring]:
    async with request.param([], model) as running:
        yield running
        model.gate.set()


async def walk(watch: MosWatch, ends: range, *, lossless: bool = True) -> dict[int, tuple[Mos | None, bool]]:
    seen = {}
    for end in ends:
        watch.expect(window(end))
        seen[end] = await watch.counting(window(end), lossless=lossless)
    return seen


def sources(seen: dict[int, tuple[Mos | None, bool]]) -> dict[int, int | None]:
    return {end: None if mos is None else mos.end_sample // RATE for end, (mos, _) in seen.items()}


async def test_result_counts_from_the_next_window_until_the_next_one(service: Scoring) -> None:
    seen = sources(await walk(MosWatch(service, Priority.FILE), range(3, 23)))
    expected = dict.fromkeys(range(3, 11))
    expected |= dict.fromkeys(range(11, 16), 10) | dict.fromkeys(range(16, 21), 15) | {21: 20, 22: 20}
    assert seen == expected


async def test_real_time_window_is_judged_without_a_late_result_and_says_so(service: Scoring, model: FakeMos) -> None:
    model.gate.clear()
    watch = MosWatch(service, Priority.LIVE)
    seen = await walk(watch, range(9, 13), lossless=False)
    assert seen == {9: (None, False), 10: (None, False), 11: (None, True), 12: (None, True)}
    model.gate.set()
    watch.expect(window(13))
    mos, shed = await watch.counting(window(13), lossless=True)
    assert (mos and mos.end_sample, shed) == (10 * RATE, False), "a late result still counts for later windows"


async def test_failing_model_sheds_until_the_next_one(service: Scoring, model: FakeMos) -> None:
    model.fail = True
    watch = MosWatch(service, Priority.FILE)
    seen = await walk(watch, range(10, 13))
    assert seen[11] == (None, True)
    model.fail = False
    assert sources(await walk(watch, range(13, 18)))[17] == 15


async def test_replaced_window_still_gets_its_result(service: Scoring) -> None:
    watch = MosWatch(service, Priority.LIVE)
    watch.expect(window(10))
    watch.expect(window(11))
    mos, shed = await watch.counting(window(11), lossless=True)
    assert mos is not None
    assert not shed


async def test_short_recording_gets_one_result_at_the_end(service: Scoring, model: FakeMos) -> None:
    watch = MosWatch(service, Priority.FILE)
    seen = await walk(watch, range(3, 8))
    assert set(seen.values()) == {(None, False)}
    mos = await watch.closing(5.0)
    assert mos is not None
    assert model.ends == [7 * RATE]


async def test_recording_of_ten_seconds_uses_the_one_it_has(service: Scoring, model: FakeMos) -> None:
    watch = MosWatch(service, Priority.FILE)
    await walk(watch, range(3, 11))
    assert await watch.closing(5.0) is not None
    assert model.ends == [10 * RATE]


async def test_long_recording_gets_none_at_the_end(service: Scoring) -> None:
    watch = MosWatch(service, Priority.FILE)
    await walk(watch, range(3, 13))
    assert await watch.closing(5.0) is None


async def test_without_a_model_nothing_is_shed() -> None:
    async with ScoringService([]) as service:
        seen = await walk(MosWatch(service, Priority.LIVE), range(9, 13))
    assert set(seen.values()) == {(None, False)}


async def test_snapshot_carries_known_results(service: Scoring) -> None:
    watch = MosWatch(service, Priority.FILE)
    await walk(watch, range(3, 13))
    restored = MosWatch(service, Priority.FILE)
    restored.restore(watch.snapshot())
    assert await restored.counting(window(13), lossless=True) == await watch.counting(window(13), lossless=True)


async def test_close_withdraws_requests(service: Scoring, model: FakeMos) -> None:
    model.gate.clear()
    watch = MosWatch(service, Priority.LIVE)
    for end in (10, 15):
        watch.expect(window(end))
    watch.close()
    await until(lambda: service.metrics()[-1].queued == 0)
    model.gate.set()
