"""A link begins one session. What a patient reads whose link opens nothing any more, on each page, in both languages:
what happened, whom to ask, and no button that leads nowhere."""

import json
import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser import messages
from tests.browser.asserting import RETRIED_WITHIN_S, WITHIN_S, assert_readable, attribute, begin, lose, passes, shown
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer

START = "[part=start]"
REFUSED = {
    "token_used": (4403, "This link was already used. Please ask your doctor", "已经用过了。请让医生"),
    "token_expired": (4410, "This link has expired. Please ask your doctor", "已经过期。请让医生"),
    "foreign_token": (4403, "This link is for another page.", "不能打开本页"),
    "invalid_token": (4401, "This link is not valid", "这个链接无效"),
    "unauthorized": (4401, "with the link that your hospital sent you", "请使用医院发给您的链接"),
}


def refused(page: Page, stub: StubServer, code: str, close: int) -> None:
    page.click(START)
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.error(code))
    socket.close(close)
    attribute(page, "data-state", "error")


def told(page: Page, english: str, chinese: str) -> None:
    """In both languages, on a page that offers no start; the language is switched by its button."""
    expect(page.locator(START)).to_be_hidden()
    shown(page, english)
    page.click("#language")
    expect(page.get_by_text(re.compile(chinese))).to_be_visible()
    expect(page.locator(START)).to_be_hidden()
    page.click("#language")


@pytest.mark.parametrize("code", REFUSED)
def test_a_refused_link_says_what_happened_and_has_no_button(stub: StubServer, open_page: OpenPage, code: str) -> None:
    close, english, chinese = REFUSED[code]
    page = open_page(stub.url if code == "unauthorized" else f"{stub.url}#token=a.b.c")
    expect(page.locator(START)).to_be_visible()
    refused(page, stub, code, close)
    told(page, english, chinese)
    if code == "token_used":  # the others look the same
        assert_readable(page, 1280)


OPENED = {code: sides for code, sides in REFUSED.items() if code != "unauthorized"}


@pytest.mark.parametrize("code", OPENED)
@pytest.mark.parametrize("name", ["", "check"])
def test_a_link_that_opens_nothing_is_told_when_the_page_is_opened(
    stub: StubServer, open_page: OpenPage, name: str, code: str
) -> None:
    _, english, chinese = OPENED[code]
    stub.link = (403, code)
    page = open_page(f"{stub.url}{name}#token=a.b.c", expecting="status of 403")
    shown(page, english)
    told(page, english, chinese)
    assert stub.looked.get_nowait() == ("publish", "a.b.c")
    assert stub.looked.empty(), "it is asked once"
    assert stub.patients.empty(), "and nothing was opened with it"
    if code == "token_used":
        assert_readable(page, 1280)


def test_a_session_for_which_nobody_came_in_time_is_told_as_an_expired_link(
    stub: StubServer, open_page: OpenPage
) -> None:
    stub.link = (404, "unknown_session")
    page = open_page(f"{stub.url}#token=a.b.c", expecting="status of 404")
    told(page, *REFUSED["token_expired"][1:])


@pytest.mark.parametrize(
    ("status", "code"), [(429, "too_many_requests"), (503, "store_unavailable"), (404, "not_found")]
)
@pytest.mark.parametrize("name", ["", "check"])
def test_a_server_that_does_not_say_what_a_link_is_worth_leaves_the_button(
    stub: StubServer, open_page: OpenPage, name: str, status: int, code: str
) -> None:
    stub.link = (status, code)
    page = open_page(f"{stub.url}{name}#token=a.b.c", expecting=f"status of {status}")
    assert stub.looked.get(timeout=WITHIN_S) == ("publish", "a.b.c")
    page.wait_for_load_state("networkidle")
    expect(page.locator(START)).to_be_visible()
    page.click(START)
    stub.patient().expect("session.start")


