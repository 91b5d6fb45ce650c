"""Feature rows with their masks, each computed once however many measures ask for it."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.rows import (
    BoolArray,
    Column,
    is_far_end,
    is_gap,
    is_present,
    is_silent,
    is_speech,
    median,
    pause_rows,
)

Float64Array = npt.NDArray[np.float64]

OF_ONE_ROW = (
    *("speech", "far_end", "gap", "present", "silent", "sounding_speech", "sounding"),
    *("level_db", "syllable_db", "peak", "level_power", "syllable_power"),
)


class MarkedRows:
    """Rows float32 ``(n, N_COLUMNS)`` that nobody changes any more, and what ``values.rows`` says of them, bool
    ``(n,)``."""

    def __init__(self, array: Float32Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return int(self.array.shape[0])

    @cached_property
    def speech(self) -> BoolArray:
        """The patient speaks."""
        return is_speech(self.array)

    @cached_property
    def far_end(self) -> BoolArray:
        """The far end speaks."""
        return is_far_end(self.array)

    @cached_property
    def gap(self) -> BoolArray:
        """Lost by the network."""
        return is_gap(self.array)

    @cached_property
    def present(self) -> BoolArray:
        """Neither lost nor the far end's."""
        return is_present(self.array)

    @cached_property
    def silent(self) -> BoolArray:
        """Digital silence."""
        return is_silent(self.array)

    @cached_property
    def pause(self) -> BoolArray:
        """Only room sound."""
        return pause_rows(self.array, self.speech, self.far_end, self.gap)

    @cached_property
    def sounding_speech(self) -> BoolArray:
        """Speech with signal."""
        return self.speech & ~self.silent & ~self.gap

    @cached_property
    def sounding(self) -> BoolArray:
        """Where the room or the patient can be heard."""
        return self.present & ~self.silent

    @cached_property
    def level_db(self) -> Float32Array:
        """Column LEVEL_DB, contiguous, float32 ``(n,)``."""
        return np.ascontiguousarray(self.array[:, Column.LEVEL_DB])

    @cached_property
    def syllable_db(self) -> Float32Array:
        """Column SYLLABLE_DB, contiguous, float32 ``(n,)``."""
        return np.ascontiguousarray(self.array[:, Column.SYLLABLE_DB])

    @cached_property
    def peak(self) -> Float32Array:
        """Column PEAK, contiguous, float32 ``(n,)``."""
        return np.ascontiguousarray(self.array[:, Column.PEAK])

    @cached_property
    def level_power(self) -> Float64Array:
        """LEVEL_DB as power, float64 ``(n,)``."""
        return power(self.level_db)

    @cached_property
    def syllable_power(self) -> Float64Array:
        """SYLLABLE_DB as power, float64 ``(n,)``."""
        return power(self.syllable_db)

    @cached_property
    def usual_peak(self) -> float | None:
        """Median PEAK of the speech rows with signal, linear 0..1; ``None`` without any."""
        return median(self.peak[self.sounding_speech])

    def last(self, n: int) -> "MarkedRows":
        """The last ``n`` rows, with what a row's own values say of them; a pause depends on its neighbours."""
        start = max(0, len(self) - n)
        last = MarkedRows(self.array[start:])
        vars(last).update({name: getattr(self, name)[start:] for name in OF_ONE_ROW})
        return last


def power(levels: Float32Array) -> Float64Array:
    """Powers of levels in dB, float64, the same shape."""
    return np.asarray(np.power(10.0, levels.astype(np.float64) / 10.0))
