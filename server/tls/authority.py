"""An authority of one's own, and certificates by it: for names that no public authority vouches for, as in a LAN.

No file, no clock. Profile: RFC 5280; limits of iOS and macOS (Apple, HT210176 and HT211025).
"""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=3650)
"""Ten years: each phone has to be told to trust it by hand."""

CERTIFICATE_LASTS = timedelta(days=397)
"""Under the 398 days that Apple allows, with the hour of ``EARLIER``."""

EARLIER = timedelta(hours=1)
"""Certificates begin so long ago: clocks of phones and of this machine differ."""

MAX_COMMON_NAME = 64
"""RFC 5280, A.1, ub-common-name."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key in PEM. The key is not encrypted."""

    certificate: bytes
    key: bytes

    def parsed(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_pem_x509_certificate(self.certificate)


def make_authority(host: str, now: datetime) -> Issued:
    """An authority that may sign certificates of servers and no further authorities. ``host``: where it is made."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two authorities of one name would be taken for each other by devices that trust both.
    name = _name(f"Tingqing {secrets.token_hex(4)} {host}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _begun(name, name, key.public_key(), now, now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _issued(builder, key, key)


def issue(authority: Issued, names: Sequence[str], now: datetime) -> Issued:
    """A certificate of a server for ``names``: host names in ASCII and addresses, at least one.

    It ends with its authority at the latest.
    """
    by = authority.parsed()
    by_key = load_pem_private_key(authority.key, password=None)
    assert isinstance(by_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + CERTIFICATE_LASTS, by.not_valid_after_utc)
    builder = (
        _begun(_name(names[0]), by.subject, key.public_key(), now, ends)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                by.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
    )
    return _issued(builder, key, by_key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - EARLIER,
        not_valid_after=ends,
    )


def _issued(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey
) -> Issued:
    certificate = builder.sign(by, hashes.SHA256())
    return Issued(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:MAX_COMMON_NAME])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
