"""Totals of a recording: the same however hops fall, and the same after a restore."""

import json
from dataclasses import astuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.stream.totals import Totals, level_histogram
from server.values.audio import Float32Array
from server.values.rows import Column
from tests.model.hearing import made_rows


def talk(*spans: tuple[int, int], n: int = 1000) -> Float32Array:
    rows = made_rows(n)
    for start, end in spans:
        rows[start:end, Column.SPEECH] = 0.9
        rows[start:end, Column.LEVEL_DB] = -25
        rows[start:end, Column.PEAK] = 0.2
    return rows


def totals_of(rows: Float32Array, hop: int = 100) -> Totals:
    totals = Totals()
    for at in range(0, rows.shape[0], hop):
        totals.add(rows[at : at + hop])
    return totals


def test_only_silences_of_a_quarter_second_between_speech_are_pauses() -> None:
    rows = talk((100, 200), (220, 300), (330, 400), (500, 900))
    total = totals_of(rows).freeze()
    assert (total.pause_count, total.longest_pause_rows, total.pause_rows) == (2, 100, 130)
    assert (total.rows, total.speech_rows) == (1000, 100 + 80 + 70 + 400)


def test_a_silence_of_exactly_a_quarter_second_is_a_pause() -> None:
    total = totals_of(talk((100, 200), (225, 300), (324, 400))).freeze()
    assert (total.pause_count, total.longest_pause_rows, total.pause_rows) == (1, 25, 25)


def test_levels_are_of_heard_speech_and_of_pauses_apart() -> None:
    """-25 dBFS in bin 190, the room's -60 in bin 120. Lost rows and digital silence are of neither, nor are the seven
    rows before speech and the three after it, or the 120 after a loss, in which a word may not be detected yet."""
    rows = talk((100, 200))
    rows[110:120, Column.GAP] = 1
    rows[130:135, Column.ZERO] = 1
    totals = Totals()
    for _ in range(2):
        totals.add(rows)
    total = totals.freeze()
    for levels, level, count in ((total.speech_levels, 190, 85), (total.pause_levels, 120, 853)):
        assert levels.dtype == np.int64
        assert levels[level] == levels.sum() == 2 * count


def test_clipping_is_summed_over_what_was_not_lost() -> None:
    rows = talk((100, 200))
    rows[:300, Column.CLIPPED] = 0.5
    rows[250:300, Column.GAP] = 1
    assert totals_of(rows).freeze().clipped == 125.0


def test_a_silence_with_a_network_gap_is_not_a_pause() -> None:
    rows = talk((100, 200), (300, 400))
    rows[240:260, Column.GAP] = 1
    total = totals_of(rows).freeze()
    assert (total.pause_count, total.gap_rows) == (0, 20)


def test_zeros_that_cut_into_speech_are_dropouts_across_a_hop_too() -> None:
    rows = talk((50, 450))
    for start, end in ((120, 125), (197, 204), (300, 301)):
        rows[start:end, Column.ZERO] = 1
        rows[start:end, Column.PEAK] = 0
    assert totals_of(rows).freeze().dropout_rows == 13


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8))
@settings(max_examples=50)
def test_counts_do_not_depend_on_the_length_of_hops(hops: list[int]) -> None:
    rows = talk((30, 180), (190, 260), (300, 500), (610, 990))
    rows[95:108, Column.ZERO] = 1
    rows[95:108, Column.PEAK] = 0
    rows[400:, Column.CLIPPED] = 0.01
    totals, at = Totals(), 0
    for hop in [*hops, 1000]:
        totals.add(rows[at : at + hop])
        at += hop
    one, other = totals.freeze(), totals_of(rows, 1000).freeze()
    names = ("rows", "speech_rows", "gap_rows", "pause_count", "longest_pause_rows", "pause_rows")
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
    assert np.isclose(one.clipped, other.clipped)


def test_a_restored_total_goes_on_as_if_never_stopped() -> None:
    rows = talk((50, 180), (230, 460), (480, 700))
    rows[295:306, Column.ZERO] = 1
    rows[295:306, Column.PEAK] = 0
    resumed = Totals()
    resumed.restore(json.loads(json.dumps(totals_of(rows[:300]).snapshot())))
    for at in range(300, 1000, 100):
        resumed.add(rows[at : at + 100])
    for one, other in zip(astuple(resumed.freeze()), astuple(totals_of(rows).freeze()), strict=True):
        assert np.array_equal(one, other)


def test_a_restored_total_still_knows_how_loud_speech_is() -> None:
    """After the restore a packet is lost in loud noise without speech: measured by the earlier speech."""
    rows = talk((50, 200), n=300)
    rows[200:, Column.PEAK] = 0.2
    rows[240:245, Column.ZERO] = 1
    rows[240:245, Column.PEAK] = 0
    resumed = Totals()
    resumed.restore(json.loads(json.dumps(totals_of(rows[:200]).snapshot())))
    resumed.add(rows[200:])
    assert resumed.freeze().dropout_rows == 5


def test_frozen_totals_do_not_change_any_more() -> None:
    totals = totals_of(talk((0, 500)))
    frozen = totals.freeze()
    before = frozen.speech_levels.copy()
    totals.add(talk((0, 100), n=100))
    assert np.array_equal(frozen.speech_levels, before)


def test_histogram_bins_are_half_decibels_from_minus_120() -> None:
    histogram = level_histogram(np.array([-120, -119.6, -119.5, 0, 30], np.float32))
    assert (histogram[0], histogram[1], histogram[240], histogram[255]) == (2, 1, 1, 1)
