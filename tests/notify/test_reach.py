"""Where a webhook may go."""

import ipaddress

import pytest

from server.notify.reach import Reach

INNER = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255",
    "224.0.0.1", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
    "64:ff9b::a00:1", "64:ff9b::7f00:1", "2001:db8::1", "192.0.2.1", "64:ff9b:1::a00:1", "::127.0.0.1",
    "::ffff:0:7f00:1", "fec0::1", "3fff::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused_in_every_form(address: str) -> None:
    assert not Reach().permits(ipaddress.ip_address(address), encrypted=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_reached_over_tls_alone(address: str) -> None:
    assert Reach().permits(ipaddress.ip_address(address), encrypted=True)
    assert not Reach().permits(ipaddress.ip_address(address), encrypted=False)


def test_what_the_operator_allows_is_reached_also_without_tls_and_nothing_beside_it() -> None:
    reach = Reach.of(["10.0.0.0/24", "fd00::/64", "127.0.0.1"])
    for address in ("10.0.0.7", "fd00::7", "127.0.0.1", "::ffff:10.0.0.7"):
        assert reach.permits(ipaddress.ip_address(address), encrypted=False), address
    for address in ("10.0.1.7", "fd00:0:0:1::7", "127.0.0.2"):
        assert not reach.permits(ipaddress.ip_address(address), encrypted=True), address
