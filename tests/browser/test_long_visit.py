"""A visit of minutes, by a clock that the test moves: the pages have no more elements and listeners after it than
early on. What the clients keep of two hours: unit/two-hours.test.mjs."""

import pytest
from playwright.sync_api import Page

from tests.browser import messages
from tests.browser.asserting import attribute, begin, passes, until
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer, StubSocket

EARLY_S, LATE_S, TURN_S = 80, 200, 40
"""A prompt comes and goes, and the grade with it, every ``TURN_S``."""

TOLD = """() => {
  window.told = 0;
  addEventListener('tingqing-message', ({ detail }) => { if (detail.type === 'quality.update') told += 1; });
}"""
"""Updates that the page has had: its clock moves on only then."""


def last(page: Page, socket: StubSocket, begins_s: int, ends_s: int) -> None:
    for second in range(begins_s, ends_s):
        poor = second % TURN_S < TURN_S // 2
        score, grade = (0.2, "poor") if poor else (0.9, "clear")
        socket.send(messages.level(), messages.update(second + 1, low_background=score, grade=grade))
        if second % TURN_S == 0:
            socket.send(messages.prompt())
        if second % TURN_S == TURN_S // 2:
            socket.send(messages.prompt("prompt.cleared"))
        until(page, f"told > {second}")
        passes(page, 1)
    attribute(page, "data-grade", "clear")


def counted(page: Page) -> dict[str, float]:
    """What is left once nobody needs it any more."""
    tools = page.context.new_cdp_session(page)
    tools.send("HeapProfiler.collectGarbage")
    tools.send("Performance.enable")
    found = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
    tools.detach()
    return {name: found[name] for name in ("Nodes", "JSEventListeners")}


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_elements_and_listeners_do_not_grow_with_the_visit(stub: StubServer, open_page: OpenPage, who: str) -> None:
    if who == "patient":
        page = open_page(stub.url)
        socket = begin(page, stub)
    else:
        page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}")
        socket = stub.doctor()
        socket.send(messages.snapshot())
    page.evaluate(TOLD)
    last(page, socket, 0, EARLY_S)
    early = counted(page)
    last(page, socket, EARLY_S, LATE_S)
    late = counted(page)
    assert late["Nodes"] <= early["Nodes"] + 10, (early, late)
    assert late["JSEventListeners"] <= early["JSEventListeners"] + 2, (early, late)
