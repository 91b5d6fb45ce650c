"""Tables that strangers fill stay small."""

from contextlib import suppress

import pytest

from server.access import buckets as buckets_of_names
from server.access import throttle
from server.access.buckets import Buckets
from server.access.throttle import MESSAGES, MESSAGES_AT_ONCE, MESSAGES_PER_S, Throttle, network_of
from server.errors import TooManyRequestsError


def test_of_too_many_names_the_longest_unheard_of_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets_of_names, "MAX_NAMES", 2)
    buckets = Buckets(burst=1, per_s=0.1)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 0.0)
    assert [buckets.wait_s(name, 0.0) for name in ("a", "b", "c")] == [10, 0, 10]


def tries(door: Throttle, times: int, now: float, address: str = "192.0.2.1") -> int:
    """How often it is told that the address has to wait."""
    told = 0
    for _ in range(times):
        with suppress(TooManyRequestsError):
            told += door.wrong(address, now)
    return told


def test_that_an_address_has_to_wait_is_told_once_until_it_kept_quiet() -> None:
    door = Throttle(600)
    assert tries(door, throttle.WRONG_AT_ONCE - 1, 0.0) == 0
    assert tries(door, 5, 0.0) == 1
    assert sum(tries(door, 1, 3.0 * step) for step in range(1, 1000)) == 0, "one more try each time is no news"
    assert tries(door, throttle.WRONG_AT_ONCE, 2997.0 + 60.0) == 1


def test_of_too_many_addresses_that_wait_the_first_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_NAMES", 2)
    door = Throttle(600)
    for host in range(5):
        assert tries(door, throttle.WRONG_AT_ONCE, 0.0, f"192.0.2.{host}") == 1
    assert len(door._told) == 2


def test_one_link_opens_so_many_sockets_a_minute_and_takes_none_from_another() -> None:
    door = Throttle(600)
    for _ in range(60):
        door.token("publish", "session-1", 0.0)
    with pytest.raises(TooManyRequestsError) as refused:
        door.token("publish", "session-1", 0.0)
    assert refused.value.retry_after_s == pytest.approx(1)
    door.token("observe", "session-1", 0.0)
    door.token("publish", "session-2", 0.0)
    door.token("publish", "session-1", 1.0)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_addresses_of_one_client_are_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_messages_with_a_token_are_counted_apart_from_its_sockets() -> None:
    throttle = Throttle(60)
    for _ in range(MESSAGES_AT_ONCE):
        throttle.token(MESSAGES, "a", 0.0)
    with pytest.raises(TooManyRequestsError) as refused:
        throttle.token(MESSAGES, "a", 0.0)
    assert refused.value.retry_after_s == pytest.approx(1 / MESSAGES_PER_S)
    throttle.token("transcribe", "a", 0.0)
    throttle.token(MESSAGES, "b", 0.0)
    throttle.token(MESSAGES, "a", 0.1)
