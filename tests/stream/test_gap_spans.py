from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.stream.far_end import FarEnd
from server.stream.gaps import Gaps
from server.stream.ring import InputBuffer
from server.stream.timeline import Timeline
from tests.fakes import FakeDetector

spans = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 60_000)), min_size=1, max_size=8)


@given(spans, st.sampled_from([8_000, 11_025, 44_100]))
def test_rows_that_hold_a_lost_sample_are_marked_and_no_other(parts: list[tuple[int, int]], rate: int) -> None:
    gaps, lost, at = Gaps(rate), np.zeros(10**6, np.bool_), 0
    for pause, length in parts:
        at += pause
        gaps.add(at, at + length)
        lost[at : at + length] = True
        at += length
    for hop in range(at // rate + 1):
        bounds = np.arange(101) * rate // 100 + hop * rate
        wanted = [lost[a:b].any() for a, b in pairwise(bounds)]
        assert gaps.rows(hop, 100).tolist() == wanted


@given(st.lists(st.integers(1, 50), min_size=1, max_size=10))
def test_gaps_that_touch_are_one(lengths: list[int]) -> None:
    gaps, at = Gaps(8_000), 7
    for length in lengths:
        gaps.add(at, at + length)
        at += length
    assert gaps.covers(7, at)
    assert not gaps.covers(6, at)
    assert not gaps.covers(7, at + 1)
    assert gaps.reaching(at) == 7
    assert gaps.reaching(at + 1) is None
    assert gaps.reaching(7) is None


def test_a_gap_is_idle_once_the_ten_seconds_before_are_gap_too() -> None:
    gaps = Gaps(48_000)
    gaps.add(48_000, 48_000 * 14)
    assert not gaps.idle(16_000 * 10, 16_000 * 11 - 1)
    assert gaps.idle(16_000 * 10, 16_000 * 11)
    assert gaps.idle(16_000 * 13, 16_000 * 14)
    assert not gaps.idle(16_000 * 13, 16_000 * 14 + 1)


def test_a_stream_that_begins_with_a_gap_is_idle_at_once() -> None:
    gaps = Gaps(16_000)
    gaps.add(0, 16_000)
    assert gaps.idle(0, 512)
    assert not gaps.idle(16_000, 16_512)


def test_gaps_that_end_before_a_sample_are_forgotten_and_no_other() -> None:
    gaps = Gaps(16_000)
    for start, end in ((0, 100), (200, 300), (400, 500)):
        gaps.add(start, end)
    gaps.forget_before(300)
    assert not gaps.covers(0, 100)
    assert gaps.covers(200, 300)
    assert gaps.covers(400, 500)


def test_a_stream_forgets_its_gaps_a_second_after_them() -> None:
    """However many there are in an hour, only those that a row still to come may hold are looked through."""
    gaps, source = Gaps(16_000), InputBuffer(3 * 16_000)
    timeline = Timeline(16_000, FakeDetector(), (), gaps, FarEnd(16_000))
    for second in range(3):
        gaps.add(16_000 * second + 100, 16_000 * second + 200)
        source.append(np.zeros(16_000, np.float32), keep_from=16_000 * second)
        timeline.advance(source.view(16_000 * second, 16_000 * (second + 1)), source, [])
    assert [gaps.covers(16_000 * second + 100, 16_000 * second + 200) for second in range(3)] == [False, False, True]
