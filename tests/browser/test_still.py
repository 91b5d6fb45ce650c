"""A page on which nothing happens draws nothing: each change costs a frame, on a phone that is also in a call."""

import pytest
from playwright.sync_api import Page

from tests.browser import messages
from tests.browser.asserting import attribute, begin, define_every_element, passes, until
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer

CHANGES = """() => {
  const host = document.querySelector('tingqing-patient, tingqing-doctor, tingqing-check, tingqing-strip');
  const what = ({ type, attributeName, target }) =>
    [type, attributeName, target.getAttribute?.('part') || target.className || target.nodeName].join(' ');
  const watch = { attributes: true, childList: true, subtree: true, characterData: true };
  window.changes = [];
  const watching = new MutationObserver((records) => changes.push(...records.map(what)));
  for (const node of [host, host.shadowRoot]) watching.observe(node, watch);
}"""
"""Everything that is written into the element from now on, also where it was so already."""

STRIP = "document.querySelector('tingqing-patient').replaceWith(document.createElement('tingqing-strip'))"

LEVEL = {"attributes style I", "attributes aria-valuenow level", "attributes aria-valuetext level"}
"""The bar follows the sound."""


def opened(who: str, stub: StubServer, open_page: OpenPage) -> Page:
    news = [messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt()]
    if who == "patient":
        page = open_page(stub.url)
        begin(page, stub).send(*news)
    elif who == "strip":
        page = open_page(stub.url)
        define_every_element(page)
        page.evaluate(STRIP)
        page.locator("tingqing-strip [part=start]").click()
        socket = stub.patient()
        socket.expect("session.start")
        socket.send(messages.started(), *news)
        socket.wait_for_samples(1)  # so the browser's sound has begun
    elif who == "doctor":
        page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}")
        stub.doctor().send(messages.snapshot(), *news)
    else:
        page = open_page(f"{stub.url}check")
        attribute(page, "data-state", "idle")
        return page
    until(page, "document.querySelector('[data-prompt]') !== null")
    return page


@pytest.mark.parametrize("who", ["patient", "strip", "doctor", "check"])
def test_nothing_is_drawn_where_nothing_changes(stub: StubServer, open_page: OpenPage, who: str) -> None:
    page = opened(who, stub, open_page)
    passes(page, 0.3)
    page.evaluate(CHANGES)
    passes(page, 1)
    page.wait_for_timeout(200)
    assert set(page.evaluate("changes")) - LEVEL == set()


TIMERS = """
window.timers = new Set();
const [begin, end] = [window.setInterval, window.clearInterval];
window.setInterval = (...given) => { const timer = begin(...given); timers.add(timer); return timer; };
window.clearInterval = (timer) => { timers.delete(timer); end(timer); };
"""
"""Added to a page before its own scripts: those that run now."""


def test_one_timer_wakes_the_page_during_a_session(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.add_init_script(TIMERS)
    page.reload()
    begin(page, stub)
    assert page.evaluate("timers.size") == 1
