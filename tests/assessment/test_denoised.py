"""Each second is parted once and in order, whatever happens to windows, models and processes in between."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from server.assessment.denoised import LEAST_GAIN_DB, MOST_GAIN_DB, DenoisedSeconds
from server.errors import ScoringError
from server.scoring.denoising import COLUMNS, TENTHS, Denoised, DenoiseRequest
from server.scoring.ports import Priority, Scoring
from server.scoring.service import ScoringService
from server.values.audio import Float32Array
from server.values.rows import N_COLUMNS, Column
from server.values.windows import Window
from tests.fakes import FakeDenoiser
from tests.scoring.remote import FakeRemoteScoring

RATE = 16_000


@pytest.fixture
def model() -> FakeDenoiser:
    return FakeDenoiser()


@pytest.fixture(params=[ScoringService, FakeRemoteScoring], ids=["in-process", "remote"])
async def service(request: pytest.FixtureRequest, model: FakeDenoiser) -> AsyncIterator[Scoring]:
    async with request.param([], None, model) as scoring:
        yield scoring


def window(end_s: float, *, speech_db: float | None = -30.0, rate: int = RATE) -> Window:
    """Its samples say how many they are from the stream's start, so that a second can be known by its audio."""
    start_s = max(0, int(end_s) - 10)
    n = round((end_s - start_s) * 100)
    rows = np.zeros((n, N_COLUMNS), np.float32)
    rows[:, Column.LEVEL_DB] = -50.0
    if speech_db is not None:
        rows[n // 2 :, Column.LEVEL_DB] = speech_db
        rows[n // 2 :, Column.SPEECH] = 1.0
    seconds = np.arange(start_s * RATE, round(end_s * RATE)) // RATE
    return Window(start_s * rate, round(end_s * rate), rate, end_s < 10, rows, seconds.astype(np.float32))


def seconds_of(levels: Float32Array) -> list[float]:
    return [float(one) for one in levels[::TENTHS, 0]]


async def test_each_second_is_asked_once_and_knows_the_one_before(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(3))
    primed, model.asked[:] = [start for start, _ in model.asked], []
    assert primed == [0, 1, 2, 0, 1, 2], "the first seconds are heard twice: a room's noise has to be learned"
    await parted.of(window(4))
    assert model.asked == [(3, 3), (0, 4), (1, 5), (2, 6), (3, 7)], "the first hearing goes on, the second begins again"
    model.asked.clear()
    for end in range(5, 15):
        levels, missing = await parted.of(window(end))
        assert not missing
        assert seconds_of(levels) == list(range(max(0, end - 10), end))
    assert model.asked == [(second, second + 4) for second in range(4, 14)], "(second, those remembered before it)"


async def test_the_first_hearing_begins_again_with_another_gain(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(3, speech_db=-46.0))
    model.asked.clear()
    await parted.of(window(4, speech_db=-56.0))
    assert model.asked == [(0, 0), (1, 1), (2, 2), (3, 3), (0, 4), (1, 5), (2, 6), (3, 7)]


async def test_a_session_restored_while_it_learns_gives_what_the_unbroken_one_gives(
    service: Scoring, model: FakeDenoiser
) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(3))
    elsewhere = DenoisedSeconds(service, Priority.FILE)
    elsewhere.restore(parted.snapshot())
    asked = []
    for one in (parted, elsewhere):
        model.asked.clear()
        await one.of(window(4))
        asked.append(model.asked[-4:])
    assert asked[0] == asked[1] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    assert parted.snapshot() == elsewhere.snapshot()


async def test_windows_that_were_replaced_are_caught_up_with(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(5))
    model.asked.clear()
    levels, _ = await parted.of(window(9))
    assert [start for start, _ in model.asked] == [5, 6, 7, 8]
    assert seconds_of(levels) == list(range(9))


async def test_after_a_longer_silence_it_begins_anew(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(5))
    model.asked.clear()
    levels, missing = await parted.of(window(40))
    assert not missing
    assert seconds_of(levels) == list(range(30, 40))
    assert model.asked[10] == (30, 10), "primed with the window itself, and with nothing from before the silence"


async def test_a_second_that_fails_is_unknown_and_the_next_begins_anew(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(4))
    model.fail = True
    levels, missing = await parted.of(window(5))
    assert missing
    assert np.isnan(levels[4 * TENTHS :]).all()
    assert seconds_of(levels)[:4] == [0, 1, 2, 3]
    model.fail = False
    levels, missing = await parted.of(window(6))
    assert not missing
    assert seconds_of(levels)[5] == 5


async def test_a_restored_one_gives_what_the_unbroken_one_gives(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    for end in range(3, 13):
        await parted.of(window(end))
    elsewhere = DenoisedSeconds(service, Priority.FILE)
    elsewhere.restore(parted.snapshot())
    for end in (13, 14):
        here, there = await parted.of(window(end)), await elsewhere.of(window(end))
        np.testing.assert_array_equal(here[0], there[0])
    assert model.asked[-1] == model.asked[-2]


async def test_a_window_asked_again_costs_nothing(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(6))
    first, _ = await parted.of(window(7))
    model.asked.clear()
    again, _ = await parted.of(window(7))
    earlier, _ = await parted.of(window(6))
    np.testing.assert_array_equal(first, again)
    assert seconds_of(earlier) == list(range(6))
    assert model.asked == []


async def test_the_voice_is_brought_to_the_level_that_models_know(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    await parted.of(window(3, speech_db=-46.0))
    assert model.gains[-1] == pytest.approx(20.0, abs=0.1)
    await parted.of(window(4, speech_db=None))
    assert model.gains[-1] == pytest.approx(20.0, abs=0.1), "while nobody speaks, as before"
    await parted.of(window(5, speech_db=-100.0))
    assert model.gains[-1] == MOST_GAIN_DB
    await parted.of(window(6, speech_db=0.0))
    assert model.gains[-1] == pytest.approx(-26.0 + 0.0, abs=6.1)
    assert model.gains[-1] >= LEAST_GAIN_DB


async def test_with_another_gain_the_room_is_learned_anew(service: Scoring, model: FakeDenoiser) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    for end in range(3, 8):
        await parted.of(window(end, speech_db=-46.0))
    model.asked.clear()
    await parted.of(window(8, speech_db=-49.0))
    assert model.asked == [(7, 11)], "3 dB softer: as before"
    model.asked.clear()
    levels, _ = await parted.of(window(9, speech_db=-56.0))
    assert model.asked == [(4, 0), (5, 1), (6, 2), (7, 3), (8, 4)], "the seconds before are heard again"
    assert seconds_of(levels) == list(range(9)), "and measured once"


def muted(window: Window, *seconds: int) -> Window:
    rows = window.rows.copy()
    for second in seconds:
        rows[second * 100 : (second + 1) * 100, [Column.ZERO, Column.SPEECH]] = (1.0, 0.0)
    return replace(window, rows=rows)


async def test_silence_teaches_nothing_and_the_first_sound_is_heard_twice(
    service: Scoring, model: FakeDenoiser
) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    for end in range(3, 8):
        levels, missing = await parted.of(muted(window(end), *range(10)))
        assert np.isnan(levels).all()
        assert not missing
    assert model.asked == []
    levels, _ = await parted.of(muted(window(8), *range(7)))
    assert model.asked == [(7, 0), (7, 1)]
    levels, _ = await parted.of(muted(window(9), *range(7)))
    assert model.asked[2:] == [(8, 1), (7, 2), (8, 3)]
    assert seconds_of(levels)[7:] == [7, 8]
    assert np.isnan(levels[: 7 * TENTHS]).all()


class SlowScoring:
    """Takes ``took_s`` of its clock for each call, and answers or not. Fake because the clock is."""

    has_denoiser = True

    def __init__(self) -> None:
        self.now, self.took_s, self.fail = 0.0, 0.7, False
        self.inference_s = 0.0
        self.within: list[float] = []

    async def denoise(self, request: DenoiseRequest, _: Priority, within_s: float) -> Denoised:
        self.within.append(within_s)
        self.now += min(self.took_s, within_s)
        if self.fail or self.took_s > within_s:
            raise ScoringError("late")
        return replace(FakeDenoiser().denoise(request), inference_s=self.inference_s)


async def test_a_live_window_waits_a_second_in_all() -> None:
    scoring = SlowScoring()
    parted = DenoisedSeconds(cast("Scoring", scoring), Priority.LIVE, lambda: scoring.now)
    _, missing = await parted.of(window(3))
    assert missing
    assert scoring.within == [pytest.approx(1.0), pytest.approx(0.3)]
    assert scoring.now == pytest.approx(1.0)


async def test_the_denoisers_own_time_is_told_apart_from_waiting_for_it() -> None:
    scoring = SlowScoring()
    scoring.took_s, scoring.inference_s = 0.3, 0.05
    parted = DenoisedSeconds(cast("Scoring", scoring), Priority.LIVE, lambda: scoring.now)
    await parted.of(window(3))
    assert parted.inference_s == pytest.approx(2 * 0.05), "heard twice"
    await parted.of(window(3))
    assert parted.inference_s == 0.0, "known already"


async def test_a_service_tells_how_long_the_denoiser_took(model: FakeDenoiser) -> None:
    ticks = itertools.count()
    async with ScoringService([], None, model, clock=lambda: next(ticks)) as scoring:
        second = DenoiseRequest(0, RATE, np.zeros(RATE, np.float32), 0.0)
        assert (await scoring.denoise(second, Priority.LIVE, 10**9)).inference_s >= 1


async def test_after_a_failure_a_live_session_asks_once_in_eight_seconds() -> None:
    scoring = SlowScoring()
    scoring.fail = True
    parted = DenoisedSeconds(cast("Scoring", scoring), Priority.LIVE, lambda: scoring.now)
    found = [await parted.of(window(end)) for end in range(3, 28)]
    assert all(missing for _, missing in found)
    assert 3 <= len(scoring.within) <= 5
    scoring.fail, scoring.took_s = False, 0.0
    recovered = [missing for end in range(28, 40) for _, missing in [await parted.of(window(end))]]
    assert recovered.index(False) < 8
    assert not any(recovered[recovered.index(False) :])


async def test_a_short_recording_has_its_whole_seconds(service: Scoring) -> None:
    levels, missing = await DenoisedSeconds(service, Priority.FILE).of(window(2.6))
    assert not missing
    assert seconds_of(levels) == [0, 1]
    levels, missing = await DenoisedSeconds(service, Priority.FILE).of(window(0.7))
    assert (levels.shape, missing) == ((0, COLUMNS), False)


async def test_without_a_denoiser_nothing_is_missing() -> None:
    async with ScoringService([]) as scoring:
        levels, missing = await DenoisedSeconds(scoring, Priority.LIVE).of(window(10))
    assert (levels.shape, missing) == ((0, COLUMNS), False)


async def test_the_stream_counts_in_seconds_whatever_the_microphones_rate(
    service: Scoring, model: FakeDenoiser
) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    levels, _ = await parted.of(window(12, rate=48_000))
    assert seconds_of(levels) == list(range(2, 12))
