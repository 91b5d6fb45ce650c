"""What people see, scene by scene: every page in the states that matter, for pictures and for checks of all at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import BrowserContext, Page, expect

from server.access.principal import Role
from server.notify.events import EventType
from tests.browser import messages
from tests.browser.asserting import attribute, begin, hold_clock, passes, tell
from tests.browser.serving import running_server, write_hum
from tests.browser.staff_site import apart, filled, made
from tests.browser.stub import StubServer
from tests.notify.dead import given_up

JUDGED_WITHIN_S = 90.0
"""A recording of 20 s, on whatever machine this is."""
NOBODYS_TOKEN = "#token=a.b.c"


class Site(NamedTuple):
    """``url`` of a real server with results, whose pages ``key`` opens, and ``admin`` all of them; ``folder`` for files
    of scenes."""

    url: str
    key: str
    admin: str
    folder: Path


class Desk(NamedTuple):
    """``stub``: says whatever a scene needs, and to no other scene: a late socket of the page before is not its."""

    stub: StubServer
    site: Site


class Scene(NamedTuple):
    """``path`` of the page; ``act`` brings it into the state to be seen. ``held``: the page's clock stands, so that
    nothing goes on while somebody looks. ``staffed``: a page of the real server, for who signed in."""

    name: str
    path: str
    act: Callable[[Page, Desk], None]
    link: tuple[int, str] = (200, "")
    held: bool = True
    staffed: bool = False


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """``folder``: empty, for the data of the real server."""
    key, admin = filled(folder, Role.DOCTOR), made(folder, Role.ADMIN)
    apart(given_up(folder, "https://emr.hospital.invalid/hooks", [1, 2], tried=(None, "no connection")))
    apart(given_up(folder, "https://sms.hospital.invalid/hooks", [3], kind=EventType.BATCH_COMPLETED))
    with running_server("--data-dir", str(folder)) as port:
        yield Site(f"http://127.0.0.1:{port}/", key, admin, folder)


@contextmanager
def opened(context: BrowserContext, at: Site, scene: Scene) -> Iterator[Page]:
    """A page of ``context`` in the state of ``scene``."""
    if scene.held:
        hold_clock(context)
    page = context.new_page()
    with StubServer() as stub:
        stub.link = scene.link
        page.goto((at.url if scene.staffed else stub.url) + scene.path)
        scene.act(page, Desk(stub, at))
        yield page


def _idle(page: Page, _: Desk) -> None:
    attribute(page, "data-state", "idle")


def _refused(page: Page, _: Desk) -> None:
    expect(page.locator("[part=prompt], [part=verdict]").first).to_contain_text(re.compile("link|链接"))
    expect(page.locator("[part=start]")).to_be_hidden()


def _asked(page: Page, at: Desk) -> None:
    socket = begin(page, at.stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    attribute(page, "data-prompt", "move_somewhere_quieter")
    passes(page, 0.5)


def _clear(page: Page, at: Desk) -> None:
    socket = begin(page, at.stub)
    socket.send(messages.level(), messages.update(1, low_background=0.9, grade="clear"))
    attribute(page, "data-grade", "clear")
    passes(page, 0.5)


def _ended(page: Page, at: Desk) -> None:
    socket = begin(page, at.stub)
    page.click("[part=finish], [part=stop]")
    socket.send(messages.ended())
    attribute(page, "data-state", "ended")


def _lost(page: Page, at: Desk) -> None:
    begin(page, at.stub).close(1011)
    attribute(page, "data-state", "reconnecting")


def _watched(page: Page, at: Desk) -> None:
    socket = at.stub.doctor()
    update = messages.update(5, low_background=0.2, grade="poor")
    socket.send(messages.snapshot(with_update=update, prompts=[messages.prompt()], nudge=True))
    attribute(page, "data-state", "live")
    seconds = [(0.9, "clear")] * 12 + [(0.5, "usable")] * 6 + [(0.2, "poor")] * 12
    for seq, (score, grade) in enumerate(seconds, 6):
        tell(page, socket, messages.update(seq, low_background=score, grade=grade))
        passes(page, 1)
    attribute(page, "data-grade", "poor")


def _report(page: Page, at: Desk) -> None:
    socket = at.stub.doctor()
    socket.send(messages.snapshot(with_update=messages.update(5, low_background=0.2, grade="poor")))
    attribute(page, "data-state", "live")
    socket.send(messages.ended(labels=messages.spoken()))
    attribute(page, "data-state", "ended")


def _unwatchable(page: Page, at: Desk) -> None:
    socket = at.stub.doctor()
    socket.send(messages.error("token_expired"))
    socket.close(4410)
    attribute(page, "data-state", "error")


def _joinable(page: Page, _: Desk) -> None:
    expect(page.locator("#join")).to_be_visible()


def _unjoinable(page: Page, _: Desk) -> None:
    expect(page.locator(".visit")).to_have_attribute("data-state", "failed")


def _door(page: Page, _: Desk) -> None:
    expect(page.locator(".door input").first).to_be_visible()


def _signed_in(page: Page, key: str) -> None:
    page.locator(".door input").first.fill(key)
    page.locator(".door form button, form.door button").first.click()
    expect(page.locator("header .staff")).to_be_visible()
    page.wait_for_load_state("networkidle")


def _inside(page: Page, at: Desk) -> None:
    _signed_in(page, at.site.key)


def _dashboard(page: Page, at: Desk) -> None:
    _inside(page, at)
    expect(page.locator("svg.columns rect").first).to_be_visible()


def _review(page: Page, at: Desk) -> None:
    _inside(page, at)
    expect(page.locator("button.answer").first).to_be_visible()
    expect(page.locator(".review .card").nth(1)).to_be_hidden()  # nothing was answered yet


def _webhooks(page: Page, at: Desk) -> None:
    _signed_in(page, at.site.admin)
    expect(page.locator("li[data-number]")).to_have_count(3)


def _invited(page: Page, at: Desk) -> None:
    _inside(page, at)
    page.locator("form.door:not([hidden])").first.locator("button").first.click()
    expect(page.locator(".qr svg")).to_be_visible()


def _uploaded(page: Page, at: Desk) -> None:
    """One that can be judged, and one that is no recording."""
    _inside(page, at)
    sound = write_hum(at.site.folder / "患者录音 017.wav")
    (at.site.folder / "letter.pdf").write_bytes(b"%PDF-1.7 nothing to hear")
    page.locator("input[type=file]").first.set_input_files([sound, at.site.folder / "letter.pdf"])
    expect(page.locator("li.item[data-state=done] .waveform")).to_be_visible(timeout=1000 * JUDGED_WITHIN_S)
    expect(page.locator("li.item[data-state=failed]")).to_be_visible()
    page.locator("details").first.locator("summary").click()


WATCHED = f"doctor?session={messages.SESSION_ID}"
CALL = f"visit?session={messages.SESSION_ID}"
SCENES = [
    Scene("patient", "", _idle),
    Scene("patient-asked", "", _asked),
    Scene("patient-clear", "", _clear),
    Scene("patient-lost", "", _lost),
    Scene("patient-ended", NOBODYS_TOKEN, _ended),
    Scene("patient-used", NOBODYS_TOKEN, _refused, (403, "token_used")),
    Scene("check", "check", _idle),
    Scene("check-ended", "check", _ended),
    Scene("check-expired", f"check{NOBODYS_TOKEN}", _refused, (401, "token_expired")),
    Scene("visit", f"{CALL}{NOBODYS_TOKEN}", _joinable),
    Scene("visit-used", f"{CALL}{NOBODYS_TOKEN}", _unjoinable, (403, "token_used")),
    Scene("visit-doctor", CALL, _joinable),
    Scene("doctor", WATCHED, _watched),
    Scene("doctor-ended", WATCHED, _report),
    Scene("doctor-expired", f"{WATCHED}{NOBODYS_TOKEN}", _unwatchable),
    Scene("upload", "upload", _uploaded, held=False, staffed=True),
    Scene("door", "doctor", _door, held=False, staffed=True),
    Scene("waiting-room", "doctor", _inside, held=False, staffed=True),
    Scene("invitation", "doctor", _invited, held=False, staffed=True),
    Scene("dashboard", "dashboard", _dashboard, held=False, staffed=True),
    Scene("review", "review", _review, held=False, staffed=True),
    Scene("webhooks", "webhooks", _webhooks, held=False, staffed=True),
]
