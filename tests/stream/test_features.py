"""Feature rows: what their columns mean, and that they cannot depend on where hops were cut or restored."""

import json

import numpy as np
import pytest

from server.stream.features import HopFeatures
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import N_COLUMNS, Column

RNG = np.random.default_rng(3)


def rows_of(pcm: Float32Array, *hops: int, features: HopFeatures | None = None) -> Float32Array:
    """Rows of ``pcm``, advanced in hops of so many rows (all at once by default)."""
    features = features or HopFeatures()
    out, at = [], 0
    for rows in hops or (pcm.shape[0] // 160,):
        piece = pcm[at * 160 : (at + rows) * 160]
        out.append(features.advance(piece, np.zeros(rows, np.float32), np.zeros((rows, 5), np.float32)))
        at += rows
    return np.concatenate(out)


def tone(hz: float, seconds: float = 1.0, amplitude: float = 1.0) -> Float32Array:
    t = np.arange(int(seconds * CORE_RATE)) / CORE_RATE
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def test_a_full_scale_tone_reads_minus_three_dbfs() -> None:
    rows = rows_of(tone(1000))
    assert rows.shape == (100, N_COLUMNS)
    assert rows[20:, Column.LEVEL_DB] == pytest.approx(-3.01, abs=0.05)
    assert rows[20:, Column.SYLLABLE_DB] == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize(("hz", "column"), [(500, Column.LOW_DB), (1500, Column.SYLLABLE_DB), (6000, Column.HIGH_DB)])
def test_each_band_hears_its_own_frequencies_and_not_the_others(hz: int, column: Column) -> None:
    rows = rows_of(tone(hz))[20:]
    assert rows[:, column].min() > -3.5
    others = {Column.LOW_DB, Column.HIGH_DB} - {column}
    if hz > 1000:
        others.discard(Column.SYLLABLE_DB)
        assert all(rows[:, other].max() < -60 for other in others if other != column)


@pytest.mark.parametrize(
    ("hz", "column", "inside"),
    [(1000, Column.LOW_DB, False), (2500, Column.SYLLABLE_DB, False), (4000, Column.HIGH_DB, True)],
)
def test_a_band_includes_its_lower_edge_but_not_its_upper(hz: int, column: Column, inside: bool) -> None:
    """A tone on the edge spreads evenly to both sides: with the edge itself, more than half of it is in the band."""
    assert (rows_of(tone(hz))[20:, column] > -6.02).all() == inside


def test_the_first_row_of_a_stream_has_nothing_to_change_from() -> None:
    rows = rows_of((RNG.standard_normal(CORE_RATE) * 0.1).astype(np.float32))
    assert rows[0, Column.FLUX] == 0
    assert rows[1, Column.FLUX] > 0


@pytest.mark.parametrize(("part", "count"), [("filter", 3), ("history", 239), ("bands", 16)])
def test_a_memory_of_another_size_is_refused(part: str, count: int) -> None:
    features = HopFeatures()
    rows_of(tone(300), features=features)
    with pytest.raises(ValueError, match="reshape"):
        HopFeatures().restore({**features.snapshot(), part: [0.0] * count})


def test_an_offset_moves_no_level_not_even_in_the_first_row() -> None:
    hiss = (RNG.standard_normal(CORE_RATE) * 1e-3).astype(np.float32)
    assert np.abs(rows_of(hiss + 0.26)[:, Column.LEVEL_DB] - rows_of(hiss)[:, Column.LEVEL_DB]).max() < 1.5


@pytest.mark.parametrize(("hz", "least_db", "most_db"), [(8, -120, -40), (50, -16, -9), (60, -13, -6), (100, -8, -2)])
def test_the_less_a_low_tone_is_heard_the_less_it_counts_in_the_level(hz: int, least_db: int, most_db: int) -> None:
    level = rows_of(tone(hz, 2.0))[100:, Column.LEVEL_DB]
    assert level.min() > least_db
    assert level.max() < most_db


def test_silence_reads_the_floor_and_no_change() -> None:
    rows = rows_of(np.zeros(CORE_RATE, np.float32))
    assert (rows[:, Column.LEVEL_DB] == -120).all()
    assert (rows[:, Column.FLUX] == 0).all()


def test_the_flicker_of_the_last_bit_is_not_spectral_change() -> None:
    """One step of 16 bits, now and then: no band reaches -90 dB, and what the ear cannot hear does not change."""
    pcm = (RNG.integers(-1, 2, CORE_RATE) / 32768).astype(np.float32)
    assert (rows_of(pcm)[:, Column.FLUX] == 0).all()
    assert rows_of(100 * pcm)[3:, Column.FLUX].min() > 1


def test_rows_do_not_depend_on_where_hops_are_cut() -> None:
    pcm = (RNG.standard_normal(3 * CORE_RATE) * 0.1).astype(np.float32)
    whole = rows_of(pcm)
    for hops in ((100, 100, 100), (1, 99, 7, 193)):
        np.testing.assert_allclose(rows_of(pcm, *hops), whole, atol=1e-4)


def test_restored_features_go_on_as_if_never_stopped() -> None:
    pcm = (RNG.standard_normal(2 * CORE_RATE) * 0.1).astype(np.float32)
    unbroken = HopFeatures()
    rows_of(pcm[:CORE_RATE], features=unbroken)
    resumed = HopFeatures()
    resumed.restore(json.loads(json.dumps(unbroken.snapshot())))
    np.testing.assert_array_equal(
        rows_of(pcm[CORE_RATE:], features=resumed), rows_of(pcm[CORE_RATE:], features=unbroken)
    )


def test_samples_beyond_the_last_whole_row_are_left_out() -> None:
    assert rows_of(tone(1000)[:1700]).shape == (10, N_COLUMNS)
