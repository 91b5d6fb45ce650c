"""Overlapping stretches of an array, as a view."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", np.float32, np.float64)


def stretches(values: npt.NDArray[Number], size: int, step: int = 1) -> npt.NDArray[Number]:
    """All stretches of ``size`` values that begin at multiples of ``step``: ``(n, size)``, sharing ``values``.

    ``values``: one-dimensional and contiguous. As numpy's ``sliding_window_view``, which takes 20 µs for its checks,
    several times in each second of each stream.
    """
    assert values.ndim == 1
    assert values.flags.c_contiguous
    count = max(0, (values.shape[0] - size) // step + 1)
    item = values.itemsize
    return np.ndarray((count, size), values.dtype, values, 0, (step * item, item))
