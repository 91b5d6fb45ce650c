"""Long digital silence is repeated only where nothing else is in it: marks, gaps and sound keep their places."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from server.stream.core import StreamCore
from server.stream.events import StreamEvent
from server.values.audio import Encoding, Float32Array
from server.values.rows import Column
from tests.stream.audio import core_at, windows

RATE = 16_000

Silence = Callable[[StreamCore, int], list[StreamEvent]]


def repeated(core: StreamCore, samples: int) -> list[StreamEvent]:
    return core.receive_silence(samples)


def computed(core: StreamCore, samples: int) -> list[StreamEvent]:
    return core.receive_pcm(bytes(4 * samples))


def rows_of(events: list[StreamEvent]) -> Float32Array:
    """Each row once; the windows follow each other by a second."""
    heard = windows(events)
    assert np.diff([window.end_sample / window.sample_rate for window in heard]).tolist() == [1.0] * (len(heard) - 1)
    return np.concatenate([heard[0].rows, *[window.rows[-100:] for window in heard[1:]]])


def heard_in(rate: int, told: Callable[[StreamCore, Silence, int], Iterator[list[StreamEvent]]]) -> None:
    """The rows are the same whether silence is repeated or computed."""
    rows, cores = [], []
    for silence in (computed, repeated):
        core = core_at(rate, Encoding.PCM_F32LE)
        events = [event for some in told(core, silence, rate) for event in some]
        rows.append(rows_of(events + core.finish()))
        cores.append(core)
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-4)
    plain, quick = (core.totals() for core in cores)
    assert (plain.rows, plain.speech_rows, plain.gap_rows, plain.far_end_rows) == (
        (quick.rows, quick.speech_rows, quick.gap_rows, quick.far_end_rows)
    )


@pytest.mark.parametrize("span", [(20.0, 30.0), (20.5, 50.0), (12.25, 12.3)])
def test_the_far_end_in_silence_keeps_its_rows(span: tuple[float, float]) -> None:
    def told(core: StreamCore, silence: Silence, rate: int) -> Iterator[list[StreamEvent]]:
        start, end = (round(at * rate) for at in span)
        yield silence(core, start)
        core.far_end(True)
        yield silence(core, end - start)
        core.far_end(False)
        yield silence(core, 62 * rate - end)

    heard_in(RATE, told)


@pytest.mark.parametrize("at_s", [12.0, 12.3])
def test_a_gap_in_silence_keeps_its_rows(at_s: float) -> None:
    def told(core: StreamCore, silence: Silence, rate: int) -> Iterator[list[StreamEvent]]:
        yield silence(core, round(at_s * rate))
        yield core.receive_gap(rate // 10)
        yield silence(core, 25 * rate)

    heard_in(RATE, told)


@pytest.mark.parametrize("rate", [16_000, 16_001, 44_100])
@pytest.mark.parametrize("before_s", [0.0, 0.7])
def test_a_click_in_silence_keeps_its_place(rate: int, before_s: float) -> None:
    """At 14.97 s and before: what the resampler still holds when the silence goes on."""
    click = (0.5 * np.sin(0.3 * np.arange(rate // 100))).astype("<f4")

    def told(core: StreamCore, silence: Silence, rate: int) -> Iterator[list[StreamEvent]]:
        at = round((14.97 - before_s) * rate)
        yield silence(core, at)
        yield core.receive_pcm(click.tobytes())
        yield silence(core, 15 * rate - at - click.shape[0])
        yield silence(core, 12 * rate)

    heard_in(rate, told)


def test_one_sample_of_sound_is_not_repeated_at_the_highest_rate() -> None:
    one = np.zeros(1_600, "<f4")
    one[800] = 0.5

    def told(core: StreamCore, silence: Silence, rate: int) -> Iterator[list[StreamEvent]]:
        yield silence(core, 14 * rate)
        yield core.receive_pcm(one.tobytes())
        yield silence(core, 30 * rate)

    heard_in(96_000, told)


def test_silence_is_repeated_where_nothing_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    core = core_at(RATE, Encoding.PCM_F32LE)
    computed_hops = 0
    advance = core._timeline._rows.advance

    def counted(*args: Float32Array) -> None:
        nonlocal computed_hops
        computed_hops += 1
        advance(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(core._timeline._rows, "advance", counted)
    core.receive_silence(100 * RATE)
    core.far_end(True)
    core.receive_silence(RATE)
    core.far_end(False)
    core.receive_silence(100 * RATE)
    assert computed_hops < 30
    assert rows_of_last(core) == 0.0


def rows_of_last(core: StreamCore) -> float:
    return float(core._timeline._rows.window(core._timeline.hop * 100 - 100)[:, Column.FAR_END].max())
