"""A certificate and its key, read and checked before anybody is served with them."""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.errors import SettingsError

SOON = timedelta(days=30)
"""Before its end by this much a certificate is told to expire, and renewed."""

LONGEST = timedelta(days=825)
"""iOS and macOS refuse certificates of any authority that last longer (Apple, HT210176)."""

CERT, KEY = "--tls-cert", "--tls-key"


@dataclass(frozen=True, slots=True)
class Pair:
    """``chain``: the server's certificate, then those between it and its authority. ``context`` serves with them."""

    chain: tuple[x509.Certificate, ...]
    context: ssl.SSLContext

    @property
    def leaf(self) -> x509.Certificate:
        """The server's own certificate."""
        return self.chain[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names and addresses that it is for, in its order; wildcards as they are."""
        return names_of(self.leaf)

    @property
    def expires(self) -> datetime:
        """When it ends, in UTC."""
        return self.leaf.not_valid_after_utc

    def covers(self, host: str) -> bool:
        """Whether a browser that calls ``host``, a name or an address without brackets, accepts it (RFC 6125)."""
        host = host.lower().rstrip(".")
        # An asterisk stands for one label, never for an address.
        above = "" if _is_address(host) else host.partition(".")[2]
        return host in self.names or (bool(above) and f"*.{above}" in self.names)

    def warnings(self, now: datetime, public_host: str | None) -> list[str]:
        """What still works and will not for long, or not for everybody. ``public_host``: of ``--public-url``."""
        found = []
        if self.expires - now < SOON:
            found.append(f"the certificate expires on {self.expires:%Y-%m-%d}: renew it now.")
        if not self.names:
            found.append("the certificate has no names (subjectAltName): browsers refuse it.")
        elif public_host is not None and not self.covers(public_host):
            found.append(f"the certificate is for {', '.join(self.names)} and not for {public_host} (--public-url).")
        if self.expires - self.leaf.not_valid_before_utc > LONGEST:
            found.append(f"the certificate lasts over {LONGEST.days} days: iPhones, iPads and Macs refuse it.")
        if not _for_servers(self.leaf):
            found.append("the certificate is not for servers (extendedKeyUsage lacks serverAuth): browsers refuse it.")
        return found


def read_pair(certificate: Path, key: Path | None, now: datetime) -> Pair:
    """Read both files; ``key`` is ``None`` where the first holds the key too.

    Raises SettingsError, which says what to do: a file that cannot be read or is of another kind, a key that is
    encrypted or belongs to another certificate, a certificate that is not valid at ``now``.
    """
    chain = _chain(certificate)
    _check_key(chain, certificate, key)
    leaf = chain[0]
    if leaf.not_valid_after_utc <= now:
        raise SettingsError(
            f"{CERT} {certificate}: expired on {leaf.not_valid_after_utc:%Y-%m-%d}. Renew it; 'tingqing cert' does so "
            "for those that it made.",
            param=CERT,
        )
    if leaf.not_valid_before_utc > now:
        raise SettingsError(
            f"{CERT} {certificate}: valid only from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on. Is this "
            "machine's clock right?",
            param=CERT,
        )
    return Pair(chain, _context(certificate, key))


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names, in lower case, and addresses of its subjectAltName."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    return (*names, *map(str, found.get_values_for_type(x509.IPAddress)))


def read_file(path: Path, flag: str) -> bytes:
    """Raises SettingsError if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"{flag} {path}: no such file.", param=flag) from None
    except PermissionError:
        raise SettingsError(
            f"{flag} {path}: this user may not read it. Give the file to the server's user or group.", param=flag
        ) from None
    except OSError as error:
        raise SettingsError(f"{flag} {path}: {error.strerror or error}.", param=flag) from None


def _chain(path: Path) -> tuple[x509.Certificate, ...]:
    data = read_file(path, CERT)
    if b"-----BEGIN" not in data:
        raise SettingsError(
            f"{CERT} {path}: not in PEM. Convert it: 'openssl x509 -inform der -in {path} -out cert.pem', or for .p12 "
            f"and .pfx 'openssl pkcs12 -in {path} -nodes -out both.pem'.",
            param=CERT,
        )
    if b"-----BEGIN CERTIFICATE-----" not in data:
        hint = f" Are {CERT} and {KEY} exchanged?" if b"PRIVATE KEY-----" in data else ""
        raise SettingsError(f"{CERT} {path}: holds no certificate.{hint}", param=CERT)
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except ValueError as error:
        raise SettingsError(f"{CERT} {path}: damaged ({error}). Fetch or copy it again.", param=CERT) from None


def _check_key(chain: Sequence[x509.Certificate], certificate: Path, key: Path | None) -> None:
    flag, path = (CERT, certificate) if key is None else (KEY, key)
    data = read_file(path, flag)
    if b"PRIVATE KEY-----" not in data:
        what = f"holds no key: name its file with {KEY}" if key is None else "holds no private key in PEM"
        raise SettingsError(f"{flag} {path}: {what}.", param=flag)
    try:
        public = load_pem_private_key(_key_block(data), password=None).public_key()
    except TypeError:
        raise SettingsError(
            f"{flag} {path}: the key is encrypted, and nobody is there to type its password. Decrypt it: 'openssl pkey "
            f"-in {path} -out plain.key', and let the server's user alone read that.",
            param=flag,
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"{flag} {path}: damaged, or a kind of key that is not known here.", param=flag) from None
    ours = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        of = [one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in chain]
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{CERT} {certificate}: holds a certificate with a kind of key that is not known here.", param=CERT
        ) from None
    if ours == of[0]:
        return
    if ours in of:
        raise SettingsError(f"{CERT} {certificate}: the server's own certificate must come first in it.", param=CERT)
    raise SettingsError(f"{flag} {path}: not the key of the certificate in {certificate}.", param=flag)


def _key_block(data: bytes) -> bytes:
    """The key alone: parameters, certificates and text may stand around it."""
    lines = data.splitlines()
    begins = next(at for at, line in enumerate(lines) if line.startswith(b"-----BEGIN") and b"PRIVATE KEY" in line)
    ends = next((at for at, line in enumerate(lines) if at > begins and line.startswith(b"-----END")), len(lines))
    return b"\n".join(lines[begins : ends + 1]) + b"\n"


def _context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A password would be asked for at the terminal; an encrypted key was refused above.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{CERT} {certificate}: cannot be served with ({error}).", param=CERT) from None
    return context


def _for_servers(leaf: x509.Certificate) -> bool:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:  # then it is for everything (RFC 5280, 4.2.1.12)
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
