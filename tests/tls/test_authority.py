"""An authority of one's own: what phones accept, and not more than that."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.tls.authority import issue
from server.tls.pair import read_pair
from tests.tls.making import NOW, authority, made, shake, trusting

NAMES = ("tingqing.lan", "192.168.1.20", "localhost", "::1")


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_client_that_trusts_the_authority_accepts_every_name_and_address(tmp_path: Path, name: str) -> None:
    by = authority()
    certificate, key = made(tmp_path, *NAMES, by=by)
    client, _ = shake(read_pair(certificate, key, NOW).context, trusting(by), name)
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", ["other.lan", "192.168.1.21", "a.tingqing.lan"])
def test_it_accepts_no_other(tmp_path: Path, name: str) -> None:
    by = authority()
    certificate, key = made(tmp_path, *NAMES, by=by)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake(read_pair(certificate, key, NOW).context, trusting(by), name)


def test_whoever_trusts_another_authority_does_not_accept_it(tmp_path: Path) -> None:
    certificate, key = made(tmp_path, *NAMES)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(read_pair(certificate, key, NOW).context, trusting(authority()), NAMES[0])


def test_a_certificate_is_what_apple_asks_for() -> None:
    leaf = issue(authority(), NAMES, NOW).parsed()
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=398)
    assert leaf.not_valid_before_utc < NOW, "clocks differ"
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, False)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["tingqing.lan", "localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.20", "::1"]


def test_an_authority_lasts_ten_years_and_makes_no_further_authorities() -> None:
    by = authority().parsed()
    assert by.not_valid_after_utc - NOW >= timedelta(days=3649)
    basic = by.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = by.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_two_authorities_have_different_names() -> None:
    assert authority().parsed().subject != authority().parsed().subject


def test_no_certificate_outlasts_its_authority() -> None:
    by = authority(NOW - timedelta(days=3600))
    assert issue(by, NAMES, NOW).parsed().not_valid_after_utc == by.parsed().not_valid_after_utc


def test_a_long_host_name_still_makes_an_authority_that_clients_can_read() -> None:
    from server.tls.authority import make_authority

    assert make_authority("h" * 200, NOW).parsed().subject
    assert issue(authority(), ["a" * 60 + ".lan." + "b" * 60], NOW).parsed().subject
