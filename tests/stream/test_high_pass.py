"""The high-pass of the core: the published filter, and one stream however it is cut, saved and restored."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from server.values.audio import CORE_RATE, Float32Array
from server.values.high_pass import HighPass, butterworth

SECOND = np.random.default_rng(8).uniform(-1.0, 1.0, 3 * CORE_RATE).astype(np.float32)


@pytest.mark.parametrize(("order", "hz"), [(2, 60.0), (3, 65.0), (4, 120.0)])
def test_it_is_the_filter_that_scipy_designs(order: int, hz: float) -> None:
    numerator, denominator = signal.butter(order, hz, "highpass", fs=CORE_RATE)
    gain, ours = butterworth(order, hz)
    assert ours == pytest.approx(denominator, rel=1e-12)
    assert gain * np.poly(np.ones(order)) == pytest.approx(numerator, rel=1e-12)


@pytest.mark.parametrize(("order", "hz"), [(2, 60.0), (3, 65.0)])
def test_it_filters_as_scipy_does_from_a_first_sample_that_lasted_for_ever(order: int, hz: float) -> None:
    sections = signal.butter(order, hz, "highpass", fs=CORE_RATE, output="sos")
    settled = signal.sosfilt_zi(sections) * float(SECOND[0])
    expected, _ = signal.sosfilt(sections, SECOND.astype(np.float64), zi=settled)
    assert HighPass(order, hz)(SECOND) == pytest.approx(expected, abs=1e-7)


def test_an_offset_passes_nothing_not_even_at_the_start() -> None:
    assert not HighPass(3, 65.0)(np.full(CORE_RATE, 0.3, np.float32)).any()


@given(cuts=st.lists(st.integers(1, SECOND.shape[0] - 1), max_size=8))
def test_cuts_and_snapshots_change_no_bit(cuts: list[int]) -> None:
    whole = HighPass(3, 65.0)(SECOND)
    pieces: list[Float32Array] = []
    filtered = HighPass(3, 65.0)
    for piece in np.split(SECOND, sorted(cuts)):
        state = json.loads(json.dumps(filtered.snapshot()))
        filtered = HighPass(3, 65.0)
        filtered.restore(state)
        pieces.append(filtered(piece))
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("state", [{}, "", [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0, "x"], [0.0, 0.0, 0.0]]])
def test_what_is_no_state_of_it_is_refused(state: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        HighPass(3, 65.0).restore(state)
