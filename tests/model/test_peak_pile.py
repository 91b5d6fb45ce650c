"""Clipping that was turned down afterwards shows as a ceiling of the level, and a few vowels at one level do not."""

import numpy as np
import pytest

from server.model.acoustic.loudness import peak_pile
from server.model.acoustic.names import Internal
from server.model.acoustic.scorer import readings
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.rows import Column
from server.values.windows import Window
from tests.model.hearing import RATE, made_rows

CEILING = 0.045
"""`peak_pile` at which `no_clipping` fails (labels/telemedicine.toml)."""


def talking(seed: int, n: int) -> Float32Array:
    """Rows of speech: vowels of 80–200 ms, each at a level of its own, the louder the rarer."""
    rng = np.random.default_rng(seed)
    rows = made_rows(n, level=-30, speech=0.99)
    at = 0
    while at < n:
        length = int(rng.integers(8, 21))
        rows[at : at + length, Column.PEAK] = 10 ** ((rng.normal(-26, 5) + rng.normal(0, 0.7, length)[: n - at]) / 20)
        at += length
    rows[:, Column.PEAK] = np.minimum(rows[:, Column.PEAK], 0.9)
    return rows


def one_level(rows: Float32Array, start: int) -> None:
    """From row ``start`` on two thirds of the vowels are as loud as each other."""
    rows[start:, Column.PEAK] = np.where(np.arange(rows.shape[0] - start) % 45 < 30, 0.2, 0.03)


def window_of(rows: Float32Array) -> Window:
    return Window(0, 10 * RATE, RATE, False, rows, np.zeros(10 * RATE, np.float32))


def test_the_last_four_seconds_alone_prove_no_ceiling() -> None:
    rows = talking(1, 1000)
    rows[:600, Column.PEAK] *= 2.0
    one_level(rows, 600)
    whole, recent = readings(window_of(rows), None)
    assert recent.values[Internal.PEAK_PILE] == whole.values[Internal.PEAK_PILE] < CEILING


def test_a_ceiling_of_the_whole_window_counts_in_recent_too() -> None:
    rows = talking(1, 1000)
    rows[:, Column.PEAK] = np.minimum(4 * rows[:, Column.PEAK], 0.2)
    assert readings(window_of(rows), None)[1].values[Internal.PEAK_PILE] > CEILING


@pytest.mark.parametrize("rows", [250, 399])
def test_under_four_seconds_of_speech_no_ceiling_is_known(rows: int) -> None:
    assert peak_pile(MarkedRows(talking(1, rows))) is None
    assert peak_pile(MarkedRows(talking(1, 400))) is not None
