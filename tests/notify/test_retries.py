"""When a delivery is tried again, and when an endpoint is left in peace."""

from hypothesis import given
from hypothesis import strategies as st

from server.notify.retries import AT_ONCE, DAY_S, LONGEST_S, OPEN_AFTER, REST_S, Circuit, next_try_s


def test_pauses_grow_and_end_after_a_day() -> None:
    age_s = 0.0
    pauses: list[float] = []
    while (pause_s := next_try_s(len(pauses) + 1, age_s, 0.5)) is not None:
        pauses.append(pause_s)
        age_s += pause_s
    assert pauses[:3] == [5, 15, 45]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_S
    assert DAY_S - LONGEST_S < age_s <= DAY_S
    assert len(pauses) < 25


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_chance_moves_a_pause_by_a_quarter_at_most(attempts: int, chance: float) -> None:
    middle, moved = next_try_s(attempts, 0, 0.5), next_try_s(attempts, 0, chance)
    assert middle is not None
    assert moved is not None
    assert 0.75 * middle - 1e-6 <= moved <= 1.25 * middle + 1e-6


def test_who_asks_for_time_gets_it_up_to_two_hours() -> None:
    assert next_try_s(1, 0, 0.5, 60.0) == 60
    assert next_try_s(1, 0, 0.5, 1e6) == LONGEST_S
    assert next_try_s(20, 0, 0.5, 1.0) == LONGEST_S


def test_an_endpoint_that_fails_is_left_in_peace_then_tried_once() -> None:
    circuit = Circuit()
    for _ in range(OPEN_AFTER - 1):
        circuit.failed(0.0, 0.5)
    assert circuit.room(0.0) == AT_ONCE
    circuit.failed(0.0, 0.5)
    assert circuit.is_open
    assert circuit.room(REST_S - 0.1) == 0
    assert circuit.room(REST_S) == 1
    circuit.failed(REST_S, 0.5)
    assert circuit.room(2 * REST_S) == 0, "it rests longer each time"
    circuit.succeeded()
    assert circuit.room(REST_S) == AT_ONCE
    assert not circuit.is_open
