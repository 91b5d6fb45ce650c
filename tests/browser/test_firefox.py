"""A real Firefox, whose microphone plays a recording, and the real server: worklet, sockets, policies."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.asserting import ELEMENT
from tests.browser.conftest import require
from tests.browser.firefox import Firefox, running
from tests.browser.serving import running_server, write_wav
from tests.browser.sound_card import microphone

REAL_TIME_S = 90.0
"""For some five seconds of sound, heard and judged on whatever machine this is."""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def program() -> str:
    return require(shutil.which("firefox-esr") or shutil.which("firefox"), "firefox (apt-get install firefox-esr)")


@pytest.fixture(scope="module")
def url(program: str) -> Iterator[str]:
    with running_server("--no-mos", "--clap", "off") as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def started(program: str, mixes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """Its microphone hears clean speech, for longer than these tests take."""
    wav = write_wav(tmp_path_factory.mktemp("wav") / "clean.wav", list(mixes.glob("000*.flac")), seconds=600)
    with (
        microphone(wav, tmp_path_factory.mktemp("sound")) as environment,
        running(program, tmp_path_factory.mktemp("profile"), environment) as firefox,
    ):
        yield firefox


@pytest.fixture
def firefox(started: Firefox) -> Iterator[Firefox]:
    """Whatever a page complains of fails its test, but for what it expects."""
    started.open("about:blank")  # what the page before asked for last is none of this test's
    started.complaints, started.expected = [], []
    yield started
    assert started.evaluate("navigator.userAgent.includes('Firefox')")
    complaints, started.complaints = started.complaints, []
    assert [one for one in complaints if not one.startswith(tuple(started.expected))] == []


HEARD = """(() => {
  window.updates = [];
  addEventListener('tingqing-message', ({ detail }) => {
    if (detail.type === 'quality.update') updates.push(detail);
    if (detail.type === 'session.started') window.told = detail;
  });
  addEventListener('tingqing-state', ({ detail }) => { window.last = detail; });
})()"""


SPOKEN = "updates.some(({ labels }) => labels.speech_present.score > 0.7)"
HEADING = f"""(document.querySelector('{ELEMENT}')?.shadowRoot ?? document).querySelector('h1')?.innerText"""


def test_a_patient_speaks_is_scored_and_ends_with_a_verdict(firefox: Firefox, url: str) -> None:
    firefox.open(f"{url}?lang=en")
    firefox.attribute("data-state", "idle")
    firefox.evaluate(HEARD)
    firefox.click("[part=start]")
    firefox.attribute("data-state", "live")
    # How clear it is depends on how busy the machine is: its sound card is a program as any other.
    firefox.until(f"updates.length >= 4 && {SPOKEN}", within_s=REAL_TIME_S)
    ends = firefox.evaluate("updates.map((one) => one.window.end_s)")
    assert ends == list(range(3, 3 + len(ends))), "no window lost, none twice"
    firefox.click("[part=finish]")
    firefox.attribute("data-state", "ended")
    kind, result = firefox.evaluate("[last.kind, last.result]")
    assert kind == "ended"
    assert result["overall"]["verdict"] in ("accept", "re-record")
    assert result["source"]["speech_s"] > 1


@pytest.mark.parametrize("page", ["check", "doctor", "visit", "dashboard", "review", "webhooks"])
def test_a_page_opens_without_a_complaint(firefox: Firefox, url: str, page: str) -> None:
    # A server without keys shows no figures, and says so.
    firefox.expected = [f"403 {url}v1/"] if page in ("dashboard", "review") else []
    firefox.open(f"{url}{page}?lang=en")
    assert firefox.until(HEADING)


def test_what_a_page_complains_of_is_heard(started: Firefox, url: str) -> None:
    started.open(f"{url}no-such-page")
    started.evaluate("(() => { console.error('loud'); })()")
    assert {f"404 {url}no-such-page", "loud"} <= {*started.complaints}
