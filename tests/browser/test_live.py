"""End to end: a real file as the microphone of a real Chromium, the real server, the patient's and doctor's pages.

Sound passes in real time here: these tests wait for so many updates of the server, however long they take.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asserting import PROMPT, attribute, shown, until, without_attribute
from tests.browser.conftest import OpenPage
from tests.browser.proxy import CuttableProxy
from tests.browser.serving import running_server

MixWav = Callable[[str], Path]

REAL_TIME_S = 90.0
"""For some ten seconds of sound, heard and judged on whatever machine this is."""
CALM_UPDATES = 12
"""Without a prompt. A noisy room brings one within half as many."""
NOISY = ["034", "015"]
CLEAN = ["000", "001"]

PROMPTS = """() => {
  window.raised = []; window.updates = 0;
  addEventListener('tingqing-message', ({ detail }) => {
    if (detail.type === 'prompt.raised') raised.push(detail.id);
    if (detail.type === 'quality.update') updates += 1;
  });
}"""
WINDOWS = """() => {
  window.states = []; window.ends = []; window.gaps = 0;
  const patient = document.querySelector('tingqing-patient');
  new MutationObserver(() => states.push(patient.dataset.state)).observe(patient, { attributeFilter: ['data-state'] });
  addEventListener('tingqing-message', ({ detail }) => {
    if (detail.type === 'quality.update') ends.push(detail.window.end_s);
    if (detail.code === 'audio_gap') gaps += 1;
  });
}"""

# Several of these waits in one test, on a machine that is busy with others.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def port(chromium_path: str) -> Iterator[int]:
    """A server of this very checkout, on a free port."""
    with running_server() as started:
        yield started


@pytest.fixture
def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def speak(open_page: OpenPage, url: str, wav: Path, *, watched_by: str = "() => {}") -> Page:
    """``watched_by``: a script that runs before anything is said, so that it misses nothing."""
    page = open_page(url, wav=wav)
    attribute(page, "data-state", "idle")
    page.evaluate(watched_by)
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    return page


def follow(page: Page, url: str) -> Page:
    """The doctor's page of the same session, in a tab beside it."""
    session = page.locator("tingqing-patient").get_attribute("data-session")
    doctor = page.context.new_page()
    doctor.goto(f"{url}doctor?session={session}")
    attribute(doctor, "data-session", session or "none")
    return doctor


def test_noisy_room_brings_the_prompt_to_both_pages(url: str, open_page: OpenPage, mix_wav: MixWav) -> None:
    rooms = [(page, follow(page, url)) for page in (speak(open_page, url, mix_wav(mix)) for mix in NOISY)]
    for page, doctor in rooms:
        attribute(page, "data-prompt", PROMPT, within_s=REAL_TIME_S)
        attribute(doctor, "data-prompt", PROMPT)
        attribute(doctor, "data-grade", re.compile("usable|poor"))
        attribute(doctor, "data-state", "live")
        shown(page, "Please move somewhere quieter.")
        quiet = doctor.get_by_role("meter", name="Quiet room")
        expect(quiet).to_have_attribute("aria-valuetext", re.compile("low"))


def test_clear_speech_brings_no_prompt(url: str, open_page: OpenPage, mix_wav: MixWav) -> None:
    pages = [speak(open_page, url, mix_wav(mix), watched_by=PROMPTS) for mix in CLEAN]
    doctor = follow(pages[0], url)
    attribute(pages[0], "data-grade", "clear", within_s=REAL_TIME_S)
    attribute(doctor, "data-grade", "clear")
    for page in pages:
        until(page, f"updates >= {CALM_UPDATES}", within_s=REAL_TIME_S)
        assert page.evaluate("raised") == []
        without_attribute(page, "data-prompt")


def test_not_now_takes_the_prompt_from_both_pages_and_finish_brings_the_verdict(
    url: str, open_page: OpenPage, mix_wav: MixWav
) -> None:
    page = speak(open_page, url, mix_wav("030"))
    doctor = follow(page, url)
    attribute(page, "data-prompt", PROMPT, within_s=REAL_TIME_S)
    attribute(doctor, "data-prompt", PROMPT)
    page.click("[part=not-now]")
    without_attribute(page, "data-prompt")
    without_attribute(doctor, "data-prompt")
    page.click("[part=finish]")
    attribute(page, "data-state", "ended")
    expect(page.locator("[part=verdict]")).to_contain_text("once more")
    attribute(doctor, "data-state", "ended")
    expect(doctor.locator("[part=word]")).to_have_text(re.compile("Record again|Unusable"))


def test_session_continues_after_a_lost_connection(port: int, open_page: OpenPage, mix_wav: MixWav) -> None:
    with CuttableProxy(port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/"
        page = speak(open_page, url, mix_wav("000"), watched_by=WINDOWS)
        doctor = follow(page, f"http://127.0.0.1:{port}/")
        session = page.locator("tingqing-patient").get_attribute("data-session")
        until(page, "ends.length >= 4", within_s=REAL_TIME_S)
        proxy.cut()
        until(page, "states.includes('reconnecting') && states.at(-1) === 'live'", within_s=REAL_TIME_S)
        until(page, "ends.length >= 9", within_s=REAL_TIME_S)
        assert page.locator("tingqing-patient").get_attribute("data-session") == session
        ends = page.evaluate("ends")
        assert ends == list(range(3, 3 + len(ends))), "no window lost, none twice"
        assert page.evaluate("gaps") == 0
        attribute(doctor, "data-state", "live")
        attribute(doctor, "data-grade", re.compile("clear|usable"))


def test_dropped_recording_gets_its_verdict(url: str, open_page: OpenPage, mixes: Path) -> None:
    page = open_page(url, locale="zh-CN")
    page.set_input_files("input[type=file]", next(mixes.glob("030*.flac")))
    expect(page.locator("[part=verdict]")).to_contain_text("我们再试一次吧", timeout=REAL_TIME_S * 1000)
    expect(page.get_by_role("meter", name="环境安静")).to_have_attribute("aria-valuetext", re.compile("低"))


def test_file_that_is_not_a_recording_gets_an_error_message(url: str, open_page: OpenPage, tmp_path: Path) -> None:
    note = tmp_path / "note.wav"
    note.write_text("not a recording")
    page = open_page(url, expecting="status of 415")
    with page.expect_response("**/v1/assess") as answer:
        page.set_input_files("input[type=file]", note)
    assert answer.value.status == 415
    shown(page, "No sound could be read from this file.")
    page.click("#language")
    shown(page, "无法从此文件中读取声音")
