"""What a call and a slow line do to the sound: the real server, and a real Chromium whose microphone plays a recording.

Sound passes in real time here: these tests wait for so many updates of the server, however long they take.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asserting import attribute, until
from tests.browser.conftest import OpenPage
from tests.browser.serving import running_server

MixWav = Callable[[str], Path]

REAL_TIME_S = 90.0
CALM_UPDATES = 10

LISTEN = """() => {
  window.raised = []; window.updates = 0; window.bytes = 0; window.at = []; window.last = null;
  addEventListener('tingqing-message', ({ detail }) => {
    if (detail.type === 'session.started') window.began = detail;
    if (detail.type === 'snapshot') window.began = detail;
    if (detail.type === 'prompt.raised') raised.push(detail.id);
    if (detail.type === 'quality.update') { updates += 1; window.last = detail; }
    if (detail.type === 'session.ended') window.ended = detail.result;
  });
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string') { if (JSON.parse(data).type === 'session.start') window.declared = JSON.parse(data); }
    else { bytes += data.byteLength; at.push(performance.now()); }
    send.call(this, data);
  };
}"""
"""From now on what was declared, sent and answered, by names."""

OF_A_CALL = """async () => {
  const on = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  document.querySelector('tingqing-patient').source = await navigator.mediaDevices.getUserMedia({ audio: on });
}"""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def clock_stands() -> bool:
    return False


@pytest.fixture(scope="module")
def url(chromium_path: str) -> Iterator[str]:
    with running_server() as port:
        yield f"http://127.0.0.1:{port}/"


def listening(open_page: OpenPage, url: str, wav: Path) -> Page:
    page = open_page(f"{url}?lang=en", wav=wav)
    attribute(page, "data-state", "idle")
    page.evaluate(LISTEN)
    return page


def heard_out(page: Page) -> dict[str, Any]:
    """The result, after so many updates."""
    until(page, f"updates >= {CALM_UPDATES}", within_s=REAL_TIME_S)
    page.click("[part=finish]")
    attribute(page, "data-state", "ended")
    result: dict[str, Any] = page.evaluate("ended")
    return result


@pytest.mark.parametrize(("line", "rate", "source"), [("half", 16_000, "microphone"), ("narrow", 8_000, "telephone")])
def test_clean_speech_over_a_slow_line_is_accepted_and_nobody_is_told_to_mend_a_microphone(
    url: str, open_page: OpenPage, mix_wav: MixWav, line: str, rate: int, source: str
) -> None:
    page = listening(open_page, url, mix_wav("000"))
    page.evaluate(f"document.querySelector('tingqing-patient').setAttribute('line', '{line}')")
    page.click("[part=start]")
    result = heard_out(page)
    declared = page.evaluate("declared")
    assert declared["audio"] == {"encoding": "mulaw", "sample_rate": rate}
    assert declared["capture"]["source"] == source
    assert result["basis"] == "room"
    assert page.evaluate("raised") == []
    assert result["overall"]["verdict"] == "accept"
    assert result["labels"]["full_bandwidth"]["score"] >= 0.7
    assert page.evaluate("bytes") == pytest.approx(rate * result["source"]["duration_s"], rel=0.01)


def test_the_sound_of_a_call_is_judged_as_heard_and_said_so_on_both_pages(
    url: str, open_page: OpenPage, mix_wav: MixWav
) -> None:
    page = listening(open_page, url, mix_wav("000"))
    page.evaluate(OF_A_CALL)
    page.click("[part=start]")
    attribute(page, "data-state", "live")
    doctor = page.context.new_page()
    doctor.goto(f"{url}doctor?lang=en&session={page.locator('tingqing-patient').get_attribute('data-session')}")
    expect(doctor.locator("tingqing-doctor [part=processed]")).to_be_visible()
    on = {"source": "microphone", "echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
    assert page.evaluate("declared.capture") == on
    assert page.evaluate("began.basis") == "as_heard"
    result = heard_out(page)
    assert page.evaluate("raised") == []
    assert result["basis"] == "as_heard"
    assert result["overall"]["verdict"] == "accept"
    attribute(doctor, "data-state", "ended")
