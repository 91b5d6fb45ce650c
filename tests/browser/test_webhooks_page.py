"""The page of webhooks in a real Chromium: what could not be delivered is sent again, to a receiver that takes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from server.access.principal import Role
from server.notify.endpoints import Endpoint
from server.notify.events import EventType
from tests.browser.asserting import AXE, FAINT, findings, shown
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server
from tests.browser.staff_site import apart, made
from tests.notify.dead import PLANTED, given_up
from tests.notify.receiver import Receiver, receiving

pytestmark = pytest.mark.timeout(400)


class Ward(NamedTuple):
    url: str
    data: Path
    key: str
    receiver: Receiver


@pytest.fixture
def clock_stands() -> bool:
    return False


def put(data: Path, url: str, numbers: list[int], kind: EventType, tried: tuple[int | None, str]) -> Endpoint:
    return apart(given_up(data, url, numbers, kind=kind, tried=tried))


@pytest.fixture
def ward(tmp_path: Path, chromium_path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    """An endpoint that takes what it is sent, one that never does, and 55 deliveries that were given up."""
    monkeypatch.setenv("TINGQING_WEBHOOK_ALLOW", "127.0.0.1")
    with receiving() as receiver:
        key = made(tmp_path, Role.ADMIN)
        put(tmp_path, f"{receiver.url}?key=hidden", list(range(1, 54)), EventType.ASSESSMENT_REJECTED, (500, "refused"))
        put(tmp_path, "https://hooks.invalid/hidden", [90, 91], EventType.SESSION_ENDED, (None, "no connection"))
        with running_server("--data-dir", str(tmp_path)) as port:
            yield Ward(f"http://127.0.0.1:{port}/", tmp_path, key, receiver)


def entered(page: Page, key: str) -> None:
    page.get_by_label(re.compile("^(Key|密钥)$")).fill(key)
    page.get_by_role("button", name=re.compile("^(Sign in|登录)$")).click()


def assert_readable(page: Page, width: int) -> None:
    if AXE.exists():
        assert findings(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_was_given_up_is_sent_again_one_by_one_and_all_at_once(ward: Ward, open_page: OpenPage) -> None:
    page = open_page(f"{ward.url}webhooks?lang=en")
    entered(page, ward.key)
    rows = page.locator("li[data-number]")
    expect(rows).to_have_count(50)
    expect(page.locator("li[data-endpoint]")).to_have_count(2)
    shown(page, "0 waiting, 53 given up")
    expect(rows.first).to_contain_text("Session ended")
    expect(rows.first).to_contain_text("no connection · tries: 1")
    expect(rows.nth(2)).to_contain_text("answered 500")
    text = page.content()
    for hidden in (PLANTED, "hidden?", "/hooks", "=hidden", "whsec"):
        assert hidden not in text
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(55)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    number = rows.nth(2).get_attribute("data-number")
    rows.nth(2).get_by_role("button").focus()
    page.keyboard.press("Enter")
    shown(page, "1 are being sent again.")
    expect(page.locator(f"li[data-number='{number}']")).to_have_count(0)
    expect(rows.nth(2).get_by_role("button")).to_be_focused()
    ward.receiver.wait(lambda came: len(came) >= 1)
    page.get_by_role("button", name="Send again: all to 127.0.0.1").click()
    shown(page, "52 are being sent again.")
    expect(rows).to_have_count(2)
    ward.receiver.wait(lambda came: len({one.id for one in came}) == 53)
    page.keyboard.press("a")
    shown(page, "2 are being sent again.")
    shown(page, "Nothing was given up.")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert len({one.id for one in ward.receiver.came}) == 53
    page.click("#language")
    expect(page.get_by_text("没有已放弃的通知")).to_be_visible()
    assert page.evaluate("document.cookie") == "", "no script sees it"


@pytest.mark.parametrize("colour", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_can_be_read_on_a_narrow_screen(ward: Ward, open_page: OpenPage, lang: str, colour: str) -> None:
    page = open_page(f"{ward.url}webhooks?lang={lang}", viewport={"width": 360, "height": 740}, color_scheme=colour)
    entered(page, ward.key)
    expect(page.locator("li[data-number]").first).to_be_visible()
    assert_readable(page, 360)


def test_whoever_may_not_is_told_which_key_may_and_an_empty_page_teaches(
    tmp_path: Path, open_page: OpenPage, chromium_path: str
) -> None:
    admin, viewer = made(tmp_path, Role.ADMIN), made(tmp_path, Role.VIEWER)
    with running_server("--data-dir", str(tmp_path)) as port:
        url = f"http://127.0.0.1:{port}/"
        page = open_page(f"{url}webhooks?lang=en")
        entered(page, viewer)
        shown(page, "Only an admin key sees webhooks")
        expect(page.get_by_role("link", name="Webhooks")).to_have_count(0)
        assert_readable(page, 1280)
        page.get_by_role("button", name="Sign out").click()
        entered(page, admin)
        shown(page, "tingqing webhooks add URL --site ward-3")
        expect(page.get_by_role("link", name="Webhooks")).to_be_visible()
        assert_readable(page, 1280)


def test_a_server_without_keys_says_why_it_shows_none(open_page: OpenPage, chromium_path: str) -> None:
    with running_server() as port:
        page = open_page(f"http://127.0.0.1:{port}/webhooks?lang=en")
        shown(page, "A server without keys shows no webhooks")
        expect(page.locator("code")).to_be_hidden()
