"""Where ``tingqing cert`` keeps its authority and certificate: the folder ``tls`` of the data folder."""

import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256

from server.errors import SettingsError
from server.ownership import give_to_owner
from server.tls.authority import Issued, issue, make_authority
from server.tls.pair import SOON, Pair, names_of, read_pair
from server.tls.reloading import AUTHORITY

log = logging.getLogger(__name__)

FOLDER = "tls"
AUTHORITY_KEY = "ca.key"
CERTIFICATE = "server.crt"
KEY = "server.key"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Made:
    """What the folder holds after ``ensure``. ``new_authority``, ``new_certificate``: made just now."""

    folder: Path
    pair: Pair
    authority: x509.Certificate
    new_authority: bool
    new_certificate: bool

    @property
    def authority_name(self) -> str:
        """As devices show it in their lists."""
        return ", ".join(str(one.value) for one in self.authority.subject)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate (DER), as devices show it."""
        return self.authority.fingerprint(SHA256()).hex(":").upper()

    @property
    def authority_file(self) -> Path:
        """What devices have to trust. Everybody may read it."""
        return self.folder / AUTHORITY

    @property
    def certificate_file(self) -> Path:
        """For ``--tls-cert``."""
        return self.folder / CERTIFICATE

    @property
    def key_file(self) -> Path:
        """For ``--tls-key``."""
        return self.folder / KEY


def ensure(
    data_dir: Path, names: Sequence[str], host: str, now: datetime, *, renew: bool = False, anew: bool = False
) -> Made:
    """An authority and a certificate for exactly ``names``, made where there is none that will do.

    A certificate is made again if it is for other names, of another authority, cannot be served with, or ends within
    30 days. ``renew``: in any case. ``anew``: the authority too, which every device has to trust again. ``names``
    empty: those of the certificate that is there. Raises SettingsError.
    """
    folder = data_dir / FOLDER
    with _refusals(folder), _locked(folder):
        old = None if anew else _authority(folder, now)
        authority = old or make_authority(host, now)
        if old is None:
            _write(folder / AUTHORITY_KEY, authority.key, 0o600)
            _write(folder / AUTHORITY, authority.certificate, 0o644)
        there = None if old is None else _pair(folder, authority, now)
        wanted = tuple(names) or _names(folder)
        if not wanted:
            raise SettingsError("There is no certificate yet: say for which names, --name tingqing.lan", param="--name")
        sound = there is not None and set(there.names) == set(wanted) and there.expires - now >= SOON
        if not sound or renew:
            issued = issue(authority, wanted, now)
            _write(folder / KEY, issued.key, 0o600)
            _write(folder / CERTIFICATE, issued.certificate, 0o644)
        pair = read_pair(folder / CERTIFICATE, folder / KEY, now)
        return Made(folder, pair, authority.parsed(), old is None, not sound or renew)


def _authority(folder: Path, now: datetime) -> Issued | None:
    """Raises SettingsError if it is damaged or over: to make another is for the operator to decide."""
    certificate, key = folder / AUTHORITY, folder / AUTHORITY_KEY
    if not certificate.exists() and not key.exists():
        return None
    try:
        found = Issued(certificate.read_bytes(), key.read_bytes())
        ends = read_pair(certificate, key, now).expires
    except (SettingsError, FileNotFoundError) as error:
        why = error.message.partition(": ")[2] if isinstance(error, SettingsError) else f"{error.filename} is missing."
        raise SettingsError(
            f"The authority in {folder} cannot be used any more: {why} Put its files back from a backup, or make "
            "another with --new-authority; every device has to trust that again.",
            param="--new-authority",
        ) from None
    if key.stat().st_mode & 0o077:
        key.chmod(0o600)
    if ends - now < SOON:
        log.warning("the authority itself expires on %s: make another with --new-authority", f"{ends:%Y-%m-%d}")
    return found


def _pair(folder: Path, authority: Issued, now: datetime) -> Pair | None:
    """The certificate that is there; ``None`` if it cannot be served with, or is of another authority."""
    try:
        pair = read_pair(folder / CERTIFICATE, folder / KEY, now)
        pair.leaf.verify_directly_issued_by(authority.parsed())
    except (SettingsError, ValueError, TypeError, InvalidSignature):
        return None
    return pair


def _names(folder: Path) -> tuple[str, ...]:
    """For which names the last certificate was, also if it has ended."""
    try:
        return names_of(x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes()))
    except (FileNotFoundError, ValueError):
        return ()


def _write(path: Path, data: bytes, mode: int) -> None:
    """All or nothing, also where the machine stops in between. A key is never readable by others, not for a moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        give_to_owner(Path(name), path)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two commands at once must not make two authorities. The system lets go when the process ends."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        give_to_owner(folder, folder.parent)
    # As root this must write to no file that the service's user has linked there.
    opened = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "w") as lock:
        give_to_owner(folder / LOCK, folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"Another command is writing to {folder}. Try again when it has finished.", param="--data-dir"
            ) from None
        except OSError:
            log.debug("this file system has no locks: %s", folder)
        yield


@contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(f"The folder {folder} cannot be used: {why}.", param="--data-dir") from None
