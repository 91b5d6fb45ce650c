"""The dashboard and the review in a real Chromium, on a server with keys and results."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.asserting import AXE, FAINT, findings, shown
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server
from tests.browser.staff_site import filled

pytestmark = pytest.mark.timeout(400)


CLIPPED = """() => {
  const chart = document.querySelector('svg.columns').getBoundingClientRect();
  const texts = [...document.querySelectorAll('svg.columns text')];
  return texts.filter((one) => {
    const box = one.getBoundingClientRect();
    return box.left < chart.left || box.right > chart.right || box.top < chart.top || box.bottom > chart.bottom;
  }).map((one) => one.textContent);
}"""
"""Texts of the chart that do not fit into it."""


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data = tmp_path_factory.mktemp("data")
    return data, filled(data)


@pytest.fixture(scope="module")
def url(site: tuple[Path, str], chromium_path: str) -> Iterator[str]:
    with running_server("--data-dir", str(site[0])) as port:
        yield f"http://127.0.0.1:{port}/"


def entered(page: Page, key: str) -> None:
    page.get_by_label(re.compile("^(Key|密钥)$")).fill(key)
    page.get_by_role("button", name=re.compile("^(Sign in|登录)$")).click()


def assert_readable(page: Page, width: int) -> None:
    if AXE.exists():
        assert findings(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dashboard_shows_what_was_good_at_once_and_what_failed(
    url: str, site: tuple[Path, str], open_page: OpenPage
) -> None:
    page = open_page(f"{url}dashboard?lang=en")
    entered(page, site[1])
    shown(page, "4 recordings, 2 min")
    tile = page.locator(".tiles li").filter(has_text="Good at the first try")
    expect(tile).to_contain_text("33 %")
    expect(tile).to_contain_text("1 of 3, 95 % interval 6–79 %")
    expect(page.locator(".tiles li").filter(has_text="Good in the end")).to_contain_text("67 %")
    expect(page.locator(".tiles li").filter(has_text="Prompts followed")).to_contain_text("50 %")
    expect(page.locator("svg.columns rect")).to_have_count(2)
    expect(page.get_by_role("img", name=re.compile("Column chart"))).to_be_visible()
    shown(page, "No strong background noise")
    assert page.evaluate(CLIPPED) == []
    expect(page.get_by_role("columnheader", name="Count and 95 % interval")).to_have_count(3)
    expect(page.get_by_role("rowheader", name="Telemedicine")).to_have_count(1)
    page.get_by_label("Department").select_option(label="ENT")
    shown(page, "2 recordings, 1 min")
    page.get_by_label("Time").select_option("90")
    page.get_by_label("Department").select_option(label="All departments")
    shown(page, "5 recordings, 2 min")
    page.click("#language")
    expect(page.get_by_role("heading", name="每日一次通过率")).to_be_visible()
    assert page.evaluate("document.cookie") == "", "no script sees it"


@pytest.mark.parametrize("colour", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["dashboard", "review"])
def test_a_page_for_staff_can_be_read_on_a_narrow_screen(
    url: str, site: tuple[Path, str], open_page: OpenPage, name: str, lang: str, colour: str
) -> None:
    page = open_page(f"{url}{name}?lang={lang}", viewport={"width": 360, "height": 740}, color_scheme=colour)
    entered(page, site[1])
    expect(page.locator("section.figures, section.review")).to_be_visible()
    assert_readable(page, 360)


def test_a_recording_is_reviewed_by_one_key_and_comes_back_in_the_manifest(
    url: str, site: tuple[Path, str], open_page: OpenPage
) -> None:
    page = open_page(f"{url}review?lang=en")
    entered(page, site[1])
    which = page.locator(".which")
    expect(which).to_have_text("case 1")
    shown(page, "2 to review, 0 reviewed")
    judged = page.get_by_text(re.compile("was judged"))
    expect(judged).to_have_count(0)
    expect(page.get_by_text("Failed:")).to_have_count(0)
    expect(page.get_by_text("could hear")).to_have_count(0)
    page.keyboard.press("2")
    expect(which).to_have_text("b.wav")
    shown(page, "case 1 was judged: to be recorded again")
    shown(page, "Failed: No strong background noise")
    shown(page, "Doctors: 0 could hear, 1 could not")
    expect(page.get_by_role("link", name="Open its report")).to_have_attribute(
        "href", re.compile("/report.language=en$")
    )
    assert page.locator(".card").first.inner_text().count("b.wav") == 1
    page.keyboard.press("u")
    expect(which).to_have_text("case 1")
    chosen = page.get_by_role("checkbox")
    chosen.check()
    shown(page, "1 to review, 0 reviewed")
    expect(which).to_have_text("case 1")
    chosen.uncheck()
    shown(page, "2 to review, 0 reviewed")
    page.keyboard.press("2")
    expect(which).to_have_text("b.wav")
    page.keyboard.press("1")
    shown(page, "There is nothing to review. 0 to review, 2 reviewed")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("manifest")).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert sorted(lines[1:]) == ["b.wav,ENT,recording,accept,", "case 1,all,recording,re-record|unusable,0"]


def test_a_server_without_keys_says_why_it_shows_no_figures(open_page: OpenPage, chromium_path: str) -> None:
    with running_server() as port:
        for name in ("dashboard", "review"):
            page = open_page(f"http://127.0.0.1:{port}/{name}?lang=en", expecting="status of 403")
            shown(page, "A server without keys shows no figures")
            answer = httpx.get(f"http://127.0.0.1:{port}/{name}", timeout=60)
            assert answer.headers["cache-control"] == "no-store"
