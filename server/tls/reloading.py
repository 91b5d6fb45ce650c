"""Serves with the certificate that is on the disk now: every handshake sees the newest pair that can be used.

Files are looked at when somebody connects, so nothing runs in between, and a certificate that an ACME client replaced
(by a new file, or by pointing a symbolic link elsewhere) serves the next connection. Open connections keep theirs.
"""

import logging
import ssl
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from server.errors import SettingsError
from server.tls.pair import SOON, Pair, read_pair

logger = logging.getLogger(__name__)

AUTHORITY = "ca.crt"
"""Beside the certificate: the authority that issued it, where ``tingqing cert`` made both."""

TRIES = 3

Fingerprint = tuple[tuple[int, int, int, int] | None, ...]


class Tls:
    """The server's side of TLS. One per process; ``context`` goes to the HTTP server, once and for all.

    Called on the event loop's thread alone.
    """

    def __init__(self, certificate: Path, key: Path | None, now: Callable[[], datetime]) -> None:
        """``key``: ``None`` if it stands in ``certificate``. Raises SettingsError if they cannot be used."""
        self._certificate = certificate
        self._key = key
        self._now = now
        self._seen = self._fingerprint()
        self.pair = self._read()
        self._told: date | None = None
        self.context = self.pair.context
        self.context.sni_callback = self._choose

    def refresh(self) -> None:
        """Take over a pair that changed on the disk. One that cannot be used is logged, once, and the old one stays."""
        seen = self._fingerprint()
        if seen != self._seen:
            self._seen = seen
            try:
                self.pair = self._read()
            except SettingsError as error:
                logger.error("the new certificate is not used, the former one stays: %s", error.message)
            else:
                logger.info("the certificate was replaced; the new one expires on %s", f"{self.pair.expires:%Y-%m-%d}")
        self._tell_end()

    def authority(self) -> bytes | None:
        """The certificate (DER) of the authority beside the server's, for devices that shall trust it.

        ``None`` if there is none, or if it is not the one that issued the certificate in use.
        """
        try:
            found = x509.load_pem_x509_certificate((self._certificate.parent / AUTHORITY).read_bytes())
            self.pair.chain[-1].verify_directly_issued_by(found)
        except (OSError, ValueError, TypeError, InvalidSignature):
            return None
        return found.public_bytes(Encoding.DER)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        """Called in the middle of each handshake, whether the client named a host or not."""
        self.refresh()
        connection.context = self.pair.context

    def _read(self) -> Pair:
        """Certificate and key are two files: one that changes while both are read is read again."""
        for _ in range(TRIES):
            before = self._fingerprint()
            try:
                pair = read_pair(self._certificate, self._key, self._now())
            except SettingsError:
                if before == self._fingerprint():
                    raise
            else:
                if before == self._fingerprint():
                    return pair
        raise SettingsError(f"--tls-cert {self._certificate}: it changes all the time.", param="--tls-cert")

    def _fingerprint(self) -> Fingerprint:
        return tuple(_stat(path) for path in (self._certificate, self._key) if path is not None)

    def _tell_end(self) -> None:
        """Once a day from ``SOON`` before the end on."""
        now = self._now()
        if self.pair.expires - now < SOON and self._told != now.date():
            self._told = now.date()
            logger.warning("the certificate expires on %s: renew it", f"{self.pair.expires:%Y-%m-%d}")


def _stat(path: Path) -> tuple[int, int, int, int] | None:
    """Of the file that a link leads to."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
