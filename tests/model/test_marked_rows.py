"""Rows with their masks: the same as asking each function by itself, and computed once."""

import numpy as np
import pytest

from server.values import rows as plain
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.rows import Column
from tests.model.hearing import made_rows


def eventful(seed: int) -> Float32Array:
    """10 s with speech, the far end, gaps, digital silence and levels in any order."""
    rng = np.random.default_rng(seed)
    rows = made_rows(1000)
    for column, share in ((Column.SPEECH, 0.6), (Column.FAR_END, 0.1), (Column.GAP, 0.05), (Column.ZERO, 0.1)):
        rows[:, column] = np.repeat(rng.random(50) < share, 20)
    rows[:, Column.LEVEL_DB] = rng.uniform(-90, -10, 1000)
    rows[:, Column.PEAK] = rng.random(1000)
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_every_mask_is_that_of_its_function(seed: int) -> None:
    rows = eventful(seed)
    marked = MarkedRows(rows)
    for mask, by_itself in (
        (marked.speech, plain.is_speech),
        (marked.far_end, plain.is_far_end),
        (marked.gap, plain.is_gap),
        (marked.present, plain.is_present),
        (marked.silent, plain.is_silent),
        (marked.pause, plain.is_pause),
    ):
        assert np.array_equal(mask, by_itself(rows)), by_itself
    assert marked.usual_peak == plain.usual_peak(rows)
    speech = marked.speech & ~marked.gap & (rows[:, Column.ZERO] < plain.DIGITAL_SILENCE)
    assert np.array_equal(marked.sounding_speech, speech)


def test_a_mask_is_computed_once() -> None:
    marked = MarkedRows(eventful(1))
    assert marked.pause is marked.pause
    assert marked.level_power is marked.level_power


def test_the_last_rows_have_the_masks_of_rows_that_stand_alone() -> None:
    rows = eventful(2)
    last, alone = MarkedRows(rows).last(400), MarkedRows(rows[600:])
    assert len(last) == 400
    for name in ("speech", "gap", "sounding_speech", "silent", "level_db", "level_power", "syllable_power", "pause"):
        assert np.array_equal(getattr(last, name), getattr(alone, name)), name
    assert last.usual_peak == alone.usual_peak


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 4.0], [0.3, 0.1, 0.2, 0.7]])
def test_the_median_is_numpys(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert plain.median(array) == float(np.median(array))
    assert plain.median(array[:0]) is None
