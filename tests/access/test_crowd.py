"""Who is counted, and what becomes of a connection too many."""

import pytest

from server.access.crowd import ANSWERED, Crowd, Standing

PATIENT = "203.0.113.7"


def test_beyond_what_is_answered_connections_are_dropped() -> None:
    crowd = Crowd(2)
    standings = [crowd.connect((PATIENT, port)) for port in range(2 + ANSWERED + 1)]
    assert standings == [*[Standing.WELCOME] * 2, *[Standing.REFUSED] * ANSWERED, Standing.DROPPED]
    crowd.disconnect((PATIENT, 2 + ANSWERED))  # was never counted
    assert crowd.connect((PATIENT, 99)) is Standing.DROPPED
    for port in range(2 + ANSWERED):
        crowd.disconnect((PATIENT, port))
    assert not crowd.busy
    assert crowd.connect((PATIENT, 99)) is Standing.WELCOME


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.9", "::ffff:10.0.0.9", "fd00::5", ""]
)
def test_this_machine_and_its_proxies_are_not_counted(address: str) -> None:
    assert Crowd(1, ["10.0.0.0/24", "fd00::5"]).counted(address) == ""


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.1.9", "10.0.1.9"),
        ("::ffff:203.0.113.7", PATIENT),
        ("2001:db8::7", "2001:db8::/64"),
        ("fd00::6", "fd00::/64"),
    ],
)
def test_everybody_else_is_counted(address: str, name: str) -> None:
    assert Crowd(1, ["10.0.0.0/24", "fd00::5"]).counted(address) == name
