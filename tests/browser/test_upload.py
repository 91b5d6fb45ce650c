"""The page for recordings, in a real Chromium: on a real server with keys, and where each answer is held."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from server.access.principal import Role
from tests.browser.asserting import AXE, FAINT, findings
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server, write_hum
from tests.browser.staff_site import filled, made
from tests.browser.stub import StubServer

pytestmark = pytest.mark.timeout(400)

REAL_TIME_S = 90.0


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def doctors_key(data: Path) -> str:
    return filled(data, Role.DOCTOR)


@pytest.fixture(scope="module")
def url(data: Path, doctors_key: str, chromium_path: str) -> Iterator[str]:
    with running_server("--data-dir", str(data)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder, as a phone leaves it: two recordings, one of them in a folder of its own with what was said in it, a
    letter, and litter."""
    folder = tmp_path / "ward"
    (folder / "monday").mkdir(parents=True)
    write_hum(folder / "患者 1.wav", 6)
    write_hum(folder / "monday" / "b.wav", 4)
    (folder / "monday" / "b.jsonl").write_text('{"text":"我肚子疼","start_s":0.2,"end_s":1.5}', encoding="utf-8")
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7 nothing to hear")
    (folder / ".DS_Store").write_bytes(b"litter")
    return folder


def entered(page: Page, key: str) -> None:
    page.get_by_label(re.compile("^(Key|密钥)$")).fill(key)
    page.get_by_role("button", name=re.compile("^(Sign in|登录)$")).click()
    expect(page.locator("header .staff")).to_be_visible()


def row(page: Page, name: str) -> Locator:
    return page.locator("li.item").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_a_folder_is_assessed_file_by_file_and_the_results_can_be_taken_along(
    url: str, doctors_key: str, open_page: OpenPage, recordings: Path
) -> None:
    page = open_page(f"{url}upload?lang=en", expecting="status of 415")
    entered(page, doctors_key)
    page.get_by_label("Choose a folder").set_input_files(recordings)
    done = page.locator("li.item[data-state=done]")
    expect(done).to_have_count(2, timeout=1000 * REAL_TIME_S)
    expect(page.locator("li.item")).to_have_count(3)  # and not what a system leaves in folders
    refused = row(page, "ward/letter.pdf")
    expect(refused).to_contain_text("Not assessed")
    expect(refused).to_contain_text("The file is a PDF document, not a recording.")
    expect(row(page, "ward/monday/b.wav").get_by_text("With what was said: b.jsonl")).to_be_visible()
    heard = row(page, "ward/患者 1.wav")
    expect(heard.get_by_text("With what was said")).to_have_count(0)
    expect(heard.get_by_role("img", name="Waveform of ward/患者 1.wav, 6 s")).to_be_visible()
    heard.get_by_text("Each label").click()
    expect(heard.get_by_role("meter").first).to_be_visible()
    with page.expect_popup() as report:
        heard.get_by_role("link", name="Open the report (to print)").click()
    expect(report.value.get_by_role("heading", name="Recording quality report")).to_be_visible()
    expect(report.value.get_by_text("患者 1.wav").first).to_be_visible()
    expect(report.value.get_by_text("No waveform was kept")).to_have_count(0)
    report.value.close()
    expect(page.get_by_text("3 of 3 done, 0 accepted")).to_be_visible()
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(table.value.path().read_text("utf-8-sig").splitlines()))
    assert {each["File"] for each in rows} == {"ward/患者 1.wav", "ward/monday/b.wav", "ward/letter.pdf"}
    with page.expect_download() as whole:
        page.get_by_role("button", name="JSON").click()
    told = {each["file"]: each for each in json.loads(whole.value.path().read_text("utf-8"))}
    assert told["ward/monday/b.wav"]["result"]["source"]["duration_s"] == pytest.approx(4)
    assert told["ward/monday/b.wav"]["result"]["labels"]["pain_location"]["state"] == "stated"
    assert told["ward/letter.pdf"]["error"]["code"] == "undecodable_file"
    page.click("#language")
    expect(refused).to_contain_text("PDF 文档")
    for colour in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if colour == "dark" else "light")
        page.set_viewport_size({"width": 360, "height": 740})
        readable(page)
    page.get_by_role("button", name="清空列表").click()
    expect(page.locator("li.item")).to_have_count(0)


def readable(page: Page) -> None:
    if AXE.exists():
        assert findings(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


@pytest.mark.parametrize(("lang", "sentence"), [("en", "A viewer key only watches."), ("zh", "查看密钥只能查看")])
def test_who_may_only_watch_is_told_which_key_sends(
    url: str, data: Path, open_page: OpenPage, lang: str, sentence: str
) -> None:
    page = open_page(f"{url}upload?lang={lang}", viewport={"width": 360, "height": 740})
    entered(page, made(data, Role.VIEWER))
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.locator(".zone")).to_be_hidden()
    readable(page)


def test_the_pages_for_staff_lead_to_each_other(url: str, open_page: OpenPage) -> None:
    page = open_page(f"{url}dashboard?lang=en")
    page.get_by_role("link", name="Assess recordings").click()
    expect(page).to_have_url(f"{url}upload")
    expect(page.locator("nav a")).to_have_count(5)  # an address is there before its page
    assert page.evaluate("[...document.querySelectorAll('nav a')].map((one) => one.getAttribute('href'))") == [
        "doctor",
        "dashboard",
        "review",
        "upload",
        "webhooks",
    ]
    expect(page.get_by_role("link", name="Webhooks")).to_have_count(0)  # for who may use it


def test_two_go_at_once_and_each_can_be_let_go(stub: StubServer, open_page: OpenPage, recordings: Path) -> None:
    page = open_page(f"{stub.url}upload?lang=en")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/assess", hold)
    sound = (recordings / "monday" / "b.wav").read_bytes()
    files = [FilePayload(name=f"{name}.wav", mimeType="audio/wav", buffer=sound) for name in "abc"]
    page.get_by_label("Choose files").set_input_files(files)
    expect(page.locator("li.item[data-state=working]")).to_have_count(2)
    expect(row(page, "c.wav")).to_contain_text("Waiting")
    expect(page.get_by_role("progressbar", name="a.wav: sent so far")).to_be_visible()
    page.get_by_role("button", name="Cancel a.wav").focus()
    page.keyboard.press("Enter")
    expect(row(page, "a.wav")).to_contain_text("Cancelled")
    expect(row(page, "c.wav")).to_have_attribute("data-state", "working")
    page.get_by_role("button", name="Cancel b.wav").click()
    page.get_by_role("button", name="Cancel c.wav").click()
    expect(page.get_by_text("3 of 3 done, 0 accepted")).to_be_visible()
    readable(page)


def test_a_recording_that_is_dropped_anywhere_on_the_page_is_assessed(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}upload?lang=en")
    expect(page.locator(".zone")).to_be_visible()  # the page knows by now that recordings may be sent
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(4000)], 'dropped.wav', { type: 'audio/wav' }));
          document.body.dispatchEvent(new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true }));
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    expect(row(page, "dropped.wav")).to_contain_text("Record again")
    assert stub.uploads.get_nowait() == "dropped.wav"
