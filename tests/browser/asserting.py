"""What both elements' tests wait for."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import BrowserContext, Frame, Page, expect

from tests.browser import messages
from tests.browser.stub import StubServer, StubSocket
from tests.conftest import ROOT

ELEMENT = "tingqing-patient, tingqing-doctor, tingqing-check"
PROMPT = "move_somewhere_quieter"
INSTEAD = "All right. Could you turn down the television or the fan, or close the window?"
"""What else the patient can do, once, after "not now" to ``PROMPT``."""
WITHIN_S = 30.0
"""For what comes by itself: long, because a loaded machine is slow and not wrong."""
expect.set_options(timeout=WITHIN_S * 1000)
BEFORE_OPENING = datetime(2026, 1, 1, tzinfo=UTC)
"""Any hour will do."""
RETRIED_WITHIN_S = 1.0
"""On the page's clock: a line that was lost is opened again at once, but for some jitter and the next tick."""
REFUSED_RETRIED_WITHIN_S = 2.0
"""One that was never answered waits for 0.3 s and up to a second of jitter."""


def attribute(page: Page, name: str, value: str | re.Pattern[str], *, within_s: float = WITHIN_S) -> None:
    """The host carries this attribute by then."""
    expect(page.locator(ELEMENT)).to_have_attribute(name, value, timeout=within_s * 1000)


def without_attribute(page: Page, name: str) -> None:
    expect(page.locator(ELEMENT)).not_to_have_attribute(name, re.compile("."))


def shown(page: Page, text: str, *, within_s: float = WITHIN_S) -> None:
    """A person can read it by then."""
    expect(page.get_by_text(text)).to_be_visible(timeout=within_s * 1000)


def shown_in_time(page: Page, text: str) -> None:
    """A person can read it once an answer has come, of which nothing tells the test: the page's clock moves on."""
    deadline = time.monotonic() + WITHIN_S
    while not page.get_by_text(text).is_visible():
        assert time.monotonic() < deadline, text
        passes(page, 0.3)


def passes(page: Page, seconds: float) -> None:
    """So much time on the page's own clock, at once: its timers run, and nothing else moves."""
    page.clock.run_for(round(1000 * seconds))


def hold_clock(context: BrowserContext) -> None:
    """The clock of its pages stands from a second after they are opened, until a test moves it."""
    # A clock that stands tells nothing of how the page was opened; the browser itself still does.
    context.add_init_script("window.browsersEntries = performance.getEntriesByType.bind(performance)")
    context.clock.install(time=BEFORE_OPENING)
    context.add_init_script("performance.getEntriesByType = window.browsersEntries")
    context.clock.pause_at(BEFORE_OPENING + timedelta(seconds=1))
    context.add_init_script(LINES)


LINES = """window.linesOpened = 0;
window.linesOpen = 0;
window.levelsHeard = 0;
window.newsHeard = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    linesOpened += 1;
    linesOpen += 1;
    this.addEventListener('close', () => { linesOpen -= 1; });
    this.addEventListener('message', ({ data }) => {
      const { type } = JSON.parse(data);
      levelsHeard += type === 'level';
      newsHeard += type !== 'audio.ack';
    });
  }
};"""
"""The page counts the sockets that it has opened, those of whose end it has not heard, the levels it was told, and all
that it was told but acknowledgements."""


def lasts(page: Page, socket: StubSocket, seconds: int) -> None:
    """So much time on the page's clock, in which its line never seems dead nor its microphone silent: a second at a
    time, the server tells a level and some sound has come."""
    for _ in range(seconds):
        tell(page, socket)
        socket.wait_for_samples(socket.samples + 1)
        passes(page, 1)


def tell(page: Page, socket: StubSocket, *news: dict[str, Any]) -> None:
    """The server tells a level and this, and the page has had the level: its line is not dead."""
    heard = page.evaluate("levelsHeard")
    socket.send(messages.level(), *news)
    until(page, f"levelsHeard > {heard}")


def inform(page: Page, socket: StubSocket, *news: dict[str, Any]) -> None:
    """The server tells this, and the page has had it: whatever its clock does next comes later."""
    heard = page.evaluate("newsHeard")
    socket.send(*news)
    until(page, f"newsHeard >= {heard + len(news)}")


