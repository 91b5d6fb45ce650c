"""The check before a visit, and the strip for the corner of a call, in a real browser against a server that a test
plays."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import messages
from tests.browser.asserting import (
    INSTEAD,
    PROMPT,
    assert_readable,
    attribute,
    define_every_element,
    lasts,
    shown,
    until,
)
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer, StubSocket


def started(page: Page, stub: StubServer) -> StubSocket:
    page.click("[part=start]")
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started())
    attribute(page, "data-state", "live")
    return socket


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_a_sentence_read_alone_gets_one_verdict_and_can_be_heard(
    stub: StubServer, open_page: OpenPage, locale: str, scheme: str
) -> None:
    page = open_page(f"{stub.url}check", locale=locale, color_scheme=scheme, viewport={"width": 360, "height": 700})
    attribute(page, "data-state", "idle")
    assert_readable(page, 360)
    socket = started(page, stub)
    shown(page, "Please read as you usually speak" if locale == "en-GB" else "请像平常一样读")
    socket.wait_for_samples(8000)
    # Who has not begun to read is waited for; ten seconds with speech are enough.
    socket.send(messages.update(8, low_background=0.2, grade="poor", speech_ratio=0.0))
    socket.send(messages.update(9, low_background=0.2, grade="poor"))
    socket.expect("session.end")
    socket.send(messages.ended())
    attribute(page, "data-verdict", "re-record")
    expect(page.get_by_role("status")).to_have_text(
        "You can be heard, and could be clearer." if locale == "en-GB" else "基本能听到，可以更清楚一些。"
    )
    shown(page, "Please go somewhere quieter." if locale == "en-GB" else "请到安静一点的地方。")
    page.click("[part=play]")
    assert_readable(page, 360)
    assert page.evaluate("document.querySelector('tingqing-check').voice") is None, "nobody asked to keep it"
    assert not re.search(r"\d", page.locator(".speech").inner_text())


def test_a_check_says_whether_sound_is_sent_and_that_none_is_stored(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check")
    sending, stored = (page.locator(f"[part={name}]") for name in ("sending", "stored"))
    expect(sending).to_have_text("Sound is not being sent")
    expect(stored).to_have_text("No sound is stored")
    socket = started(page, stub)
    expect(sending).to_have_text("Sound is being sent")
    socket.send(messages.ended())
    attribute(page, "data-state", "ended")
    expect(sending).to_have_text("Sound is not being sent")


@pytest.mark.parametrize("path", ["check", ""])
def test_what_to_do_better_is_as_easy_to_read_as_what_went_wrong(
    stub: StubServer, open_page: OpenPage, path: str
) -> None:
    page = open_page(f"{stub.url}{path}")
    socket = started(page, stub)
    page.click("[part=finish], [part=stop]")
    socket.send(messages.ended())
    attribute(page, "data-state", "ended")
    advice = page.locator(".advice")
    expect(advice).to_have_text("Please go somewhere quieter.")
    style = "at => { const { color, fontSize } = getComputedStyle(at); return [color, parseFloat(fontSize)]; }"
    ink, size = advice.evaluate(style)
    assert size >= 20
    assert ink == page.locator(".card.stage").evaluate(style)[0], "not in the grey of what matters less"


def test_a_check_that_keeps_the_voice_names_itself_once_it_has_ended(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check")
    page.evaluate("document.querySelector('tingqing-check').setAttribute('keep-voice', '')")
    page.click("[part=start]")
    check = stub.patient()
    assert check.expect("session.start")["keep_voice"] is True
    check.send(messages.started())
    attribute(page, "data-state", "live")
    assert page.evaluate("document.querySelector('tingqing-check').voice") is None
    check.send(messages.ended())
    attribute(page, "data-state", "ended")
    voice = page.evaluate("document.querySelector('tingqing-check').voice")
    assert voice == {key: messages.started()[key] for key in ("session_id", "resume_token")}


def test_a_visit_is_told_whose_voice_the_check_heard(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    voice = {"session_id": "a1b2", "resume_token": "secret"}
    page.evaluate("voice => { document.querySelector('tingqing-patient').voiceOf = voice; }", voice)
    page.click("[part=start]")
    assert stub.patient().expect("session.start")["voice_of"] == voice


def test_another_microphone_that_hears_the_patient_is_offered(
    stub: StubServer, open_page: OpenPage, silence_wav: Path
) -> None:
    page = open_page(f"{stub.url}check", wav=silence_wav)
    page.evaluate(
        """() => {
          const media = navigator.mediaDevices;
          const ask = media.getUserMedia.bind(media);
          const context = new AudioContext();
          media.enumerateDevices = async () => [
            { kind: 'audioinput', deviceId: 'dead', label: 'Dead one' },
            { kind: 'audioinput', deviceId: 'head', label: 'Headset' },
          ];
          media.getUserMedia = async (wanted) => {
            if (wanted.audio.deviceId?.exact !== 'head') return ask({ audio: true });
            const voice = new OscillatorNode(context);
            const out = context.createMediaStreamDestination();
            voice.connect(out);
            voice.start();
            return out.stream;
          };
        }"""
    )
    started(page, stub).wait_for_samples(1)  # so the browser's sound has begun
    page.clock.run_for(2600)
    shown(page, "No sound from the microphone.")
    page.clock.resume()
    offer = page.get_by_role("button", name="Switch to Headset, it hears you")
    offer.click()
    expect(page.get_by_role("status")).to_contain_text("Please read as you usually speak")
    expect(offer).to_be_hidden()


STRIP = """() => {
  const strip = document.createElement('tingqing-strip');
  strip.lang = 'en';
  document.querySelector('main').replaceChildren(strip);
}"""


def test_the_strip_is_200_px_wide_and_says_one_thing(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check", locale="en-GB")
    define_every_element(page)
    page.evaluate(STRIP)
    strip = page.locator("tingqing-strip")
    strip.locator("[part=start]").click()
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started(), messages.level(), messages.update(1, low_background=0.2, grade="poor"))
    socket.send(messages.prompt())
    expect(strip).to_have_attribute("data-prompt", PROMPT)
    expect(strip.get_by_role("status")).to_have_text("It is a bit noisy. Please move somewhere quieter.")
    assert strip.evaluate("at => at.getBoundingClientRect().width") == 200
    assert strip.evaluate("at => at.shadowRoot.querySelector('.strip').scrollWidth") <= 200
    strip.locator("[part=not-now]").click()
    assert socket.expect("prompt.snooze")["id"] == PROMPT
    expect(strip.get_by_role("status")).to_have_text(INSTEAD)
    until(page, "document.querySelector('tingqing-strip').shadowRoot.activeElement?.className === 'now'")


def test_the_strip_says_what_is_sent_and_pauses_it(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check", locale="en-GB")
    define_every_element(page)
    page.evaluate(STRIP)
    strip = page.locator("tingqing-strip")
    expect(strip.get_by_text("Not stored")).to_be_hidden()
    strip.locator("[part=start]").click()
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started())
    expect(strip.locator("[part=sending]")).to_have_text("Being sent")
    expect(strip.get_by_text("Not stored")).to_be_visible()
    strip.locator("[part=pause]").click()
    socket.expect("audio.pause")
    expect(strip.locator("[part=sending]")).to_have_text("Not sent")
    strip.get_by_role("button", name="Continue").click()
    socket.expect("audio.resume")
    assert strip.evaluate("at => at.shadowRoot.querySelector('.strip').scrollWidth") <= 200


def test_a_check_is_stopped_by_its_button_and_by_itself_after_a_minute(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}check")
    attribute(page, "data-state", "idle")
    socket = started(page, stub)
    socket.wait_for_samples(8000)
    page.get_by_role("button", name="Stop").click()
    socket.expect("session.end")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    socket.send(messages.ended())
    attribute(page, "data-verdict", "re-record")
    socket = started(page, stub)
    lasts(page, socket, 59)
    attribute(page, "data-state", "live")
    page.clock.run_for(1500)
    socket.expect("session.end")


def test_not_now_brings_another_way_once(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    socket = started(page, stub)
    for sentence in (INSTEAD, "All right, please go on."):
        socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
        attribute(page, "data-prompt", PROMPT)
        page.click("[part=not-now]")
        expect(page.get_by_role("status")).to_have_text(sentence)


def test_a_page_asks_the_patient_in_its_own_words(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(
        """() => {
          const words = { start: 'Go', 'prompt.move_somewhere_quieter': 'Psst.' };
          document.querySelector('tingqing-patient').texts = words;
        }"""
    )
    expect(page.locator("[part=start]")).to_have_text("Go")
    socket = started(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    expect(page.get_by_role("status")).to_have_text("Psst.")
