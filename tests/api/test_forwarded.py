"""What a proxy says counts if the operator trusts it, and never otherwise; addresses stay within its prefix."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.typing import Origin

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.origins import OUR_FOLDERS
from server.access.principal import Role
from server.api.forwarded import Forwarded
from server.app import open_access
from server.errors import SettingsError
from server.resources import web_client_dir
from server.settings import Settings, load_settings, prefix_of, public_base
from tests.api.client import PROTOCOL, faults_until_close, http, receive, start
from tests.api.conftest import Served
from tests.api.conftest import start as serve

CLINIC = "https://clinic.example"
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "clinic.example:8443", "X-Forwarded-For": "198.51.100.7"}


@pytest.fixture(scope="module")
def behind() -> Iterator[Served]:
    """Behind a proxy of this machine that everybody knows by its own name."""
    running = serve(drain_s=1.0, trust_proxy=["127.0.0.1"], allow_host=["clinic.example"], root_path="/tingqing")
    yield running
    running.stop()


async def seen(trusted: list[str], peer: str, headers: dict[str, str], kind: str = "http") -> Scope:
    """The scope as it reaches the application."""
    reached: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope)

    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "127.0.0.1:8000", **headers}.items()]
    scope: dict[str, Any] = {"type": kind, "scheme": "http" if kind == "http" else "ws", "client": (peer, 50_000)}
    await Forwarded(app, trusted=trusted)(scope | {"headers": raw}, _never, _nothing)
    return reached[0]


async def _never() -> Any:
    raise AssertionError


async def _nothing(_message: Any) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [(["10.0.0.2"], "10.0.0.2"), (["10.0.0.0/24"], "10.0.0.9"), (["10.0.0.0/24"], "::ffff:10.0.0.9"),
     (["10.0.0.2"], "::ffff:10.0.0.2"), (["2001:db8::/64"], "2001:db8::5"), (["127.0.0.1", "::1"], "::1")],
)  # fmt: skip
@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
async def test_a_trusted_proxy_tells_client_scheme_and_host(
    trusted: list[str], peer: str, kind: str, scheme: str
) -> None:
    scope = await seen(trusted, peer, FORWARDED, kind)
    assert scope["client"][0] == "198.51.100.7"
    assert scope["scheme"] == scheme
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"clinic.example:8443"]


@pytest.mark.parametrize(("trusted", "peer"), [([], "127.0.0.1"), (["10.0.0.2"], "10.0.0.3"), (["10.0.0.2"], "")])
async def test_anybody_else_tells_nothing(trusted: list[str], peer: str) -> None:
    scope = await seen(trusted, peer, FORWARDED)
    assert (scope["client"][0], scope["scheme"]) == (peer, "http")
    assert (b"host", b"127.0.0.1:8000") in scope["headers"]


@pytest.mark.parametrize(
    ("chain", "client"),
    [("203.0.113.9, 198.51.100.7", "198.51.100.7"), ("10.0.0.2, 198.51.100.7, 10.0.0.7", "198.51.100.7"),
     ("198.51.100.7:4711", "198.51.100.7"), ("[2001:db8::5]:4711", "2001:db8::5")],
)  # fmt: skip
async def test_of_several_addresses_the_last_that_no_trusted_proxy_has_counts(chain: str, client: str) -> None:
    scope = await seen(["10.0.0.0/24"], "10.0.0.2", {"X-Forwarded-For": chain})
    assert scope["client"][0] == client


@pytest.mark.parametrize(
    ("given", "host"),
    [("clinic.example, inner:8000", b"clinic.example"), ("[2001:db8::5]:8443", b"[2001:db8::5]:8443"),
     ("a@b", b"127.0.0.1:8000"), ("a/b", b"127.0.0.1:8000"), ("", b"127.0.0.1:8000"), ("a b", b"127.0.0.1:8000")],
)  # fmt: skip
async def test_the_host_is_the_first_of_a_list_and_nothing_that_cannot_be_one(given: str, host: bytes) -> None:
    scope = await seen(["10.0.0.2"], "10.0.0.2", {"X-Forwarded-Host": given})
    assert [value for name, value in scope["headers"] if name == b"host"] == [host]


def test_links_are_those_of_the_outside(behind: Served) -> None:
    announced = http.post(f"{behind.url}/v1/sessions", headers=FORWARDED).json()
    assert announced["ws_url"] == "wss://clinic.example:8443/tingqing/v1/stream"
    assert announced["observe_url"].startswith("https://clinic.example:8443/tingqing/doctor?session=")


def test_links_believe_no_stranger(served: Served) -> None:
    announced = http.post(f"{served.url}/v1/sessions", headers=FORWARDED).json()
    assert announced["ws_url"] == f"{served.ws}/v1/stream"


async def test_audit_names_the_client_and_not_the_proxy(tmp_path: Path) -> None:
    async with open_access(Settings(data_dir=tmp_path)) as stores:
        text, _ = await create_key(stores.keys, "ward-3", Role.INTEGRATOR, utc_now())
    running = serve(drain_s=1.0, data_dir=tmp_path, trust_proxy=["127.0.0.1"])
    try:
        headers = {**FORWARDED, "Authorization": f"Bearer {text}"}
        assert http.post(f"{running.url}/v1/sessions", headers=headers).status_code == 201
    finally:
        running.stop()
    async with open_access(Settings(data_dir=tmp_path)) as stores:
        assert [entry.address for entry in await stores.audit.latest(1)] == ["198.51.100.7"]


@pytest.mark.parametrize("prefix", ["", "/tingqing"], ids=["cut off by the proxy", "passed on"])
def test_everything_answers_with_and_without_the_prefix(behind: Served, prefix: str) -> None:
    for path in ("/", "/doctor", "/index.js", "/audio/worklet.js", "/docs", "/openapi.json", "/v1/label-sets",
                 "/v1/schema/asyncapi", "/healthz"):  # fmt: skip
        assert http.get(behind.url + prefix + path).status_code == 200, path
    for path in ("/nothing", "/tingqingly", "/tingqing/tingqing/docs"):
        assert http.get(behind.url + prefix + path).status_code == 404, path


def test_the_prefix_itself_leads_to_the_page(behind: Served) -> None:
    answer = http.get(f"{behind.url}/tingqing?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (307, "/tingqing/?lang=zh")


@pytest.mark.parametrize("prefix", ["", "/tingqing"], ids=["cut off by the proxy", "passed on"])
async def test_sockets_open_with_and_without_the_prefix(behind: Served, prefix: str) -> None:
    url = f"{behind.ws}{prefix}/v1/stream"
    async with connect(url, origin=Origin("https://clinic.example:8443"), additional_headers=FORWARDED) as socket:
        await socket.send(start())
        assert (await receive(socket))["type"] == "session.started"
    async with connect(f"{behind.ws}{prefix}/v1/nothing") as socket:
        assert await faults_until_close(socket) == (["unknown_session"], 4404)


def test_documents_stay_within_the_prefix(behind: Served) -> None:
    docs = http.get(f"{behind.url}/docs").text
    assert "href='/" not in docs
    assert "<code>/tingqing</code>" in docs
    assert http.get(f"{behind.url}/openapi.json").json()["servers"] == [{"url": "/tingqing"}]
    servers = http.get(f"{behind.url}/v1/schema/asyncapi", headers=FORWARDED).json()["servers"]
    assert servers == {"this": {"host": "clinic.example:8443", "protocol": "wss", "pathname": "/tingqing"}}


async def test_a_page_of_the_public_address_is_our_own_whatever_host_the_proxy_sends() -> None:
    running = serve(drain_s=1.0, public_url=f"{CLINIC}/tingqing")
    try:
        for host in (None, "clinic.example"):  # as nginx does by itself, and with $host
            headers = {} if host is None else {"Host": host}
            assert http.get(f"{running.url}/docs", headers=headers).status_code == 200
            posted = http.post(f"{running.url}/v1/sessions", headers={"Origin": CLINIC, **headers})
            assert posted.json()["ws_url"] == "wss://clinic.example/tingqing/v1/stream"
        async with connect(f"{running.ws}/v1/stream", origin=Origin(CLINIC), subprotocols=[PROTOCOL]) as socket:
            await socket.send(start())
            assert (await receive(socket))["type"] == "session.started"
        assert http.post(f"{running.url}/v1/sessions", headers={"Origin": "http://clinic.example"}).status_code == 403
    finally:
        running.stop()


def test_a_browser_that_calls_a_wrong_name_reads_what_to_set(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        page = http.get(f"{served.url}/", headers={"Host": "ward.example:8443", "Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    for text in (
        "--public-url https://ward.example:8443<",
        "--allow-host ward.example<",
        "--trust-proxy",
        "患者或医生",
    ):
        assert text in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    program = http.get(f"{served.url}/", headers={"Host": "ward.example:8443"})
    assert (program.status_code, program.json()["code"]) == (403, "forbidden")
    assert "--public-url https://ward.example" in program.json()["detail"]
    (line,) = [record.getMessage() for record in caplog.records if "ward.example" in record.getMessage()]
    assert "--public-url https://ward.example:8443;" in line


def test_a_name_is_text_on_the_page_and_never_markup(served: Served) -> None:
    page = http.get(f"{served.url}/", headers={"Host": "<b>x</b>", "Accept": "text/html"})
    assert page.status_code == 403
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


async def test_a_proxy_that_nobody_trusts_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        pass

    untrusting = Forwarded(app, trusted=[])
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "client": ("10.0.0.2", 1), "headers": []}
    await untrusting(dict(scope), _never, _nothing)
    assert not caplog.records, "it forwards nothing"
    for _ in range(3):
        await untrusting(scope | {"headers": [(b"x-forwarded-for", b"198.51.100.7")]}, _never, _nothing)
    (told,) = caplog.records
    assert "--trust-proxy 10.0.0.2" in told.getMessage()


@pytest.mark.parametrize(
    ("public", "root", "prefix", "base"),
    [
        (None, "", "", None),
        (f"{CLINIC}/", "", "", CLINIC),
        (f"{CLINIC}/a/b/", "", "/a/b", f"{CLINIC}/a/b"),
        (CLINIC, "/tingqing/", "/tingqing", f"{CLINIC}/tingqing"),
        (f"{CLINIC}/tingqing", "/tingqing", "/tingqing", f"{CLINIC}/tingqing"),
        (None, "/tingqing", "/tingqing", None),
    ],
)
def test_prefix_and_public_address_go_together(public: str | None, root: str, prefix: str, base: str | None) -> None:
    settings = load_settings(public_url=public, root_path=root)
    assert (prefix_of(settings), public_base(settings)) == (prefix, base)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"root_path": "tingqing"}, "--root-path"),
        ({"root_path": "/a b"}, "--root-path"),
        ({"root_path": "/../x"}, "--root-path"),
        ({"root_path": "/v1"}, "--root-path"),
        ({"root_path": "/other", "public_url": f"{CLINIC}/tingqing"}, "--root-path"),
        ({"public_url": "https://clinic.example:door"}, "--public-url"),
        ({"public_url": f"{CLINIC}/doctor"}, "--public-url"),
        ({"trust_proxy": ["proxy"]}, "--trust-proxy"),
        ({"trust_proxy": ["*"]}, "--trust-proxy"),
        ({"trust_proxy": ["10.0.0.7/8"]}, "--trust-proxy"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(**given)


def test_no_prefix_hides_an_address_of_our_own() -> None:
    served = {path.name for path in web_client_dir().iterdir() if path.is_dir()} - {"examples"}
    assert served <= OUR_FOLDERS
