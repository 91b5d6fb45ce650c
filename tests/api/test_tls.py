"""HTTPS and wss from a real server: what clients of its authority get, and a certificate replaced under a session."""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from prometheus_client import generate_latest
from websockets.asyncio.client import connect

from server.tls.authority import Issued
from server.tls.reloading import AUTHORITY
from tests.api.client import PROTOCOL, pcm_of, receive, start, until
from tests.api.conftest import Served
from tests.api.conftest import start as serve
from tests.tls.making import authority, der, made, trusting

NAMES = ("clinic.lan", "127.0.0.1")


@dataclass(frozen=True)
class Secured:
    served: Served
    folder: Path
    by: Issued
    trust: ssl.SSLContext

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.served.url + path, headers=headers, verify=self.trust, timeout=60)

    def shown(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", self.served.port)))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, by = tmp_path_factory.mktemp("tls"), authority()
    certificate, key = made(folder, *NAMES, by=by)
    (folder / AUTHORITY).write_bytes(by.certificate)
    trust = trusting(by)
    running = serve(trust, drain_s=1.0, tls_cert=certificate, tls_key=key)
    yield Secured(running, folder, by, trust)
    running.stop()


def test_links_and_documents_name_the_secure_schemes(secured: Secured) -> None:
    announced = httpx.post(f"{secured.served.url}/v1/sessions", verify=secured.trust, timeout=60).json()
    assert announced["ws_url"] == f"{secured.served.ws}/v1/stream"
    assert announced["ws_url"].startswith("wss://")
    assert announced["observe_url"].startswith("https://")
    assert secured.get("/v1/schema/asyncapi").json()["servers"]["this"]["protocol"] == "wss"


def test_a_name_of_the_certificate_is_a_name_of_the_server(secured: Secured) -> None:
    assert secured.get("/docs", Host=f"clinic.lan:{secured.served.port}").status_code == 200
    assert secured.get("/docs", Host="other.lan").status_code == 403


def test_a_client_that_does_not_trust_the_authority_does_not_connect(secured: Secured) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(secured.served.url, verify=trusting(authority()), timeout=60)


def test_what_is_no_tls_ends_the_connection_and_leaves_no_trace_in_the_log(
    secured: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with socket.create_connection(("127.0.0.1", secured.served.port), timeout=30) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while plain.recv(4096):
                pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(secured.served.url, verify=trusting(authority()), timeout=60)
    assert secured.get("/healthz").status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_metrics_say_when_the_certificate_ends(secured: Secured) -> None:
    ends = secured.served.services.tls
    assert ends is not None
    said = re.search(
        r"^tingqing_certificate_expires_timestamp_seconds (\S+)$", secured.get("/metrics").text, re.MULTILINE
    )
    assert said
    assert float(said[1]) == ends.pair.expires.timestamp()


def test_the_end_of_a_renewed_certificate_is_told_before_anybody_connects(secured: Secured) -> None:
    """By ``--metrics-port``, which is plain HTTP: who scrapes makes no handshake."""
    made(secured.folder, *NAMES, by=secured.by, at=datetime.now(UTC) - timedelta(days=40))

    async def scrape() -> str:
        return generate_latest(secured.served.services.engine.metrics.registry).decode()

    told = asyncio.run_coroutine_threadsafe(scrape(), secured.served.loop).result(10)
    line = re.search(r"^tingqing_certificate_expires_timestamp_seconds (\S+)$", told, re.MULTILINE)
    shown = x509.load_der_x509_certificate(der(secured.folder / "server.crt"))
    assert line is not None
    assert float(line[1]) == shown.not_valid_after_utc.timestamp()


def test_devices_can_fetch_the_authority_that_issued_the_certificate(secured: Secured) -> None:
    answer = secured.get("/ca.crt")
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert answer.content == ssl.PEM_cert_to_DER_cert(secured.by.certificate.decode())


def test_without_tls_of_our_own_there_is_no_authority_to_fetch(served: Served) -> None:
    assert httpx.get(f"{served.url}/ca.crt", timeout=60).status_code == 404


async def test_a_session_goes_on_while_the_certificate_is_replaced(secured: Secured, mixes: Path) -> None:
    pcm, rate = pcm_of(mixes / "000_clean_en.flac")
    half = len(pcm) // 4 * 2
    url = f"{secured.served.ws}/v1/stream"
    async with connect(url, ssl=secured.trust, subprotocols=[PROTOCOL], compression=None, max_size=None) as patient:
        await patient.send(start(rate))
        assert (await receive(patient))["type"] == "session.started"
        for at in range(0, half, 6_400):
            await patient.send(pcm[at : min(half, at + 6_400)])
        await until(patient, "quality.update")
        old = der(secured.folder / "server.crt")
        certificate, _ = made(secured.folder, *NAMES, by=secured.by)
        assert secured.get("/healthz").status_code == 200
        assert secured.shown() == der(certificate) != old
        for at in range(half, len(pcm), 6_400):
            await patient.send(pcm[at : at + 6_400])
        await patient.send('{"type":"session.end"}')
        ended = await until(patient, "session.ended")
    assert ended["reason"] == "client"
    assert ended["result"]["source"]["duration_s"] == pytest.approx(len(pcm) / 2 / rate, abs=0.01)
