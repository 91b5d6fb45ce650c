"""Each second is parted once and in order, whatever happens to windows, models and processes in between."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from server.assessment.denoised import LEAST_GAIN_DB, MOST_GAIN_DB, DenoisedSeconds
from server.scoring.denoising import TENTHS
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
    for end in range(4, 15):
        levels, missing = await parted.of(window(end))
        assert not missing
        assert seconds_of(levels) == list(range(max(0, end - 10), end))
    assert model.asked == [(second, second + 3) for second in range(3, 14)], "(second, those remembered before it)"


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
    assert model.asked == [(7, 10)], "3 dB softer: as before"
    model.asked.clear()
    levels, _ = await parted.of(window(9, speech_db=-56.0))
    assert model.asked == [*((second, second) for second in range(9))], "the seconds before are heard again"
    assert seconds_of(levels) == list(range(9)), "and measured once"


async def test_a_short_recording_has_its_whole_seconds(service: Scoring) -> None:
    levels, missing = await DenoisedSeconds(service, Priority.FILE).of(window(2.6))
    assert not missing
    assert seconds_of(levels) == [0, 1]
    levels, missing = await DenoisedSeconds(service, Priority.FILE).of(window(0.7))
    assert (levels.shape, missing) == ((0, 2), False)


async def test_without_a_denoiser_nothing_is_missing() -> None:
    async with ScoringService([]) as scoring:
        levels, missing = await DenoisedSeconds(scoring, Priority.LIVE).of(window(10))
    assert (levels.shape, missing) == ((0, 2), False)


async def test_the_stream_counts_in_seconds_whatever_the_microphones_rate(
    service: Scoring, model: FakeDenoiser
) -> None:
    parted = DenoisedSeconds(service, Priority.FILE)
    levels, _ = await parted.of(window(12, rate=48_000))
    assert seconds_of(levels) == list(range(2, 12))
