"""The carried noise floor: falls at once, rises slowly, stays the same without pauses."""

import json

import pytest

from server.stream.noise_floor import NoiseFloor
from server.values.rows import Column
from tests.model.hearing import made_rows


def test_no_floor_before_a_pause_was_heard() -> None:
    assert NoiseFloor().advance(made_rows(100, speech=1.0)) is None


def test_the_floor_falls_at_once_and_rises_one_decibel_a_second() -> None:
    floor = NoiseFloor()
    assert floor.advance(made_rows(100, level=-40)) == pytest.approx(-40)
    assert floor.advance(made_rows(100, level=-70)) == pytest.approx(-70)
    assert floor.advance(made_rows(100, level=-40)) == pytest.approx(-69)
    assert floor.advance(made_rows(100, level=-40)) == pytest.approx(-68)


def test_speech_gaps_and_digital_silence_leave_the_floor_as_it_was() -> None:
    floor = NoiseFloor()
    floor.advance(made_rows(100, level=-50))
    gap, zeros = made_rows(100, level=-120), made_rows(100, level=-120)
    gap[:, Column.GAP] = 1
    zeros[:, Column.ZERO] = 1
    for rows in (made_rows(100, level=-20, speech=1.0), gap, zeros):
        assert floor.advance(rows) == pytest.approx(-50)


@pytest.mark.parametrize(("quiet", "floor"), [(20, -50.0), (19, None)])
def test_less_than_a_tenth_of_a_second_of_pause_says_nothing(quiet: int, floor: float | None) -> None:
    """10 of the 20 quiet rows are pause: 7 before the next word and 3 after the last are left out."""
    rows = made_rows(100, level=-50, speech=1.0)
    rows[40 : 40 + quiet, Column.SPEECH] = 0.0
    assert NoiseFloor().advance(rows) == floor


def test_a_restored_floor_goes_on() -> None:
    floor, resumed = NoiseFloor(), NoiseFloor()
    floor.advance(made_rows(100, level=-50))
    resumed.restore(json.loads(json.dumps(floor.snapshot())))
    assert resumed.advance(made_rows(100, level=-30)) == floor.advance(made_rows(100, level=-30))
