"""Overlapping stretches, as a view."""

import numpy as np
import pytest

from server.values.stretches import stretches


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("length", "size", "step"), [(10, 3, 1), (10, 3, 4), (11, 3, 4), (3, 3, 2), (2, 3, 1), (0, 3, 1)]
)
def test_stretches_are_those_of_numpys_sliding_window(
    dtype: type[np.float32], length: int, size: int, step: int
) -> None:
    values = np.arange(length).astype(dtype)
    got = stretches(values, size, step)
    if length < size:
        assert got.shape == (0, size)
    else:
        np.testing.assert_array_equal(got, np.lib.stride_tricks.sliding_window_view(values, size)[::step])
        assert np.shares_memory(got, values)


def test_what_cannot_be_written_stays_so() -> None:
    values = np.zeros(8, np.float32)
    values.flags.writeable = False
    assert not stretches(values, 2).flags.writeable
