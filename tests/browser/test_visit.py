"""A visit from the invitation to the verdict: a real server with keys, and two Chromiums that speak with each other."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_keys
from server.settings import Settings
from tests.browser.asserting import AXE, FAINT, HEARING, findings, until
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server, write_wav

RATE = 16_000
REAL_TIME_S = 90.0

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, "ward-3", Role.DOCTOR, utc_now()))[0]

    return data, asyncio.run(create())


@pytest.fixture(scope="module")
def url(keys: tuple[Path, str], chromium_path: str) -> Iterator[str]:
    with running_server("--data-dir", str(keys[0])) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def visit(url: str, keys: tuple[Path, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {keys[1]}"}
    announced: dict[str, Any] = httpx.post(
        f"{url}v1/sessions", headers=headers, json={"mode": "visit"}, timeout=30
    ).json()
    return announced


@pytest.fixture(scope="module")
def turns(mixes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Microphones. The patient's: 12 s of clean speech, then the doctor's voice from the loudspeaker, faint, over the
    floor of a quiet room. The doctor's: speech without end."""
    folder = tmp_path_factory.mktemp("turns")
    (patient,), (doctor,) = (list(mixes.glob(f"{name}*.flac")) for name in ("000", "004"))
    doctors = write_wav(folder / "doctor.wav", [doctor])
    said, rate = soundfile.read(patient, dtype="float32")
    heard, _ = soundfile.read(doctors, dtype="float32")
    assert rate == RATE
    floor = np.random.default_rng(5).normal(0, 10 ** (-66 / 20), said.size + heard.size)
    both = np.concatenate([said, heard * 10 ** (-16 / 20)]) + floor
    soundfile.write(folder / "patient.wav", both.astype(np.float32), rate, subtype="PCM_16")
    return folder / "patient.wav", doctors


def state(page: Page, value: str, within_s: float = 60.0) -> None:
    expect(page.locator(".visit")).to_have_attribute("data-state", value, timeout=within_s * 1000)


def joined(open_page: OpenPage, link: str, **options: Any) -> Page:
    page = open_page(f"{link.replace('#', '&lang=en#')}", **options)
    page.click("#join")
    return page


LISTEN = """() => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  const video = document.querySelector('#remote');
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  const pcm = new Float32Array(2048);
  window.loudest = 0;
  setInterval(() => {
    analyser.getFloatTimeDomainData(pcm);
    if (!video.paused && !video.muted) window.loudest = Math.max(window.loudest, ...pcm.map(Math.abs));
  }, 40);
}"""
"""From now on ``loudest`` is the peak of what the page has played of the other side, 0..1."""

TOLD = """() => {
  window.told = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && data.includes('far_end')) told.push(JSON.parse(data).speaking);
    send.call(this, data);
  };
}"""


def test_doctor_and_patient_hear_each_other_and_listening_brings_no_prompt(
    visit: dict[str, Any], open_page: OpenPage, turns: tuple[Path, Path]
) -> None:
    # Two browsers tell each other their addresses only where a person has allowed the microphone.
    allowed = {"permissions": ["microphone"]}
    doctor = joined(open_page, visit["visit_doctor_url"], wav=turns[1], **allowed)
    state(doctor, "waiting")
    expect(doctor.get_by_role("status").first).to_have_text("The patient is not here yet.")
    doctor.click("#mute")
    page = open_page(visit["visit_url"].replace("#", "&lang=en#"), wav=turns[0], **allowed)
    page.evaluate(TOLD)
    page.evaluate(
        """() => {
          window.raised = []; window.heardTo = 0;
          addEventListener('tingqing-message', ({detail}) => {
            if (detail.type === 'prompt.raised') raised.push(detail.id);
            if (detail.type === 'quality.update') heardTo = detail.window.end_s;
          });
          addEventListener('tingqing-state', ({detail}) => { window.last = detail; });
        }"""
    )
    page.click("#join")
    for each in (page, doctor):
        state(each, "linked")
    page.evaluate(LISTEN)
    doctor.evaluate(LISTEN)
    until(doctor, "loudest > 0.05", within_s=REAL_TIME_S)
    until(page, "heardTo >= 11", within_s=REAL_TIME_S)
    assert page.evaluate("loudest") < 0.01, "the doctor is muted"
    assert page.evaluate("told").count(True) == 0
    doctor.click("#mute")
    until(page, "loudest > 0.05", within_s=REAL_TIME_S)
    until(page, "told.includes(true)", within_s=REAL_TIME_S)
    expect(doctor.locator("tingqing-doctor")).to_have_attribute("data-state", "live")
    until(page, "heardTo >= 30", within_s=REAL_TIME_S)
    assert page.evaluate("raised") == [], "the patient listens, which is no fault"
    page.click("#leave")
    state(page, "ended")
    state(doctor, "waiting")
    expect(doctor.get_by_role("status").first).to_have_text("The patient has left the call.")
    until(page, "last?.kind === 'ended'")
    assert page.evaluate("last.result.mode") == "visit"
    # A browser that gets no CPU loses sound, which is told. Nothing else may be.
    failed = page.evaluate(
        "Object.entries(last.result.labels).filter(([, one]) => one.passed === false).map(([id]) => id)"
    )
    assert set(failed) <= {"continuous_signal"}
    assert page.evaluate("last.result.overall.verdict") == "accept" or failed
    expect(page.get_by_text("This is clear. The doctor can use it.")).to_be_visible()


