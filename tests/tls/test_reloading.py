"""The pair on the disk serves the next handshake; one that cannot be used leaves the former one in place."""

import logging
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from server.errors import SettingsError
from server.tls.authority import issue
from server.tls.reloading import AUTHORITY, Tls
from tests.tls.making import NOW, authority, der, made, presented, shake, trusting, write_pair


def served(certificate: Path, key: Path | None) -> Tls:
    return Tls(certificate, key, lambda: NOW)


def records(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


@pytest.mark.parametrize("name", ["clinic.lan", None], ids=["named", "without a name"])
def test_the_next_connection_gets_the_new_certificate_and_the_open_one_goes_on(
    tmp_path: Path, name: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    certificate, key = made(tmp_path)
    tls = served(certificate, key)
    old = der(certificate)
    assert presented(tls.context, name) == old
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    client, server = shake(tls.context, anyone, name)
    made(tmp_path)
    assert presented(tls.context, name) == der(certificate) != old
    assert presented(tls.context, name) == der(certificate)
    client.write(b"still here")
    assert client.getpeercert(binary_form=True) == old
    assert server.version() == "TLSv1.3"
    assert len(records(caplog, logging.INFO)) == 1


def test_a_link_that_leads_elsewhere_is_a_new_certificate(tmp_path: Path) -> None:
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()
        made(tmp_path / folder)
    live = tmp_path / "live"
    live.symlink_to("1")
    tls = served(live / "server.crt", live / "server.key")
    new = tmp_path / "new"
    new.symlink_to("2")
    new.replace(live)
    assert presented(tls.context) == der(tmp_path / "2" / "server.crt")


def test_a_broken_pair_is_logged_once_and_the_former_one_serves_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = made(tmp_path)
    tls = served(certificate, key)
    old = der(certificate)
    fresh = issue(authority(), ["clinic.lan"], NOW)
    certificate.write_bytes(fresh.certificate)
    for _ in range(3):
        assert presented(tls.context) == old
    (told,) = records(caplog, logging.ERROR)
    assert "the former one stays" in told
    assert "not the key of the certificate" in told
    key.write_bytes(fresh.key)
    assert presented(tls.context) == der(certificate), "certificate and key do not come at the same moment"


def test_a_certificate_that_vanishes_leaves_the_former_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = made(tmp_path)
    tls = served(certificate, key)
    old = der(certificate)
    certificate.unlink()
    assert presented(tls.context) == presented(tls.context) == old
    assert len(records(caplog, logging.ERROR)) == 1


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    tls = served(certificate, key)
    pair = tls.pair
    presented(tls.context)
    assert tls.pair is pair


def test_the_end_is_logged_once_a_day_from_thirty_days_before_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = made(tmp_path)
    days = [0]
    tls = Tls(certificate, key, lambda: NOW + timedelta(days=days[0]))
    for day, told in ((0, 0), (366, 0), (368, 1), (368, 1), (369, 2)):
        days[0] = day
        tls.refresh()
        assert len(records(caplog, logging.WARNING)) == told, day


def test_a_pair_that_cannot_be_used_at_the_start_is_refused(tmp_path: Path) -> None:
    certificate, key = made(tmp_path)
    key.unlink()
    with pytest.raises(SettingsError, match="--tls-key"):
        served(certificate, key)


def test_the_authority_is_given_out_only_if_it_issued_the_certificate(tmp_path: Path) -> None:
    by = authority()
    certificate, key = made(tmp_path, by=by)
    tls = served(certificate, key)
    assert tls.authority() is None, "there is no file"
    (tmp_path / AUTHORITY).write_bytes(by.certificate)
    given = tls.authority()
    assert given == by.parsed().public_bytes(Encoding.DER)
    shake(tls.context, trusting(by), "clinic.lan")
    for other in (authority().certificate, b"nonsense", certificate.read_bytes()):
        (tmp_path / AUTHORITY).write_bytes(other)
        assert tls.authority() is None


def test_a_certificate_by_somebody_else_is_not_ours_to_vouch_for(tmp_path: Path) -> None:
    by = authority()
    certificate, key = write_pair(tmp_path, issue(by, ["clinic.lan"], NOW))
    (tmp_path / AUTHORITY).write_bytes(by.certificate)
    tls = served(certificate, key)
    assert tls.authority() is not None
    made(tmp_path)
    tls.refresh()
    assert tls.authority() is None
