"""What an operator gets with the files of ``deploy/``: the same behind every proxy, with and without a prefix."""

import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access
from server.settings import Settings
from tests.api.client import PROTOCOL, faults_until_close, pcm_of, receive, start, until
from tests.api.conftest import start as serve
from tests.ports import free_port
from tests.proxies.running import DEPLOY, NAME, WAYS, Proxied, proxy

SECONDS = 4
"""Of a recording, live or sent: enough for a first window."""

CLIENT = "127.0.0.9"
"""From where requests reach the proxy, so that they can be told from the proxy's own."""


@pytest.fixture(scope="module", params=WAYS, ids=lambda name: name.replace(" ", "_"))
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    way, port = WAYS[request.param], free_port()
    folder = tmp_path_factory.mktemp("proxy")
    served = serve(drain_s=1.0, public_url=f"https://{NAME}:{port}{way.prefix}", trust_proxy=["127.0.0.1"])
    try:
        with proxy(way, port, free_port(), served, folder) as running:
            yield running
    finally:
        served.stop()


def ask(proxied: Proxied, method: str, url: str, **options: Any) -> httpx.Response:
    """``url``: as the outside writes it. The proxy is reached by its address, as if the name led to it."""
    parts = urlsplit(url)
    assert parts.netloc == f"{NAME}:{proxied.port}"
    headers = {"Host": parts.netloc, **options.pop("headers", {})}
    here = parts._replace(netloc=f"127.0.0.1:{proxied.port}").geturl()
    transport = httpx.HTTPTransport(verify=proxied.trust, local_address=CLIENT)
    with httpx.Client(transport=transport, timeout=60) as client:
        return client.request(method, here, headers=headers, extensions={"sni_hostname": NAME}, **options)


def get(proxied: Proxied, path: str, **options: Any) -> httpx.Response:
    return ask(proxied, "GET", proxied.base + path, **options)


def socket_of(proxied: Proxied, url: str, **options: Any) -> connect:
    """``url``: as the outside writes it."""
    assert urlsplit(url).netloc == f"{NAME}:{proxied.port}"
    return connect(
        url, host="127.0.0.1", port=proxied.port, ssl=proxied.trust, compression=None, max_size=None, **options
    )


def test_every_address_of_a_page_leads_to_something_within_the_prefix(proxied: Proxied) -> None:
    for page in ("/", "/doctor", "/docs"):
        answer = get(proxied, page)
        assert answer.status_code == 200, page
        links = re.findall(r"""(?:src|href)=["']([^"'#]+)""", answer.text)
        assert links
        for link in links:
            target = urljoin(proxied.base + page, link)
            assert target.startswith(f"{proxied.base}/"), link
            assert ask(proxied, "GET", target).status_code == 200, link


def test_modules_import_each_other_within_the_prefix(proxied: Proxied) -> None:
    module = get(proxied, "/pages/page.js").text
    for link in re.findall(r"""(?:from|import\()\s*'(\.[^']+)'""", module):
        target = urljoin(f"{proxied.base}/pages/page.js", link)
        assert ask(proxied, "GET", target).status_code == 200, link


def test_documents_name_the_outside(proxied: Proxied) -> None:
    servers = get(proxied, "/openapi.json").json().get("servers", [{"url": ""}])
    assert servers == [{"url": proxied.way.prefix}]
    this = get(proxied, "/v1/schema/asyncapi").json()["servers"]["this"]
    assert (this["host"], this["protocol"]) == (f"{NAME}:{proxied.port}", "wss")
    assert this.get("pathname", "") == proxied.way.prefix


async def test_the_links_of_an_announced_session_lead_patient_and_doctor_to_it(proxied: Proxied, mixes: Path) -> None:
    announced = (await asyncio.to_thread(ask, proxied, "POST", f"{proxied.base}/v1/sessions")).json()
    assert announced["ws_url"] == f"wss{proxied.base.removeprefix('https')}/v1/stream"
    assert announced["observe_url"].startswith(f"{proxied.base}/doctor?session={announced['id']}#")
    pcm, rate = pcm_of(mixes / "000_clean_en.flac")
    pcm = pcm[: 2 * rate * SECONDS]
    own = Origin(f"https://{NAME}:{proxied.port}")
    token = Subprotocol(f"bearer.{announced['publish_token']}")
    async with socket_of(proxied, announced["ws_url"], origin=own, subprotocols=[PROTOCOL, token]) as patient:
        assert patient.subprotocol == PROTOCOL
        await patient.send(start(rate))
        assert (await receive(patient))["session_id"] == announced["id"]
        url = announced["ws_url"].replace("/v1/stream", f"/v1/sessions/{announced['id']}/observe")
        token = Subprotocol(f"bearer.{announced['observe_token']}")
        async with socket_of(proxied, url, origin=own, subprotocols=[PROTOCOL, token]) as doctor:
            assert (await receive(doctor))["type"] == "snapshot"
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(patient, pcm))
                seen = group.create_task(until(doctor, "quality.update"))
                ended = group.create_task(until(patient, "session.ended"))
            assert seen.result()["labels"]
            assert ended.result()["result"]["overall"]["score"] is not None


