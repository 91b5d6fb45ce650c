"""Tables that strangers fill stay small."""

import pytest

from server.access import throttle
from server.access.throttle import Buckets, Throttle, network_of
from server.errors import TooManyRequestsError


def test_of_too_many_names_the_longest_unheard_of_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_NAMES", 2)
    buckets = Buckets(burst=1, per_s=0.1)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 0.0)
    assert [buckets.wait_s(name, 0.0) for name in ("a", "b", "c")] == [10, 0, 10]


def test_of_too_many_good_keys_the_longest_unused_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_GOOD", 2)
    door = Throttle(600)
    for digest in ("a", "b", "a", "c"):
        door.right(digest, digest, 0.0)
    for _ in range(throttle.WRONG_AT_ONCE):
        door.wrong("x", "192.0.2.1", 0.0)
    door.before("a", "192.0.2.1", 0.0)
    door.before("c", "192.0.2.1", 0.0)
    with pytest.raises(TooManyRequestsError):
        door.before("b", "192.0.2.1", 0.0)


def test_the_moment_an_address_has_to_wait_is_told_once() -> None:
    door = Throttle(600)
    told = [door.wrong("x", "192.0.2.1", 0.0) for _ in range(throttle.WRONG_AT_ONCE + 5)]
    assert told.count(True) == 1
    assert told[throttle.WRONG_AT_ONCE - 1]


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