def test_a_reload_finds_back_into_the_call_and_a_second_use_of_the_link_does_not(
    visit: dict[str, Any], open_page: OpenPage, voice_wav: Path
) -> None:
    doctor = joined(open_page, visit["visit_doctor_url"])
    page = joined(open_page, visit["visit_url"])
    page.evaluate(HEARING)
    for each in (page, doctor):
        state(each, "linked")
    strip = page.locator("tingqing-strip")
    expect(strip).to_have_attribute("data-state", "live")
    until(page, "scores > 0", within_s=REAL_TIME_S)  # until something was heard the same link may begin again
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    state(doctor, "waiting")
    stranger = open_page(visit["visit_url"].replace("#", "&lang=en#"), expecting="status of 403")
    state(stranger, "failed")
    expect(stranger.get_by_text(re.compile("This link was already used")).first).to_be_visible()
    expect(stranger.locator("#join")).to_be_hidden()
    page.click("#join")
    for each in (page, doctor):
        state(each, "linked")
    expect(page.locator("tingqing-strip")).to_have_attribute("data-state", "live")


def test_a_camera_is_seen_on_the_other_side_and_is_dark_again(visit: dict[str, Any], open_page: OpenPage) -> None:
    doctor, page = joined(open_page, visit["visit_doctor_url"]), joined(open_page, visit["visit_url"])
    for each in (page, doctor):
        state(each, "linked")
    page.click("#camera")
    until(doctor, "document.querySelector('#remote').videoWidth > 0")
    expect(page.locator("#own")).to_be_visible()
    page.click("#camera")
    expect(doctor.locator(".stage.seen")).to_have_count(0)
    expect(page.locator("#own")).to_be_hidden()
    state(page, "linked")


SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=radio])')]
  .filter((at) => at.checkVisibility())
  .map((at) => [at.textContent, at.getBoundingClientRect()])
  .filter(([, box]) => box.height < 48 || box.width < 48).map(([text]) => text)"""


def readable(page: Page, width: int) -> None:
    if AXE.exists():
        assert findings(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_the_page_of_a_call_can_be_read_on_a_phone(
    visit: dict[str, Any], open_page: OpenPage, locale: str, scheme: str
) -> None:
    phone = {"locale": locale, "color_scheme": scheme, "viewport": {"width": 360, "height": 700}}
    doctor, page = (open_page(visit[name], **phone) for name in ("visit_doctor_url", "visit_url"))
    for each in (doctor, page):
        readable(each, 360)
        each.click("#join")
    for each in (doctor, page):
        state(each, "linked")
        readable(each, 360)
    page.click("#leave")
    state(page, "ended")
    readable(page, 360)
    expect(page.locator("#join")).to_be_hidden()


def test_a_link_without_a_session_says_what_to_open(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}visit?lang=en")
    expect(page.get_by_role("status")).to_have_text(
        "This link is not complete. Please open the link that you were sent."
    )
    expect(page.locator("#join")).to_be_hidden()


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_a_doctor_who_signed_in_invites_a_patient(
    url: str, keys: tuple[Path, str], open_page: OpenPage, locale: str, scheme: str
) -> None:
    zh = locale == "zh-CN"
    doctor = open_page(
        f"{url}doctor",
        locale=locale,
        color_scheme=scheme,
        viewport={"width": 360, "height": 700},
        permissions=["microphone", "clipboard-read", "clipboard-write"],
    )
    doctor.get_by_label("密钥" if zh else "Key", exact=True).fill(keys[1])
    doctor.get_by_role("button", name="登录" if zh else "Sign in").click()
    doctor.get_by_label(re.compile("备注编号" if zh else "Your own reference")).fill("bed 12")
    readable(doctor, 360)
    doctor.get_by_role("button", name="生成链接" if zh else "Make the links").click()
    code = doctor.get_by_role("img", name="患者链接的二维码" if zh else "QR code of the patient’s link")
    expect(code.locator("svg path")).to_have_count(2)
    readable(doctor, 360)
    doctor.get_by_role("button", name="复制患者链接" if zh else "Copy the patient’s link").click()
    expect(doctor.get_by_role("button", name="已复制" if zh else "Copied")).to_be_visible()
    link = doctor.evaluate("navigator.clipboard.readText()")
    page = open_page(link, locale=locale)
    page.click("#join")
    state(page, "waiting")
    doctor.get_by_role("link", name="进入通话（医生）" if zh else "Join the call (doctor)").click()
    doctor.click("#join")
    state(page, "linked")
    expect(doctor.locator("tingqing-doctor [part=nudge]")).to_be_visible()


def test_a_recording_is_invited_too_and_another_one_after_it(
    url: str, keys: tuple[Path, str], open_page: OpenPage
) -> None:
    doctor = open_page(f"{url}doctor")
    doctor.get_by_label("Key", exact=True).fill(keys[1])
    doctor.get_by_role("button", name="Sign in").click()
    doctor.get_by_label("A recording: the patient speaks alone").check()
    doctor.get_by_role("button", name="Make the links").click()
    watch = doctor.get_by_role("link", name="Open the doctor’s page")
    expect(watch).to_have_attribute("href", re.compile(r"/doctor\?session=[0-9a-f]{32}#token="))
    first = doctor.locator(".ready").get_attribute("data-session")
    doctor.get_by_role("button", name="Make another").click()
    doctor.get_by_role("button", name="Make the links").click()
    expect(doctor.locator(".ready")).not_to_have_attribute("data-session", first or "none")