async def send_all(socket: ClientConnection, pcm: bytes) -> None:
    for at in range(0, len(pcm), 6_400):
        await socket.send(pcm[at : at + 6_400])
    await socket.send('{"type":"session.end"}')


def test_a_recording_comes_through(proxied: Proxied, mixes: Path) -> None:
    samples, rate = soundfile.read(mixes / "000_clean_en.flac", frames=16_000 * SECONDS, dtype="int16")
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    answer = ask(proxied, "POST", f"{proxied.base}/v1/assess", files={"file": file.getvalue()})
    assert answer.status_code == 200
    assert answer.json()["overall"]["verdict"]


async def test_a_page_of_another_site_stays_outside(proxied: Proxied) -> None:
    url = f"wss{proxied.base.removeprefix('https')}/v1/stream"
    async with socket_of(proxied, url, origin=Origin("https://evil.example"), subprotocols=[PROTOCOL]) as socket:
        assert await faults_until_close(socket) == (["forbidden"], 4403)


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def keyed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxied, Path, str]]:
    """A server with a key, which no ``--public-url`` tells its address."""
    data, folder, port = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("proxy"), free_port()

    async def create() -> str:
        async with open_access(Settings(data_dir=data)) as stores:
            return (await create_key(stores.keys, "ward-3", Role.INTEGRATOR, utc_now()))[0]

    key = asyncio.run(create())
    served = serve(drain_s=1.0, data_dir=data, trust_proxy=["127.0.0.0/29"])
    try:
        with proxy(WAYS[request.param], port, free_port(), served, folder) as running:
            yield running, data, key
    finally:
        served.stop()


async def test_audit_and_links_have_what_the_proxy_says_and_not_what_a_client_invents(
    keyed: tuple[Proxied, Path, str],
) -> None:
    proxied, data, key = keyed
    invented = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
    headers = {"Authorization": f"Bearer {key}", **invented}
    url = f"{proxied.base}/v1/sessions"
    announced = (await asyncio.to_thread(ask, proxied, "POST", url, headers=headers)).json()
    assert announced["ws_url"] == f"wss://{NAME}:{proxied.port}/v1/stream"
    async with open_access(Settings(data_dir=data)) as stores:
        assert [entry.address for entry in await stores.audit.latest(1)] == [CLIENT]


def test_nginx_sends_plain_http_to_https(tmp_path: Path) -> None:
    served = serve(drain_s=0.0)
    try:
        with proxy(WAYS["nginx"], free_port(), free_port(), served, tmp_path) as running:
            answer = httpx.get(f"http://127.0.0.1:{running.plain}/doctor?session=1", headers={"Host": NAME}, timeout=60)
            assert (answer.status_code, answer.headers["location"]) == (308, f"https://{NAME}/doctor?session=1")
    finally:
        served.stop()


@pytest.mark.parametrize("file", ["nginx/tingqing.conf", "caddy/Caddyfile", "caddy/Caddyfile.prefix"])
def test_the_document_shows_the_files_that_are_tested(file: str) -> None:
    document = (DEPLOY.parent / "docs" / "tls.md").read_text(encoding="utf-8")
    assert (DEPLOY / file).read_text(encoding="utf-8") in document


def test_the_prefix_is_all_that_the_second_file_of_nginx_adds() -> None:
    """Else the document would show half of it."""
    settings = [
        [
            line.strip()
            for line in (DEPLOY / file).read_text(encoding="utf-8").splitlines()
            if line.startswith("        ")
        ]
        for file in ("nginx/tingqing.conf", "nginx/tingqing-prefix.conf")
    ]
    assert set(settings[1]) - set(settings[0]) == {"proxy_pass http://tingqing/;"}
