"""A server with keys and a real Chromium: what the links of a backend open, and what a stranger's page says."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from server.access.gate import utc_now
from server.access.keys import create_key, digest_of
from server.access.principal import Role
from server.app import open_keys
from server.settings import Settings
from tests.browser.asserting import HEARING, attribute, shown, until
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def clock_stands() -> bool:
    return False


class Portal:
    """A hospital's own page on another origin, with our element in it."""

    def __init__(self) -> None:
        self.page = ""
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(portal.page.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    portal = Portal()
    thread = threading.Thread(target=portal.server.serve_forever)
    thread.start()
    yield portal
    portal.server.shutdown()
    portal.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data = tmp_path_factory.mktemp("data")

    async def create() -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, "ward-3", Role.INTEGRATOR, utc_now()))[0]

    return data, asyncio.run(create())


def made_apart(data: Path, site: str) -> str:
    """A viewer's key. On a thread: this one runs the loop of the browser's driver."""

    async def create() -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, site, Role.VIEWER, utc_now()))[0]

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, create()).result()


def revoked_apart(data: Path, text: str) -> None:
    """As ``tingqing keys revoke``, on a thread as well."""

    async def revoke() -> None:
        async with open_keys(Settings(data_dir=data)) as store:
            found = await store.find(digest_of(text))
            assert found is not None
            assert await store.revoke(found.id, utc_now())

    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, revoke()).result()


@pytest.fixture(scope="module")
def url(key: tuple[Path, str], portal: "Portal", chromium_path: str) -> Iterator[str]:
    flags = ["--data-dir", str(key[0]), "--allow-origin", f"http://localhost:{portal.port}"]
    with running_server(*flags) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def announced(url: str, key: tuple[Path, str]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key[1]}"}
    answer: dict[str, Any] = httpx.post(f"{url}v1/sessions", headers=headers, timeout=30).json()
    return answer


def test_the_links_of_a_backend_open_both_pages_of_one_session_and_the_patients_only_once(
    url: str, announced: dict[str, Any], open_page: OpenPage, voice_wav: Path
) -> None:
    link = f"{url}#token={announced['publish_token']}"
    page = open_page(link, wav=voice_wav)
    page.evaluate(HEARING)
    doctor = page.context.new_page()
    doctor.goto(announced["observe_url"])
    attribute(doctor, "data-state", "connecting")
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    attribute(page, "data-session", announced["id"])
    attribute(doctor, "data-state", "live", within_s=30)
    assert not page.locator("[part=doctor-link]").is_visible(), "it would not open without a token"
    assert not page.locator("[part=choose]").is_visible()
    until(page, "scores > 0")  # until something was heard the same link may begin again
    again = open_page(link, expecting="status of 403")
    shown(again, "This link was already used.")
    expect(again.locator("[part=start]")).to_be_hidden()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("[part=start]")).to_have_text("Continue")


def test_the_doctor_who_treats_the_patient_asks_and_mutes_from_the_page(
    url: str, announced: dict[str, Any], open_page: OpenPage, voice_wav: Path
) -> None:
    page = open_page(f"{url}#token={announced['publish_token']}", wav=voice_wav)
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    doctor, other = page.context.new_page(), page.context.new_page()
    doctor.goto(announced["nudge_url"])
    other.goto(f"{announced['observe_url']}")
    for each in (doctor, other):
        attribute(each, "data-state", "live")
    assert not other.locator("[part=nudge]").is_visible(), "who only watches asks nothing"
    doctor.get_by_role("button", name="Send to the patient: Please hold the phone a little closer.").click()
    attribute(page, "data-prompt", "come_closer")
    shown(page, "Your doctor asks: Please hold the phone a little closer.")
    for each in (doctor, other):
        shown(each, "Asked by a doctor:")
    mute = doctor.get_by_role("button", name="Mute for this visit: Please hold the phone a little closer.")
    mute.click()
    muted = doctor.get_by_role("button", name="Muted: Please hold the phone a little closer.")
    expect(muted).to_have_text("Muted")
    expect(muted).to_be_disabled()
    expect(page.get_by_text("Your doctor asks:")).to_have_count(0)


