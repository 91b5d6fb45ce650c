"""Where two speak at once is known for ten seconds back, of what was asked about, and after a restart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.judge.together import KEPT_ROWS, SpokenTogether
from server.values.rows import BoolArray


def mask(*spans: tuple[int, int], n: int = 500) -> BoolArray:
    made = np.zeros(n, np.bool_)
    for start, end in spans:
        made[start:end] = True
    return made


def test_rows_tell_two_at_once_one_and_what_was_never_asked() -> None:
    told = SpokenTogether()
    told.add(500, mask((100, 200)), mask((0, 400)))
    assert told.rows(400, 700).tolist() == [-1.0] * 100 + [0.0] * 100 + [1.0] * 100 + [0.0] * 200 + [-1.0] * 200


def test_a_stretch_that_was_missed_stays_unknown() -> None:
    told = SpokenTogether()
    told.add(0, mask((0, 500)), mask((0, 500)))
    told.add(700, mask(n=100), mask((0, 100), n=100))
    assert told.rows(0, 800).tolist() == [1.0] * 500 + [-1.0] * 200 + [0.0] * 100


@given(
    st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 600), st.integers(0, 2**30)), max_size=12),
    st.integers(0, 12),
)
def test_nothing_grows_and_a_restart_forgets_nothing(stretches: list[tuple[int, int, int]], cut: int) -> None:
    whole, part = SpokenTogether(), SpokenTogether()
    at = 0
    for place, (gap, rows, seed) in enumerate(stretches):
        if place == cut:
            part = SpokenTogether.restore(part.snapshot())
        rng, at = np.random.default_rng(seed), at + gap
        together, present = rng.random(rows) < 0.5, rng.random(rows) < 0.9
        for each in (whole, part):
            each.add(at, together, present)
        at += rows
    assert whole.snapshot() == part.snapshot()
    assert whole.told.shape[0] <= KEPT_ROWS
    assert whole.rows(at - 300, 300).tolist() == part.rows(at - 300, 300).tolist()


@pytest.mark.parametrize("wrong", [{"rows": 600}, {"together": [["a", 2]]}, {"apart": [[1]]}, {"end": -1}])
def test_what_is_no_snapshot_is_refused(wrong: dict[str, object]) -> None:
    told = SpokenTogether()
    told.add(0, mask((10, 20)), mask((0, 500)))
    with pytest.raises((KeyError, TypeError, ValueError)):
        SpokenTogether.restore(told.snapshot() | wrong)
