"""What docs/integrate.md shows is run: a call in React and in Vue, beside three SDKs, a frame, a backend in Node. All
pages come over TLS from another origin than the server, with the content security policy of the examples, and speak
side by side in one Chromium."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Frame, HttpCredentials, Page, Playwright

from tests.browser.asserting import attribute, shown, until
from tests.browser.conftest import require
from tests.browser.hospital import DOCTOR, EXAMPLES, Hospital, hospital_beside, trusting_browsers
from tests.conftest import ROOT
from tests.ports import free_port

pytestmark = pytest.mark.timeout(400)

JS = ROOT / "tools" / "js"
WITHIN_S = 120.0
CHINESE = re.compile("[\u4e00-\u9fff]")

SCORED = """() => {
  window.scored = 0;
  addEventListener('tingqing-message', ({ detail }) => {
    if (detail.type === 'quality.update') window.scored += 1;
    if (detail.type === 'session.ended') window.result = detail.result;
  });
}"""

FAKES = {
    "livekit": """async (track) => {
      const acts = {};
      const publication = { source: 'microphone', track: { mediaStreamTrack: track } };
      const room = {
        localParticipant: { getTrackPublication: (source) => (source === 'microphone' ? publication : undefined) },
        remoteParticipants: new Map(),
        on(name, act) { acts[name] = act; return room; },
      };
      return {
        given: [room],
        doctorSpeaks: (heard) => acts.trackSubscribed({ kind: 'audio', mediaStreamTrack: heard }),
        mute: () => acts.trackMuted(publication, { isLocal: true }),
        unmute: () => acts.trackUnmuted(publication, { isLocal: true }),
        switchTo(other) { publication.track.mediaStreamTrack = other; acts.activeDeviceChanged('audioinput', ''); },
        end: () => acts.disconnected(),
      };
    }""",
    "agora": """async (track) => {
      const acts = {};
      const microphone = { getMediaStreamTrack: () => track, on: (name, act) => { acts[name] = act; } };
      let remote;
      const call = {
        on: (name, act) => { acts[name] = act; },
        subscribe: async (user, kind) => ({ getMediaStreamTrack: () => user[kind] }),
      };
      return {
        given: [call, microphone],
        doctorSpeaks: (heard) => acts['user-published']({ uid: 7, audio: heard }, 'audio'),
        mute: () => client.pause(),
        unmute: () => client.resume(),
        switchTo: (other) => acts['track-updated'](other),
        end: () => client.finish(),
      };
    }""",
    "trtc": """async (track) => {
      const acts = {};
      const trtc = { getAudioTrack: () => track, on: (name, act) => { acts[name] = act; } };
      return {
        given: [trtc],
        doctorSpeaks: (heard) => acts.track({ userId: 'doctor', streamType: 'main', track: heard }),
        mute: () => client.pause(),
        unmute: () => client.resume(),
        switchTo: (other) => acts.track({ userId: '', streamType: 'main', track: other }),
        end: () => client.finish(),
      };
    }""",
}
"""Objects of the shape that each SDK documents, as far as the example uses it, and what makes them speak."""

BESIDE = """async (name) => {
  const { visit } = await import('/visit.js');
  const { listen } = await import(`/calls/${name}.js`);
  const ready = await visit();
  if (!ready) throw new Error(document.querySelector('#said').textContent);
  window.track = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
  window.sdk = await (FAKE)(track);
  window.told = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && data.includes('far_end')) told.push(JSON.parse(data).speaking);
    send.call(this, data);
  };
  window.client = listen(...sdk.given, ready);
  window.scored = 0;
  client.on('message', ({ type }) => { window.scored += type === 'quality.update'; });
}"""


@dataclass
class Opened:
    """A page that speaks. ``at``: where the listening is, the page itself or its frame."""

    page: Page
    at: Page | Frame
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the compiled pages in it, as an integrator's bundler makes them; the SDK's modules beside them."""
    require(str(JS / "node_modules" / "vue") if (JS / "node_modules" / "vue").exists() else None, "npm ci in tools/js")
    npm = require(shutil.which("npm"), "npm (apt-get install npm)")
    copy = shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("examples") / "examples")
    shutil.copytree(copy / "calls", copy / "pages" / "calls")
    framed_page = (copy / "pages" / "frame.html").read_text(encoding="utf-8")
    for name in ("index", "call", "frame", "react", "vue"):
        page = (copy / "pages" / f"{name}.html").read_text(encoding="utf-8")
        chinese = page.replace('<html lang="en">', '<html lang="zh-CN">')
        assert chinese != page
        (copy / "pages" / f"{name}-zh.html").write_text(chinese, encoding="utf-8")
    without = framed_page.replace("microphone; ", "")
    assert without != framed_page
    (copy / "pages" / "without.html").write_text(without, encoding="utf-8")
    subprocess.run([npm, "--prefix", str(JS), "run", "--silent", "examples", "--", str(copy / "pages")], check=True)
    return copy