def lose(page: Page, socket: StubSocket, code: int) -> None:
    """The server closes the page's only line, and the page has heard of it: what it does next is up to its clock."""
    socket.close(code)
    until(page, "linesOpen === 0")


def until(page: Page | Frame, expression: str, *, within_s: float = WITHIN_S) -> None:
    """The page's own ``wait_for_function`` evaluates strings, which the content security policy forbids."""
    deadline = time.monotonic() + within_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(100)


EVERY_ELEMENT = f"""async () => {{
  // The page's own element first, so that it is as people see it.
  await customElements.whenDefined(document.querySelector('{ELEMENT}').localName);
  await import('./index.js');
}}"""


def define_every_element(page: Page) -> None:
    """A page of ours knows the elements of all the others too."""
    page.evaluate(EVERY_ELEMENT)


def begin(page: Page, stub: StubServer) -> StubSocket:
    """Press Start, and let the session begin; its sound flows."""
    attribute(page, "data-state", "idle")
    page.click("[part=start]")
    socket = stub.patient()
    socket.start = socket.expect("session.start")
    socket.send(messages.started())
    attribute(page, "data-state", "live")
    # The browser starts its sound in its own time. A clock that moves on before it has would find it interrupted.
    socket.wait_for_samples(1)
    return socket


HEARING = """() => {
  window.scores = 0;
  addEventListener('tingqing-message', ({ detail }) => { scores += detail.type === 'quality.update'; });
}"""
"""From now on ``scores`` counts those that the page has got: the server has heard its sound."""

FAINT = """() => {
  const number = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const grounds = (at) => {
    for (; at; at = at.parentElement ?? at.getRootNode().host) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      const stops = backgroundImage.match(/rgb\\([^)]*\\)/g);
      if (stops) return stops.map(number);
      const colour = number(backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return [colour];
    }
    return [[255, 255, 255]];
  };
  const faint = [];
  const walk = (root) => {
    for (const at of root.querySelectorAll('*')) {
      if (at.shadowRoot) walk(at.shadowRoot);
      const own = [...at.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
      if (!own || !at.checkVisibility()) continue;
      for (const ground of grounds(at)) {
        const [a, b] = [light(number(getComputedStyle(at).color)), light(ground)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) faint.push(`${at.textContent} ${ratio.toFixed(2)}`);
      }
    }
  };
  walk(document);
  return faint;
}"""
"""Texts whose contrast is under 4.5:1 (WCAG 2.2, 1.4.3) on any stop of their ground."""

SMALL = """() => {
  const host = document.querySelector('tingqing-patient, tingqing-doctor, tingqing-check');
  const all = [...document.querySelectorAll('a, button'), ...host.shadowRoot.querySelectorAll('a, button, label')];
  return all.filter((at) => at.checkVisibility())
    .map((at) => [at.textContent, at.getBoundingClientRect()])
    .filter(([, box]) => box.height < 48 || box.width < 48).map(([text]) => text);
}"""
"""Targets under 48 × 48 CSS pixels."""


AXE = ROOT / "tools" / "js" / "node_modules" / "axe-core" / "axe.min.js"
FINDINGS = """(async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id} ${target} ${failureSummary}`));
})()"""


def findings(page: Page) -> list[str]:
    """What axe-core finds, in a world of its own: the page's clock may stand."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8"), "contextId": world})
    asked = {"expression": FINDINGS, "contextId": world, "awaitPromise": True, "returnByValue": True}
    found: list[str] = session.send("Runtime.evaluate", asked)["result"]["value"]
    session.detach()
    return found


def headings(page: Page) -> list[int]:
    """The levels of its headings, in order, as Chromium tells them to a screen reader: as ``aria-level`` says, where it
    says so."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    read = [node["properties"] for node in nodes if node.get("role", {}).get("value") == "heading"]
    return [one["value"]["value"] for properties in read for one in properties if one["name"] == "level"]


def assert_readable(page: Page, width: int) -> None:
    """Contrast, targets, nothing wider than the screen; and what axe-core finds, where npm has installed it."""
    if AXE.exists():
        assert findings(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
