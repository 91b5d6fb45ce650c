"""Certificates for tests, and handshakes in memory."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from server.tls.authority import Issued, issue, make_authority

NOW = datetime.now(UTC)
"""TLS libraries read the wall clock themselves."""


def authority(at: datetime = NOW) -> Issued:
    return make_authority("clinic-pc", at)


def write_pair(folder: Path, issued: Issued, name: str = "server") -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.key)
    return certificate, key


def made(folder: Path, *names: str, by: Issued | None = None, at: datetime = NOW) -> tuple[Path, Path]:
    """A pair by an authority that is not kept, unless it is given."""
    return write_pair(folder, issue(by or authority(), names or ("clinic.lan",), at))


def trusting(*authorities: Issued) -> ssl.SSLContext:
    """A client that trusts these alone, and is as strict as Python 3.13 and browsers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata="".join(one.certificate.decode() for one in authorities))
    return context


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake, without sockets. Raises SSLError if either refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    left = list(ends)
    while left:
        for end in list(left):
            try:
                end.do_handshake()
                left.remove(end)
            except ssl.SSLWantReadError:
                continue
    return ends


def presented(server: ssl.SSLContext, name: str | None = "clinic.lan") -> bytes:
    """The certificate (DER) that a client is shown. ``None``: one that names no host."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    client, _ = shake(server, anyone, name)
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def der(certificate: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())