def test_a_page_without_a_link_asks_nothing(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    begin(page, stub)
    assert stub.looked.empty()


def test_a_page_that_shows_an_element_can_tell_what_became_of_its_link(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor?session=x", expecting="status of 401")
    stub.link = (401, "token_expired")
    heard = page.evaluate(
        """async () => {
          const { TingqingPatient } = await import('/elements/patient-element.js');
          customElements.define('tingqing-patient', TingqingPatient);
          const patient = document.createElement('tingqing-patient');
          patient.setAttribute('token', 'a.b.c');
          const told = new Promise((heard) => addEventListener('tingqing-refused', ({ detail }) => heard(detail)));
          document.body.append(patient);
          const { code, remedy } = await told;
          return [code, typeof remedy.zh, patient.dataset.link, patient.dataset.state];
        }"""
    )
    assert heard == ["token_expired", "string", "spent", "idle"]


def test_a_server_that_does_not_answer_costs_no_link(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}#token=a.b.c")
    page.click(START)
    socket = stub.patient()
    lose(page, socket, 4503)
    passes(page, 60)
    attribute(page, "data-state", "error")
    shown(page, "The server cannot be reached.")
    expect(page.locator(START)).to_have_text("Start")


@pytest.mark.parametrize(
    ("verdict", "english", "chinese"),
    [
        (
            "re-record",
            "This link works once. To record again, please ask your doctor for a new one.",
            "要再录一遍，请让医生",
        ),
        ("accept", "You can close this page now.", "可以关闭本页了"),
    ],
)
def test_who_has_recorded_with_a_link_is_offered_no_second_recording(
    stub: StubServer, open_page: OpenPage, verdict: str, english: str, chinese: str
) -> None:
    page = open_page(f"{stub.url}#token=a.b.c")
    socket = begin(page, stub)
    page.click("[part=finish]")
    socket.send(messages.ended(verdict=verdict))
    attribute(page, "data-state", "ended")
    told(page, english, chinese)
    page.reload()
    told(page, "This link was already used. Please ask your doctor", "已经用过了。请让医生")


def test_without_a_link_one_may_record_again(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    page.click("[part=finish]")
    socket.send(messages.ended(verdict="re-record"))
    expect(page.locator(START)).to_have_text("Start again")


def test_a_page_that_is_asked_for_tokens_may_record_again_with_another_one(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    page.evaluate(
        """() => {
          window.asked = 0;
          document.querySelector('tingqing-patient').tokenProvider = async () => `token.number.${(window.asked += 1)}`;
        }"""
    )
    socket = begin(page, stub)
    page.click("[part=finish]")
    socket.send(messages.ended(verdict="re-record"))
    expect(page.locator(START)).to_have_text("Start again")
    page.click(START)
    stub.patient().expect("session.start")
    assert page.evaluate("asked") == 2


def test_another_token_in_place_of_a_used_one_brings_the_button_back(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}#token=a.b.c")
    refused(page, stub, "token_used", 4403)
    expect(page.locator(START)).to_be_hidden()
    page.evaluate("document.querySelector('tingqing-patient').setAttribute('token', 'd.e.f')")
    expect(page.locator(START)).to_be_visible()


@pytest.mark.parametrize(
    ("code", "close", "english", "chinese"),
    [
        ("session_expired", 4410, "the session has ended. Please ask your doctor for a new link.", "网络断开太久"),
        (
            "idle_timeout",
            4408,
            "No sound arrived for a long time, so the session has ended. Please ask",
            "长时间没有收到声音",
        ),
        ("internal_error", 1011, "", ""),
    ],
)
def test_a_session_that_was_lost_takes_its_link_with_it(
    stub: StubServer, open_page: OpenPage, code: str, close: int, english: str, chinese: str
) -> None:
    page = open_page(f"{stub.url}#token=a.b.c")
    socket = begin(page, stub)
    if not english:
        socket.close(close)  # the line alone: the client comes back by itself
        attribute(page, "data-state", "reconnecting")
        expect(page.locator(START)).to_be_hidden()
        return
    socket.send(messages.error(code))
    socket.close(close)
    attribute(page, "data-state", "error")
    told(page, english, chinese)


def test_a_link_whose_session_nobody_came_for_in_time_has_expired_after_start_too(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(f"{stub.url}#token=a.b.c")
    refused(page, stub, "unknown_session", 4404)
    told(page, *REFUSED["token_expired"][1:])


@pytest.mark.parametrize(
    ("link", "english", "chinese"),
    [
        ("", "this session could not be kept. Please press Start again.", "没有保存下来。请重新点击"),
        ("#token=a.b.c", "this session could not be kept. Please ask your doctor", "没有保存下来。请让医生"),
    ],
)
def test_a_session_that_a_restarted_server_has_lost_is_not_told_as_a_lost_connection(
    stub: StubServer, open_page: OpenPage, link: str, english: str, chinese: str
) -> None:
    page = open_page(stub.url + link)
    lose(page, begin(page, stub), 1011)
    passes(page, RETRIED_WITHIN_S)
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.error("unknown_session"))
    socket.close(4404)
    attribute(page, "data-state", "error")
    shown(page, english)
    if link:
        told(page, english, chinese)
    else:
        expect(page.locator(START)).to_be_visible()


@pytest.mark.parametrize("code", ["unknown_session", "session_expired"])
def test_a_visit_whose_session_is_gone_is_told_to_the_patient_without_a_way_back(
    stub: StubServer, open_page: OpenPage, code: str
) -> None:
    page = open_page(f"{stub.url}visit?session={messages.SESSION_ID}#token=a.b.c")

    def answer(socket: WebSocketRoute) -> None:
        socket.send(json.dumps(messages.error(code)))
        socket.close(code=4404)

    page.route_web_socket("**/call", answer)
    page.click("#join")
    expect(page.locator(".visit")).to_have_attribute("data-state", "failed")
    shown(page, "This session has ended. Please ask your doctor for a new link.")
    expect(page.locator("#join")).to_be_hidden()


def test_a_check_with_a_link_is_made_once(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check#token=a.b.c")
    socket = begin(page, stub)
    page.click("[part=stop]")
    socket.send(messages.ended(verdict="unusable"))
    attribute(page, "data-state", "ended")
    told(page, "This link works for one try.", "这个链接只能试一次")
    expect(page.get_by_text("Please try once more")).to_have_count(0)


def test_a_property_that_was_set_before_the_element_was_defined_is_kept(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor?session=x")
    kept = page.evaluate(
        """async () => {
          const patient = document.createElement('tingqing-patient');
          const stream = new MediaStream();
          Object.assign(patient, { source: stream, texts: { start: 'Begin' }, tokenProvider: async () => 'a.b.c' });
          document.body.append(patient);
          const { TingqingPatient } = await import('/elements/patient-element.js');
          customElements.define('tingqing-patient', TingqingPatient);
          patient.texts = { ...patient.texts, again: 'Once more' };
          const said = patient.shadowRoot.querySelector('[part=start]').textContent;
          return [patient.source === stream, typeof patient.tokenProvider, said, Object.keys(patient.texts)];
        }"""
    )
    assert kept == [True, "function", "Begin", ["start", "again"]]