def test_a_doctor_without_a_link_signs_in_chooses_a_session_of_the_site_and_signs_out(
    url: str, key: tuple[Path, str], announced: dict[str, Any], open_page: OpenPage, voice_wav: Path
) -> None:
    viewer = made_apart(key[0], "ward-3")
    page = open_page(f"{url}#token={announced['publish_token']}", wav=voice_wav)
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    doctor = open_page(f"{url}doctor", expecting="status of 401")
    doctor.get_by_label("Key", exact=True).fill("tq_nonsense")
    doctor.get_by_role("button", name="Sign in").click()
    shown(doctor, "This key is not valid.")
    doctor.get_by_label("Key", exact=True).fill(viewer)
    doctor.get_by_role("button", name="Sign in").click()
    row = doctor.locator(f".waiting [data-session='{announced['id']}'] a")
    expect(row).to_contain_text(announced["id"][:6].upper())
    expect(row).to_contain_text(re.compile("Listening|Hard to hear|Usable|Clear"))
    row.focus()
    doctor.click("#language")
    shown(doctor, "本单位的会话，最需要帮助的在前：")
    row.press("Enter")
    attribute(doctor, "data-state", "live")
    attribute(doctor, "data-session", announced["id"])
    assert not doctor.locator("[part=nudge]").is_visible()
    assert doctor.evaluate("document.cookie") == "", "no script sees it"
    doctor.get_by_role("button", name="退出登录").click()
    expect(doctor.get_by_label("密钥", exact=True)).to_be_visible()
    expect(doctor.locator("tingqing-doctor")).to_have_count(0)


def test_who_signed_in_at_another_site_sees_an_empty_list(
    url: str, key: tuple[Path, str], announced: dict[str, Any], open_page: OpenPage
) -> None:
    doctor = open_page(f"{url}doctor")
    doctor.get_by_label("Key", exact=True).fill(made_apart(key[0], "elsewhere"))
    doctor.get_by_role("button", name="Sign in").click()
    shown(doctor, "Your site has no sessions now.")
    expect(doctor.locator(".waiting li")).to_have_count(0)


def test_who_is_signed_in_no_more_is_asked_for_the_key_again_and_not_left_with_an_old_list(
    url: str, key: tuple[Path, str], open_page: OpenPage
) -> None:
    viewer = made_apart(key[0], "ward-3")
    doctor = open_page(f"{url}doctor", expecting="status of 401")
    doctor.get_by_label("Key", exact=True).fill(viewer)
    doctor.get_by_role("button", name="Sign in").click()
    expect(doctor.locator(".waiting")).to_be_attached()
    revoked_apart(key[0], viewer)
    doctor.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # somebody looks again
    expect(doctor.get_by_label("Key", exact=True)).to_be_visible()
    expect(doctor.locator(".waiting")).to_have_count(0)


def test_who_comes_without_a_link_reads_what_to_do(url: str, open_page: OpenPage, voice_wav: Path) -> None:
    page = open_page(url, wav=voice_wav)
    page.click("[part=start]")
    attribute(page, "data-state", "error")
    shown(page, "Please open this page with the link that your hospital sent you.")


@pytest.mark.parametrize(
    ("name", "locale"), [("", "en-GB"), ("", "zh-CN"), ("check", "en-GB"), ("visit?session=x", "zh-CN")]
)
def test_who_opens_a_bad_link_reads_at_once_what_to_do(url: str, open_page: OpenPage, name: str, locale: str) -> None:
    page = open_page(f"{url}{name}#token=nonsense", expecting="status of 401", locale=locale)
    sentence = "这个链接无效" if locale == "zh-CN" else "This link is not valid"
    expect(page.get_by_text(re.compile(sentence)).first).to_be_visible()
    expect(page.locator("[part=start], #join").locator("visible=true")).to_have_count(0)


def test_a_page_of_an_allowed_origin_embeds_the_patient_with_a_token(
    url: str, announced: dict[str, Any], portal: Portal, open_page: OpenPage, voice_wav: Path
) -> None:
    portal.page = (
        f'<!doctype html><link rel="icon" href="data:,"><script type="module" src="{url}index.js"></script>'
        f'<tingqing-patient server="{url}" lang="en" token="{announced["publish_token"]}"></tingqing-patient>'
    )
    page = open_page(f"http://localhost:{portal.port}/", wav=voice_wav)
    page.click("[part=start]")
    attribute(page, "data-state", "live", within_s=30)
    attribute(page, "data-session", announced["id"])
