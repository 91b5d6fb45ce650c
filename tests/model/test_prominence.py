"""Peaks that stand out: those that scipy finds."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from server.model.acoustic.prominence import prominent_peaks


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 600), drift=st.booleans())
def test_they_are_the_peaks_that_scipy_finds(seed: int, n: int, drift: bool) -> None:
    curve = np.random.default_rng(seed).normal(0.0, 2.0, n)
    if drift:
        curve = np.cumsum(curve)
    expected, _ = signal.find_peaks(curve, prominence=1.5)
    assert np.array_equal(prominent_peaks(curve, 1.5), expected)


@pytest.mark.parametrize(
    ("curve", "peaks"),
    [
        ([3.0, 2.0, 1.0], []),
        ([1.0, 2.0, 3.0], []),
        ([0.0, 0.0, 0.0], []),
        ([0.0, 1.5, 0.0], [1]),
        ([0.0, 1.4, 0.0], []),
        ([0.0, 3.0, 2.0, 3.5, 0.0], [3]),
        ([0.0, 3.0, 1.0, 3.0, 0.0], [1, 3]),
    ],
)
def test_a_peak_rises_and_falls_by_the_prominence(curve: list[float], peaks: list[int]) -> None:
    values: npt.NDArray[np.float64] = np.array(curve)
    assert prominent_peaks(values, 1.5).tolist() == peaks
