"""The pages of ``web_client/examples`` on another origin, all over TLS, in a Chromium that trusts the authority of
``tingqing cert`` and nothing else: what its backend's token opens, and what any other one is told."""

import re
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, Route

from tests.browser.asserting import attribute, hold_clock, passes, shown, until
from tests.browser.hospital import DOCTOR, Hospital, hospital_beside, trusting_browsers
from tests.ports import free_port
from tests.tls.making import authority

pytestmark = pytest.mark.timeout(400)

CONVERSATION = """async ([address, token, start]) => {
  const socket = new WebSocket(address, ['tingqing.v1', `bearer.${token}`]);
  const heard = [];
  socket.onmessage = ({ data }) => heard.push(JSON.parse(data));
  socket.onopen = () => start && socket.send(JSON.stringify(start));
  const { code, reason } = await new Promise((resolve) => { socket.onclose = resolve; });
  return { heard, code, reason, protocol: socket.protocol };
}"""
"""Opens one socket as any script of the page may, and returns all that it hears until it is closed."""

START = {"type": "session.start", "audio": {"sample_rate": 16_000}}


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def hospital(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital_beside(tmp_path_factory.mktemp("data")) as hospital:
        yield hospital


@pytest.fixture(scope="module")
def trusting(
    playwright: Playwright, chromium_path: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path, Path], Browser]]:
    with trusting_browsers(playwright, chromium_path, lambda: tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest.fixture(scope="module")
def chromium(trusting: Callable[[Path, Path], Browser], hospital: Hospital, mix_wav: Callable[[str], Path]) -> Browser:
    return trusting(mix_wav("000"), hospital.trust)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Any complaint of the page fails the test: certificates, content that is not secure, refused requests."""
    complaints: list[str] = []
    page = chromium.new_context(locale="en-GB").new_page()
    page.on("console", lambda said: complaints.extend([said.text] if said.type in ("error", "warning") else []))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.context.close()
    assert complaints == []


def begun(page: Page, hospital: Hospital, token: str | None = None) -> None:
    """The portal's page with its token, or with another one; somebody pressed Start."""
    page.goto(f"{hospital.portal}/")
    page.locator("tingqing-patient [part=start]").wait_for()
    if token is not None:
        page.evaluate("token => document.querySelector('tingqing-patient').setAttribute('token', token)", token)
    page.click("[part=start]")


def test_a_page_of_another_origin_listens_over_tls_with_the_token_of_its_backend(
    page: Page, hospital: Hospital
) -> None:
    page.goto(f"{hospital.portal}/")
    page.locator("tingqing-patient [part=start]").wait_for()
    page.evaluate(
        """() => {
          window.updates = [];
          addEventListener('tingqing-message', ({ detail }) => {
            if (['quality.update', 'session.ended'].includes(detail.type)) window.updates.push(detail);
          });
        }"""
    )
    page.click("[part=start]")
    attribute(page, "data-state", "live", within_s=60)
    attribute(page, "data-grade", "clear", within_s=60)
    until(page, "window.updates.some((one) => one.overall?.score > 0.7)", within_s=60)
    page.click("[part=finish]")
    until(page, "window.updates.at(-1).type === 'session.ended'", within_s=60)
    assert page.evaluate("window.updates.at(-1).result.reference") == "visit 4711"
    assert not re.search("tq_", page.content()), "the key stays with the backend"


def test_a_call_on_another_origin_gives_its_own_microphone_to_the_client_alone(page: Page, hospital: Hospital) -> None:
    page.goto(f"{hospital.portal}/call.html")
    page.click("#join")
    until(page, "document.body.dataset.state === 'live'", within_s=60)
    page.evaluate("() => { client.on('message', ({ type }) => { window.judged ||= type === 'quality.update'; }); }")
    until(page, "window.judged === true", within_s=60)
    assert page.evaluate("client.capturedFrom") == "given"
    page.evaluate("client.finish()")
    until(page, "client.state.kind === 'ended'", within_s=60)
    assert page.evaluate("client.state.result.reference") == "visit 4711"
    assert page.evaluate("client.options.source.getAudioTracks()[0].readyState") == "live", "the call goes on"


def test_a_page_says_that_the_server_is_busy_and_asks_again(chromium: Browser, hospital: Hospital) -> None:
    context, busy = chromium.new_context(locale="en-GB"), iter(["1"])
    hold_clock(context)  # so that what is said for a second stands until it was read
    page = context.new_page()

    def answer(route: Route) -> None:
        wait = next(busy, None)
        route.continue_() if wait is None else route.fulfill(status=503, headers={"Retry-After": wait})

    page.route("**/visit/*", answer)
    page.goto(f"{hospital.portal}/call.html", wait_until="commit")
    shown(page, "Busy, again in 1 s.")
    passes(page, 1)
    page.locator("#join:enabled").wait_for()
    assert page.locator("#said").inner_text() == ""
    context.close()


class Busy(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(503)
        self.send_header("Retry-After", "7")
        self.end_headers()


def test_the_portal_passes_on_that_the_server_is_busy(hospital: Hospital) -> None:
    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as busy, ThreadPoolExecutor(1) as threads:
        threads.submit(busy.serve_forever)
        address = f"http://127.0.0.1:{busy.server_port}"
        with hospital.backend(port, TINGQING_SERVER=address):
            trust = ssl.create_default_context(cafile=hospital.trust)
            answer = httpx.post(f"https://localhost:{port}/visit/4711", verify=trust, timeout=30)
        busy.shutdown()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


def test_a_browser_that_was_not_told_to_trust_the_authority_sees_neither_portal_nor_server(
    trusting: Callable[[Path, Path], Browser], hospital: Hospital, voice_wav: Path, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(authority().certificate)
    page = trusting(voice_wav, tmp_path / "ca.crt").new_page()
    for address in (hospital.portal, hospital.server):
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(address)


BACKENDS = [pytest.param(False, id="python"), pytest.param(True, id="node")]


@pytest.mark.parametrize("node", BACKENDS)
def test_a_servers_path_is_not_in_the_headers_which_take_an_origin(hospital: Hospital, node: bool) -> None:
    port = free_port()
    with hospital.backend(port, node=node, TINGQING_SERVER="https://clinic.example:8443/tingqing"):
        trust = ssl.create_default_context(cafile=hospital.trust)
        told = httpx.get(f"https://localhost:{port}/", verify=trust, timeout=30).headers
    policy = dict(rule.split(" ", 1) for rule in told["content-security-policy"].split("; "))
    assert policy["script-src"] == "'self' https://clinic.example:8443"
    assert policy["connect-src"] == "'self' https://clinic.example:8443 wss://clinic.example:8443"
    assert policy["frame-src"] == "https://clinic.example:8443"
    assert told["permissions-policy"] == 'microphone=(self "https://clinic.example:8443")'


class Under(BaseHTTPRequestHandler):
    """A server under a path, which keeps what was asked of it."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.send_response(503)
        self.end_headers()


@pytest.mark.parametrize("node", BACKENDS)
def test_a_servers_path_is_kept_in_its_address(hospital: Hospital, node: bool) -> None:
    port = free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Under) as under, ThreadPoolExecutor(1) as threads:
        threads.submit(under.serve_forever)
        Under.asked.clear()
        with hospital.backend(port, node=node, TINGQING_SERVER=f"http://127.0.0.1:{under.server_port}/tingqing/"):
            trust = ssl.create_default_context(cafile=hospital.trust)
            httpx.post(f"https://localhost:{port}/visit/4711", verify=trust, timeout=30)
        under.shutdown()
    assert Under.asked == ["/tingqing/v1/sessions"]


@pytest.fixture(params=BACKENDS)
def backend(hospital: Hospital, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Fresh, and somebody who trusts it."""
    port = free_port()
    trust = ssl.create_default_context(cafile=hospital.trust)
    with (
        hospital.backend(port, node=request.param),
        httpx.Client(base_url=f"https://localhost:{port}", verify=trust, timeout=30) as client,
    ):
        yield client


def doctors(backend: httpx.Client, number: str) -> str:
    """Where the doctor of this visit is led to."""
    answer = backend.get(f"/doctor/{number}", auth=DOCTOR)
    assert answer.status_code == 302
    return answer.headers["location"]


def test_a_visit_keeps_its_session_until_the_patient_begins_and_gets_another_one_then(
    page: Page, hospital: Hospital, backend: httpx.Client
) -> None:
    first, again, other = (backend.post(f"/visit/{number}").json()["token"] for number in ("4712", "4712", "4713"))
    assert first == again, "the page was loaded again"
    assert other != first
    before = doctors(backend, "4712")
    assert doctors(backend, "4713") != before
    begun(page, hospital, first)
    attribute(page, "data-state", "live", within_s=60)
    assert doctors(backend, "4712") == before, "nobody asked for another"
    after = backend.post("/visit/4712").json()["token"]
    assert after not in (first, other), "the first begins nothing more"
    assert doctors(backend, "4712") != before


@pytest.mark.parametrize("auth", [None, ("doctor", "guessed"), ("doctor", ""), ("patient", DOCTOR[1])])
def test_who_is_not_signed_in_gets_no_doctors_token(backend: httpx.Client, auth: tuple[str, str] | None) -> None:
    backend.post("/visit/4711")
    for number in ("4711", "9999"):
        answer = backend.get(f"/doctor/{number}", auth=auth)
        assert (answer.status_code, "location" in answer.headers) == (401, False)
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert backend.get("/doctor/9999", auth=DOCTOR).status_code == 404


@pytest.mark.parametrize("node", BACKENDS)
def test_a_backend_without_a_password_lets_no_doctor_in(hospital: Hospital, node: bool) -> None:
    port = free_port()
    with hospital.backend(port, node=node, DOCTOR_PASSWORD=""):
        trust = ssl.create_default_context(cafile=hospital.trust)
        address = f"https://localhost:{port}/doctor/4711"
        assert httpx.get(address, verify=trust, timeout=30, auth=("doctor", "")).status_code == 401


@pytest.fixture
def tokens(hospital: Hospital) -> dict[str, str]:
    """By what is wrong with them; each would begin this session were it not for that."""
    ours, theirs = hospital.announce(), hospital.announce("elsewhere")
    head, claims, signature = ours["publish_token"].split(".")
    return {
        "altered": f"{head}.{claims}.{'A' * len(signature)}",
        "altered claims": f"{head}.{theirs['publish_token'].split('.')[1]}.{signature}",
        "signed elsewhere": hospital.forged(ours["id"]),
        "a key": hospital.keys["ward-3"],
        "for another socket": ours["observe_token"],
        "expired": hospital.expired(ours["id"]),
    }


WRONG = {
    "altered": ("invalid_token", 4401, "This link is not valid"),
    "altered claims": ("invalid_token", 4401, "This link is not valid"),
    "signed elsewhere": ("invalid_token", 4401, "This link is not valid"),
    "a key": ("invalid_token", 4401, "This link is not valid"),
    "for another socket": ("foreign_token", 4403, "This link is for another page."),
    "expired": ("token_expired", 4410, "This link has expired."),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_token_gets_its_own_code_and_nothing_else(
    page: Page, hospital: Hospital, tokens: dict[str, str], wrong: str
) -> None:
    code, close, sentence = WRONG[wrong]
    begun(page, hospital, tokens[wrong])
    attribute(page, "data-state", "error")
    shown(page, sentence)
    heard = page.evaluate(CONVERSATION, [hospital.stream(), tokens[wrong], START])
    assert_only(heard, code, close)


def test_a_used_token_gets_its_own_code_and_nothing_else_while_its_session_goes_on(
    page: Page, hospital: Hospital
) -> None:
    token = hospital.announce()["publish_token"]
    begun(page, hospital, token)
    attribute(page, "data-state", "live", within_s=60)
    attribute(page, "data-grade", re.compile("clear|usable"), within_s=60)  # so something was said
    assert_only(page.evaluate(CONVERSATION, [hospital.stream(), token, START]), "token_used", 4403)
    again = page.context.new_page()
    begun(again, hospital, token)
    attribute(again, "data-state", "error")
    shown(again, "This link was already used.")
    attribute(page, "data-state", "live")


def test_a_token_of_another_site_or_session_opens_nothing_of_this_one(page: Page, hospital: Hospital) -> None:
    ours, sibling, theirs = hospital.announce(), hospital.announce(), hospital.announce("elsewhere")
    begun(page, hospital, ours["publish_token"])
    attribute(page, "data-state", "live", within_s=60)
    for token in (sibling["observe_token"], theirs["observe_token"], theirs["nudge_token"], ours["publish_token"]):
        heard = page.evaluate(CONVERSATION, [hospital.observe(ours["id"]), token, None])
        assert_only(heard, "foreign_token", 4403)
    resume = START | {"resume": {"session_id": ours["id"], "resume_token": "guessed"}}
    for token in (sibling["publish_token"], theirs["publish_token"]):
        assert_only(page.evaluate(CONVERSATION, [hospital.stream(), token, resume]), "foreign_token", 4403)
    attribute(page, "data-state", "live")


def test_a_page_of_an_origin_that_is_not_listed_is_refused_even_with_a_good_token(
    chromium: Browser, hospital: Hospital
) -> None:
    announced = hospital.announce()
    page = chromium.new_page()
    page.goto(f"{hospital.other}/")
    shown(page, f"Is its origin in --allow-origin ({hospital.other})?")
    heard = page.evaluate(CONVERSATION, [hospital.stream(), announced["publish_token"], START])
    assert_only(heard, "forbidden", 4403)
    refused = page.evaluate(
        "async (address) => fetch(address).then(() => 'read', () => 'refused')", f"{hospital.server}v1/label-sets"
    )
    assert refused == "refused"
    page.context.close()


def assert_only(heard: dict[str, Any], code: str, close: int) -> None:
    """One error with this code, closed with that one: no state, no score, no id of anything."""
    (told,) = heard["heard"]
    assert (told["type"], told["error"]["code"], heard["code"], heard["reason"]) == ("error", code, close, code)
    assert not told["error"]["retryable"]
    assert heard["protocol"] == "tingqing.v1", "the token is never echoed"
    assert not re.search(r"[0-9a-f]{32}|eyJ|tq_", str(told["error"]))