@pytest.fixture(scope="module")
def hospital(chromium_path: str, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital_beside(tmp_path_factory.mktemp("data"), examples, "--no-mos", "--no-denoiser") as hospital:
        yield hospital


@pytest.fixture(scope="module")
def chromium(
    playwright: Playwright,
    chromium_path: str,
    hospital: Hospital,
    mix_wav: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    with trusting_browsers(playwright, chromium_path, lambda: tmp_path_factory.mktemp("home")) as browser:
        yield browser(mix_wav("000"), hospital.trust)


def patient(chromium: Browser) -> Page:
    signed_in: HttpCredentials = {"username": DOCTOR[0], "password": DOCTOR[1]}
    context = chromium.new_context(locale="en-GB", http_credentials=signed_in)
    context.set_default_timeout(1000 * WITHIN_S)
    context.set_default_navigation_timeout(1000 * WITHIN_S)
    return context.new_page()


def opened(chromium: Browser, address: str) -> Opened:
    page = patient(chromium)
    one = Opened(page, page)
    page.on("console", lambda said: one.complaints.extend([said.text] if said.type in ("error", "warning") else []))
    page.on("pageerror", lambda error: one.complaints.append(str(error)))
    page.goto(address)
    return one


def framed(one: Opened) -> Frame:
    one.page.locator("iframe:not([hidden])").wait_for()
    frame = one.page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    frame.locator("[part=start]").wait_for()
    return frame


def speaks(chromium: Browser, hospital: Hospital, name: str) -> Opened:
    """Opened, and somebody has pressed what there is to press."""
    one = opened(chromium, f"{hospital.portal}/{'call' if name in FAKES else name}.html?visit={name}")
    if name in FAKES:
        one.page.evaluate(BESIDE.replace("FAKE", FAKES[name]), name)
    elif name == "frame":
        one.at = framed(one)
        one.at.evaluate(SCORED)
        one.at.click("[part=start]")
    else:
        one.page.evaluate(SCORED)
        one.page.click("#join")
    return one


@contextmanager
def all_speak(chromium: Browser, hospital: Hospital, names: Iterable[str]) -> Iterator[dict[str, Opened]]:
    """At the same time: each has a score by the time that the first one is looked at."""
    pages = {name: speaks(chromium, hospital, name) for name in names}
    yield pages
    for name, one in pages.items():
        one.page.context.close()
        assert one.complaints == [], name


@pytest.fixture(scope="module")
def speaking(chromium: Browser, hospital: Hospital) -> Iterator[dict[str, Opened]]:
    with all_speak(chromium, hospital, ("frame", "react", "vue")) as pages:
        yield pages


@pytest.fixture(scope="module")
def calling(chromium: Browser, hospital: Hospital) -> Iterator[dict[str, Opened]]:
    with all_speak(chromium, hospital, FAKES) as pages:
        yield pages


@pytest.mark.parametrize("name", ["react", "vue"])
def test_a_component_judges_the_calls_own_microphone_and_gives_a_verdict_when_the_call_ends(
    speaking: dict[str, Opened], name: str
) -> None:
    page = speaking[name].page
    until(page, "scored > 0", within_s=WITHIN_S)
    assert page.locator("#call").get_attribute("data-state") == "live"
    assert page.evaluate("document.querySelector('tingqing-strip').client.capturedFrom") == "given"
    page.click("#leave")
    until(page, f"window.result?.reference === 'visit {name}'", within_s=WITHIN_S)
    until(page, "document.querySelector('#call').dataset.state === 'ended'")


def test_a_frame_of_another_origin_listens_with_the_token_behind_its_address(speaking: dict[str, Opened]) -> None:
    frame = speaking["frame"].at
    until(frame, "scored > 0", within_s=WITHIN_S)
    frame.click("[part=finish]")
    until(frame, "window.result?.mode === 'visit'", within_s=WITHIN_S)


@pytest.mark.parametrize("name", FAKES)
def test_the_track_of_an_sdk_is_judged_and_its_remote_voice_is_the_doctors(
    calling: dict[str, Opened], name: str
) -> None:
    page = calling[name].page
    until(page, "scored > 0", within_s=WITHIN_S)
    assert page.evaluate("[client.capturedFrom, client.options.language]") == ["given", "en"]
    assert page.evaluate("told") == []
    page.evaluate("sdk.doctorSpeaks(track.clone())")
    until(page, "told.includes(true)", within_s=WITHIN_S)
    page.evaluate("sdk.mute()")
    until(page, "client.state.kind === 'paused'")
    page.evaluate("sdk.switchTo(track.clone())")
    page.evaluate("sdk.unmute()")
    until(page, "client.state.kind === 'live'")
    assert page.evaluate("client.options.source !== track"), "another microphone of the call"
    page.evaluate("sdk.end()")
    until(page, "client.state.kind === 'ended'", within_s=WITHIN_S)
    assert page.evaluate("client.state.result.reference") == f"visit {name}"
    assert page.evaluate("track.readyState") == "live", "the call's own"


def test_a_frame_without_allow_says_that_the_page_forbids_the_microphone(chromium: Browser, hospital: Hospital) -> None:
    one = opened(chromium, f"{hospital.portal}/without.html?visit=without")
    frame = framed(one)
    frame.click("[part=start]")
    frame.get_by_text("This page is set up so that it may not use the microphone.").wait_for()
    one.page.context.close()


def test_the_backend_in_node_serves_the_same_pages_with_the_same_headers(
    chromium: Browser, hospital: Hospital, examples: Path
) -> None:
    port = free_port()
    with hospital.backend(port, examples, node=True):
        trust = ssl.create_default_context(cafile=hospital.trust)
        paths = ("/", "/plain.js", "/nothing.html", "/../backend/backend.mjs", "/visit/4711")
        with httpx.Client(verify=trust, timeout=30) as http:
            asked = [http.get(f"https://localhost:{port}{path}") for path in paths]
            assert [answer.status_code for answer in asked] == [200, 200, 404, 404, 405]
            told = http.post(f"https://localhost:{port}/visit/4711")
            doctor = http.get(f"https://localhost:{port}/doctor/4711", auth=DOCTOR)
        assert (told.status_code, sorted(told.json())) == (200, ["server", "token"])
        assert (doctor.status_code, doctor.headers["location"].split("#")[0][:-32]) == (
            302,
            f"{hospital.server}doctor?session=",
        )
        same = httpx.get(f"{hospital.portal.replace('portal.localhost', 'localhost')}/", verify=trust, timeout=30)
        for name in ("content-security-policy", "permissions-policy", "cache-control"):
            assert asked[0].headers[name] == same.headers[name], name
        assert asked[0].text == same.text


def test_the_backend_in_node_passes_on_that_the_server_is_not_there(hospital: Hospital) -> None:
    port = free_port()
    with hospital.backend(port, node=True, TINGQING_SERVER=f"https://localhost:{free_port()}/"):
        trust = ssl.create_default_context(cafile=hospital.trust)
        assert httpx.post(f"https://localhost:{port}/visit/4711", verify=trust, timeout=30).status_code == 502


def test_the_doctor_of_a_visit_is_led_to_its_page(chromium: Browser, hospital: Hospital) -> None:
    one = opened(chromium, f"{hospital.portal}/?visit=4714")
    one.page.locator("[part=start]").click()
    attribute(one.page, "data-state", "live", within_s=WITHIN_S)
    doctor = one.page.context.new_page()
    doctor.goto(f"{hospital.portal}/doctor/4714")
    attribute(doctor, "data-state", "live", within_s=WITHIN_S)
    shown(doctor, "Tell the patient")
    one.page.context.close()
    assert one.complaints == []


def test_a_page_in_chinese_speaks_chinese_with_its_patient(chromium: Browser, hospital: Hospital) -> None:
    says = {"index": "[part=start]", "react": "#join", "vue": "#join"}
    for name, button in says.items():
        one = opened(chromium, f"{hospital.portal}/{name}-zh.html?visit={name}-zh")
        one.page.locator(button).filter(has_text=CHINESE).wait_for()
        if name != "index":
            assert one.page.locator("tingqing-strip").get_attribute("lang") == "zh"
        one.page.context.close()
        assert one.complaints == []
    one = opened(chromium, f"{hospital.portal}/frame-zh.html?visit=frame-zh")
    framed(one).locator("[part=start]").filter(has_text=CHINESE).wait_for()
    one.page.context.close()


def test_a_call_in_chinese_gives_its_language_to_the_client(chromium: Browser, hospital: Hospital) -> None:
    one = opened(chromium, f"{hospital.portal}/call-zh.html?visit=call-zh")
    one.page.click("#join")
    until(one.page, "window.client?.options.language === 'zh'", within_s=WITHIN_S)
    one.page.context.close()


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("index", "No listener (500). Your visit goes on without it."),
        ("index-zh", "这次没有听清帮忙（500），不影响就诊。"),
    ],
)
def test_what_went_wrong_is_said_in_the_language_of_the_page(
    chromium: Browser, hospital: Hospital, page: str, said: str
) -> None:
    opened_page = patient(chromium)
    opened_page.route("**/visit/*", lambda route: route.fulfill(status=500))
    opened_page.goto(f"{hospital.portal}/{page}.html")
    shown(opened_page, said)
    opened_page.unroute_all()
    opened_page.route("**/visit/*", lambda route: route.abort())
    opened_page.reload()
    shown(opened_page, "No connection." if page == "index" else "网络不通")
    opened_page.context.close()
