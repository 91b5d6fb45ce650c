"""A certificate that cannot be served with is refused with one sentence that says what to do."""

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.errors import SettingsError
from server.tls.authority import issue
from server.tls.pair import read_pair
from tests.tls.making import NOW, authority, made, shake, trusting

Pair = tuple[Path, Path]


def encrypted(certificate: Path, key: Path) -> Pair:
    plain = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    return certificate, key


def of_another(certificate: Path, key: Path) -> Pair:
    key.write_bytes(issue(authority(), ["clinic.lan"], NOW).key)
    return certificate, key


def exchanged(certificate: Path, key: Path) -> Pair:
    return key, certificate


def in_der(certificate: Path, key: Path) -> Pair:
    certificate.write_bytes(ssl.PEM_cert_to_DER_cert(certificate.read_text()))
    return certificate, key


def damaged(certificate: Path, key: Path) -> Pair:
    certificate.write_text(certificate.read_text().replace("\nM", "\n?"))
    return certificate, key


def key_damaged(certificate: Path, key: Path) -> Pair:
    key.write_text(key.read_text()[:80])
    return certificate, key


def missing(certificate: Path, key: Path) -> Pair:
    key.unlink()
    return certificate, key


def a_folder(certificate: Path, key: Path) -> Pair:
    return certificate.parent, key


def upside_down(certificate: Path, key: Path) -> Pair:
    certificate.write_bytes(authority().certificate + certificate.read_bytes())
    return certificate, key


def empty(certificate: Path, key: Path) -> Pair:
    key.write_bytes(b"")
    return certificate, key


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (encrypted, r"--tls-key .*encrypted.*openssl pkey"),
        (of_another, r"--tls-key .*not the key of the certificate"),
        (exchanged, r"--tls-cert .*exchanged"),
        (in_der, r"--tls-cert .*not in PEM.*openssl x509 -inform der"),
        (damaged, r"--tls-cert .*damaged"),
        (key_damaged, r"--tls-key .*damaged"),
        (missing, r"--tls-key .*no such file"),
        (a_folder, r"--tls-cert .*directory"),
        (upside_down, r"--tls-cert .*must come first"),
        (empty, r"--tls-key .*no private key"),
    ],
)
def test_a_fault_is_named_with_its_remedy(tmp_path: Path, spoil: Callable[[Path, Path], Pair], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as told:
        read_pair(*spoil(*made(tmp_path)), NOW)
    assert "\n" not in told.value.message


@pytest.mark.parametrize(
    ("after", "says"), [(timedelta(days=398), "expired on"), (timedelta(hours=-2), "valid only from .* clock")]
)
def test_a_certificate_out_of_its_time_is_refused(tmp_path: Path, after: timedelta, says: str) -> None:
    certificate, key = made(tmp_path)
    with pytest.raises(SettingsError, match=says):
        read_pair(certificate, key, NOW + after)


def test_the_key_may_stand_in_the_same_file(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(b"a remark\n" + certificate.read_bytes() + key.read_bytes())
    assert read_pair(both, None, NOW).names == ("clinic.lan",)
    with pytest.raises(SettingsError, match="holds no key: name its file with --tls-key"):
        read_pair(certificate, None, NOW)


def test_an_old_protocol_is_refused(tmp_path: Path) -> None:
    by = authority()
    certificate, key = made(tmp_path, by=by)
    server, client = read_pair(certificate, key, NOW).context, trusting(by)
    client.minimum_version, client.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    assert shake(server, client, "clinic.lan")[0].version() == "TLSv1.2"
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("clinic.lan", True),
        ("CLINIC.lan.", True),
        ("a.ward.lan", True),
        ("ward.lan", False),
        ("a.b.ward.lan", False),
        ("192.168.1.20", True),
        ("192.168.1.21", False),
        ("lan", False),
    ],
)
def test_the_names_that_it_covers_are_those_that_browsers_accept(tmp_path: Path, host: str, covered: bool) -> None:
    certificate, key = made(tmp_path, "clinic.lan", "*.ward.lan", "192.168.1.20")
    assert read_pair(certificate, key, NOW).covers(host) is covered


def test_what_will_soon_not_work_or_not_for_everybody_is_told(tmp_path: Path) -> None:
    pair = read_pair(*made(tmp_path), NOW)
    assert pair.warnings(NOW, "clinic.lan") == []
    (other,) = pair.warnings(NOW, "clinic.example")
    assert "clinic.example (--public-url)" in other
    assert pair.warnings(NOW + timedelta(days=366), None) == []
    (soon,) = pair.warnings(NOW + timedelta(days=368), None)
    assert f"expires on {pair.expires:%Y-%m-%d}" in soon


def test_what_browsers_refuse_is_told(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clinic.lan")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "c").write_bytes(certificate.public_bytes(Encoding.PEM))
    # As older OpenSSL writes keys, and curves with parameters before them.
    (tmp_path / "k").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    told = " ".join(read_pair(tmp_path / "c", tmp_path / "k", NOW).warnings(NOW, None))
    for part in ("subjectAltName", "825 days", "serverAuth"):
        assert part in told


def test_parameters_before_a_key_do_not_hide_it(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    plain = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(plain, ec.EllipticCurvePrivateKey)
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    key.write_bytes(parameters + plain.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    assert read_pair(certificate, key, NOW).names == ("clinic.lan",)


SM2 = b"""-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUdj0XROnST17CZMj3v5SlmWZF818wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLc20yLmV4YW1wbGUwIBcNMjYxMTI5MTIxMDUwWhgPMjEyNjEx
MDUxMjEwNTBaMBYxFDASBgNVBAMMC3NtMi5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoEcz1UBgi0DQgAEBjAIuicuyVMEgxDYaWH1U8YWpX3dMpqDAc2aLXOQHHZRICGY
js3gBL7hlq68TN8Ky+wEb6XXROgs1eJ7ATY5paNTMFEwHQYDVR0OBBYEFLKTkUzJ
LEDilzILtZNBJ5yQgJtmMB8GA1UdIwQYMBaAFLKTkUzJLEDilzILtZNBJ5yQgJtm
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgQqonj836wFwekEGP
0edqlPWtcSS7nzJLrxFzoXRy2iQCIQDy3IIMjSvTdjybgScWQxjxaoHSkweSiyxM
21JtX78zjw==
-----END CERTIFICATE-----
"""
"""A certificate with a key on SM2's curve, as Chinese authorities issue them; ``cryptography`` has no such keys."""


def test_a_kind_of_key_that_is_not_known_is_told(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    certificate.write_bytes(SM2)
    with pytest.raises(SettingsError, match=r"--tls-cert .*kind of key that is not known"):
        read_pair(certificate, key, NOW)
