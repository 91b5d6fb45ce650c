"""The patient's page in a real browser against a server whose every message the test decides."""

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Dialog, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from tests.browser import messages
from tests.browser.asserting import (
    INSTEAD,
    PROMPT,
    RETRIED_WITHIN_S,
    assert_readable,
    attribute,
    begin,
    lose,
    passes,
    shown,
    tell,
    until,
    without_attribute,
)
from tests.browser.conftest import OpenPage
from tests.browser.stub import ANSWER_WITHIN_S, StubServer


def test_capture_is_asked_raw_and_reported_as_granted(stub: StubServer, open_page: OpenPage) -> None:
    socket = begin(open_page(stub.url), stub)
    assert socket.start["capture"] == messages.OFF
    assert socket.start["audio"] == {"encoding": "pcm_s16le", "sample_rate": 16000}
    assert socket.start["language"] == "en"


def test_sound_flows_in_small_chunks_at_the_declared_rate(stub: StubServer, open_page: OpenPage) -> None:
    socket = begin(open_page(stub.url), stub)
    # What waited for the session to begin comes first, in larger pieces.
    begun = len(socket.wait_for_samples(8000))
    sizes = socket.wait_for_samples(socket.samples + 32_000)
    assert max(sizes) <= 0.2 * 16_000
    assert np.median(sizes[begun:]) == 1600


def test_prompt_is_one_sentence_with_not_now(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    attribute(page, "data-grade", "poor")
    expect(page.get_by_role("status")).to_have_text("It is a bit noisy. Please move somewhere quieter.")
    page.click("[part=not-now]")
    assert socket.expect("prompt.snooze")["id"] == PROMPT
    without_attribute(page, "data-prompt")
    expect(page.get_by_role("status")).to_have_text(INSTEAD)


def test_after_a_prompt_the_patient_hears_that_it_helped(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.5, grade="usable"), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    socket.send(messages.prompt("prompt.cleared"))
    shown(page, "That is better, thank you.")
    socket.send(messages.level(), messages.update(2, low_background=0.9, grade="clear"))
    shown(page, "You sound clear.")
    attribute(page, "data-grade", "clear")


def test_prompt_for_the_doctor_is_not_shown_to_the_patient(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.send(
        messages.level(), messages.prompt(audience="doctor"), messages.update(1, low_background=0.2, grade="poor")
    )
    attribute(page, "data-grade", "poor")
    without_attribute(page, "data-prompt")
    expect(page.get_by_text("somewhere quieter")).to_have_count(0)


def test_prompt_names_the_disturbing_sound_in_the_servers_words(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    text = {
        "zh": "周围有电视声，请到安静一点的地方再说。",
        "en": "I can hear the television. Please move somewhere quieter.",
    }
    socket.send(messages.level(), messages.prompt() | {"text": text})
    expect(page.locator("[part=prompt]")).to_have_text(text["en"])
    page.click("#language")
    expect(page.locator("[part=prompt]")).to_have_text(text["zh"])


def test_nothing_technical_is_shown_to_the_patient(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    for _ in ("en", "zh"):
        said = page.locator("tingqing-patient section.stage").inner_text() + page.locator(".truth").inner_text()
        assert not re.search(r"[a-z]+_[a-z]+|CLAP|[Bb]asic mode|基础模式", said), said
        page.click("#language")


def test_no_number_is_shown_to_the_patient(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    assert not re.search(r"\d", page.locator("section.stage").inner_text())
    page.click("[part=finish]")
    socket.expect("session.end")
    socket.send(messages.ended())
    attribute(page, "data-state", "ended")
    summary = page.locator("[part=verdict]").inner_text()
    assert "It would help to record this once more." in summary
    assert "Please go somewhere quieter." in summary
    assert "Please record again" not in summary, "that is for the doctor"
    assert not re.search(r"\d", summary)


def test_page_always_shows_whether_sound_is_sent_and_stored(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    shown(page, "Sound is not being sent")
    shown(page, "No sound is stored")
    shown(page, "This rates the recording, not the patient. It is not a diagnosis.")
    begin(page, stub)
    shown(page, "Sound is being sent")
    page.click("[part=pause]")
    shown(page, "Sound is not being sent")
    page.click("[part=pause]")
    shown(page, "Sound is being sent")


def test_no_sound_is_sent_between_pause_and_resume(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(
        """() => {
          window.heard = () => 0;
          window.AudioContext = class extends AudioContext {
            constructor(...given) {
              super(...given);
              window.heard = () => this.currentTime;
            }
          };
        }"""
    )
    socket = begin(page, stub)
    socket.wait_for_samples(3200)
    page.click("[part=pause]")
    socket.expect("audio.pause")
    attribute(page, "data-state", "paused")
    # The microphone goes on, by a clock of its own.
    page.evaluate("() => { window.paused = heard(); }")
    until(page, "heard() > paused + 1")
    page.click("[part=pause]")
    socket.expect("audio.resume")
    assert socket.samples_before["audio.resume"] == socket.samples_before["audio.pause"] >= 3200
    attribute(page, "data-state", "live")
    socket.wait_for_samples(socket.samples_before["audio.resume"] + 3200)


def test_denied_microphone_says_what_to_do(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url, denied=True)
    page.click("[part=start]")
    attribute(page, "data-state", "error")
    shown(page, "allow the microphone, then press Start")
    expect(page.locator("[part=start]")).to_be_visible()


def test_missing_microphone_says_what_to_do(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url, wav=None)
    page.click("[part=start]")
    attribute(page, "data-state", "error")
    shown(page, "No microphone was found.")


def test_insecure_page_says_what_to_do(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate("() => Object.defineProperty(window, 'isSecureContext', {value: false})")
    page.click("[part=start]")
    attribute(page, "data-state", "error")
    shown(page, "open this page with https")


def test_microphone_that_gives_only_zeros_is_noticed(stub: StubServer, open_page: OpenPage, silence_wav: Path) -> None:
    page = open_page(stub.url, wav=silence_wav)
    begin(page, stub)
    # It is looked at twice a second.
    passes(page, 1.9)
    shown(page, "Sound is being sent")
    passes(page, 0.7)
    shown(page, "No sound from the microphone.")
    shown(page, "Sound is not being sent")


def test_microphone_that_dies_is_opened_anew(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(
        """() => {
          window.opened = [];
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            opened.push(await ask(wanted));
            return opened.at(-1);
          };
        }"""
    )
    socket = begin(page, stub)
    socket.wait_for_samples(8000)
    page.evaluate("opened[0].getTracks()[0].stop()")
    passes(page, 1)
    until(page, "opened.length === 2")
    shown(page, "Sound is being sent")
    socket.wait_for_samples(socket.samples + 16_000)
    assert stub.patients.empty(), "the session is the same"


def test_cut_line_is_resumed_and_replayed(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    first = begin(page, stub)
    first.wait_for_samples(16_000)
    lose(page, first, 1012)
    attribute(page, "data-state", "reconnecting")
    shown(page, "Connection lost.")
    passes(page, RETRIED_WITHIN_S)
    second = stub.patient()
    start = second.expect("session.start")
    assert start["resume"] == {"session_id": messages.SESSION_ID, "resume_token": "token"}
    second.samples = 4000
    second.send(messages.started(next_sample=4000))
    attribute(page, "data-state", "live")
    second.wait_for_samples(first.samples + 8000)


def test_line_without_a_message_for_three_seconds_is_replaced(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.mute()
    socket.send(messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    passes(page, 2.9)
    attribute(page, "data-state", "live")
    passes(page, 0.4)
    attribute(page, "data-state", "reconnecting")
    passes(page, RETRIED_WITHIN_S)
    second = stub.patient()
    assert second.expect("session.start")["resume"]["session_id"] == messages.SESSION_ID


def test_final_refusal_is_not_retried(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    opened = page.evaluate("linesOpened")
    socket.send(messages.error("session_superseded"))
    lose(page, socket, 4409)
    attribute(page, "data-state", "error")
    shown(page, "This session continues in another window.")
    passes(page, 60)
    assert page.evaluate("linesOpened") == opened


def test_language_follows_the_browser_and_the_switch(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url, locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("[part=start]")).to_have_text("开始")
    socket = begin(page, stub)
    assert socket.start["language"] == "zh-CN"
    socket.send(messages.prompt())
    shown(page, "周围有点吵，请到安静一点的地方再说。")
    page.click("#language")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    shown(page, "It is a bit noisy. Please move somewhere quieter.")


def test_dropped_file_is_assessed(stub: StubServer, open_page: OpenPage, voice_wav: Path) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    page.evaluate(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File(['RIFF'], 'visit.wav'));
          document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, dataTransfer: files}));
        }"""
    )
    assert stub.uploads.get(timeout=ANSWER_WITHIN_S) == "visit.wav"
    shown(page, "It would help to record this once more.")
    expect(page.get_by_role("meter", name="Quiet room")).to_have_attribute("aria-valuetext", "very low")
    page.set_input_files("input[type=file]", voice_wav)
    assert stub.uploads.get(timeout=ANSWER_WITHIN_S) == "voice.wav"


def test_page_loads_nothing_from_other_hosts(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stub.url)
    begin(page, stub)
    assert asked
    assert all(url.startswith(stub.url) for url in asked)


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_page_is_readable_and_reachable(stub: StubServer, open_page: OpenPage, locale: str, scheme: str) -> None:
    # 320 CSS pixels are what a screen of 640 has left at 200 % zoom.
    page = open_page(stub.url, locale=locale, color_scheme=scheme, viewport={"width": 320, "height": 640})
    attribute(page, "data-state", "idle")
    assert_readable(page, 320)
    socket = begin(page, stub)
    socket.send(messages.level(), messages.update(1, low_background=0.2, grade="poor"), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    assert_readable(page, 320)


def test_status_region_is_there_before_its_first_words(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    page.evaluate(
        "() => { window.region = document.querySelector('tingqing-patient').shadowRoot.querySelector('[role=status]') }"
    )
    begin(page, stub).send(messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    assert page.evaluate("window.region.isConnected && window.region.textContent").startswith("It is a bit noisy")


MOVING = """() => {
  const moving = [];
  const look = (root) => {
    for (const at of root.querySelectorAll('*')) {
      const { animationName, transitionDuration } = getComputedStyle(at);
      const glides = transitionDuration.split(',').some((time) => parseFloat(time) > 0);
      if (glides || animationName !== 'none') moving.push(at.className.baseVal ?? at.className ?? at.localName);
      if (at.shadowRoot) look(at.shadowRoot);
    }
  };
  look(document);
  return moving;
}"""
"""All that glides or moves, in the page and its elements."""


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_motion_is_reduced_where_asked(stub: StubServer, open_page: OpenPage, who: str) -> None:
    moving = {}
    for wish in ("no-preference", "reduce"):
        update = messages.update(1, low_background=0.2, grade="poor")
        if who == "patient":
            page = open_page(stub.url, reduced_motion=wish)
            begin(page, stub).send(messages.level(), update)
        else:
            page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}", reduced_motion=wish)
            stub.doctor().send(messages.snapshot(with_update=update))
        attribute(page, "data-grade", "poor")
        moving[wish] = page.evaluate(MOVING)
    assert moving["no-preference"], "else nothing would show that it is less"
    assert moving["reduce"] == []


def test_wav_of_the_tests_is_not_silent(voice_wav: Path) -> None:
    pcm, _ = soundfile.read(voice_wav, dtype="int16")
    assert np.count_nonzero(pcm) > 0.9 * pcm.size


def test_department_chosen_on_the_page_goes_with_session_file_and_address(
    stub: StubServer, open_page: OpenPage, voice_wav: Path
) -> None:
    page = open_page(stub.url, locale="zh-CN")
    picker = page.get_by_label("科室")
    expect(picker).to_have_value("telemedicine")
    picker.select_option(label="心内科")
    expect(page).to_have_url(re.compile("labels=cardiology$"))
    page.set_input_files("input[type=file]", voice_wav)
    assert stub.asked.get(timeout=ANSWER_WITHIN_S) == "cardiology"
    socket = begin(page, stub)
    assert socket.start["labels"] == "cardiology"
    expect(picker).to_be_disabled()
    page.click("#language")
    expect(page.get_by_label("Department").locator("option:checked")).to_have_text("Cardiology")


def test_labels_of_the_address_are_asked_for(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}?labels=low_background,close_enough", locale="en-GB")
    expect(page.get_by_label("Department")).to_have_value("low_background,close_enough")
    assert begin(page, stub).start["labels"] == "low_background,close_enough"


@pytest.mark.parametrize(("address", "mode"), [("", None), ("?mode=visit", "visit"), ("?mode=talk", None)])
def test_a_link_says_that_the_patient_is_in_a_visit(
    stub: StubServer, open_page: OpenPage, address: str, mode: str | None
) -> None:
    assert begin(open_page(f"{stub.url}{address}"), stub).start.get("mode") == mode


@pytest.mark.parametrize(
    ("path", "script"), [("", "page"), ("check", "page"), ("doctor?session=x", "page"), ("visit?session=x", "visit")]
)
def test_elements_that_are_there_already_are_no_fault(
    stub: StubServer, open_page: OpenPage, path: str, script: str
) -> None:
    """Two scripts may define them, in any order; the second run of a page's own stands for one that comes late."""
    page = open_page(stub.url + path)
    page.evaluate("() => import('/index.js')")
    page.evaluate(f"() => import('/pages/{script}.js?again').then(() => true)")


@pytest.mark.parametrize("path", ["", "check", f"visit?session={messages.SESSION_ID}"])
@pytest.mark.parametrize(
    ("line", "encoding", "rate"), [("half", "mulaw", 16_000), ("narrow", "mulaw", 8_000), ("slow", "pcm_s16le", 16_000)]
)
def test_a_link_says_that_the_line_is_slow(
    stub: StubServer, open_page: OpenPage, path: str, line: str, encoding: str, rate: int
) -> None:
    """Of a value that is none, as of a mode that is none, nothing is said."""
    page = open_page(f"{stub.url}{path}{'&' if '?' in path else '?'}line={line}#token=a.b.c")
    host = page.locator("tingqing-patient, tingqing-check, tingqing-strip")
    expect(host).to_have_attribute("data-state", "idle")
    host.evaluate("host => void host.start()")
    assert stub.patient().expect("session.start")["audio"] == {"encoding": encoding, "sample_rate": rate}


def test_the_doctors_address_says_nothing_of_a_line(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}&line=half")
    stub.doctor().send(messages.snapshot())
    attribute(page, "data-state", "live")
    assert page.locator("tingqing-doctor").get_attribute("line") is None


def test_labels_of_ones_own_that_cannot_be_scored_are_told_beside_the_doctors_link(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(f"{stub.url}?labels=很安静", locale="en-GB")
    socket = begin(page, stub)
    expect(page.locator("[part=notices]")).to_be_hidden()
    socket.send({"type": "labels.updated", "labels": [], "notices": [messages.NOTICE]})
    expect(page.locator("[part=notices]")).to_contain_text(messages.NOTICE["en"])
    expect(page.locator("[part=doctor]")).to_contain_text(messages.NOTICE["en"])
    page.click("[part=finish]")
    socket.expect("session.end")
    socket.send(messages.ended(notices=[messages.NOTICE]))
    attribute(page, "data-state", "ended")
    assert messages.NOTICE["en"] not in page.locator("section.stage").inner_text()


def test_a_reloaded_page_asks_before_it_goes_and_goes_on_with_its_session(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    socket.wait_for_samples(3200)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.reload()
    assert asked == ["beforeunload"]
    shown(page, "Your visit is not over. Press Continue to go on.")
    expect(page.locator("[part=start]")).to_have_text("Continue")
    page.click("[part=start]")
    again = stub.patient()
    assert again.expect("session.start")["resume"] == {"session_id": messages.SESSION_ID, "resume_token": "token"}
    again.samples = 1600
    again.send(messages.started(next_sample=1600))
    attribute(page, "data-state", "live")
    # What came before the reload is a gap that nobody is told of: the server had heard it.
    assert again.expect("audio.gap")["samples"] > 0
    again.wait_for_samples(3200)
    expect(page.get_by_text("did not arrive")).to_have_count(0)
    page.click("[part=finish]")
    again.expect("session.end")
    again.send(messages.ended())
    attribute(page, "data-state", "ended")
    page.reload()
    expect(page.locator("[part=start]")).to_have_text("Start")
    assert asked == ["beforeunload"], "who has finished may go"


def interrupted(page: Page, stub: StubServer) -> None:
    """A visit of this page breaks off: the tab is still there, the session waits for its patient."""
    begin(page, stub).wait_for_samples(3200)
    page.on("dialog", let_go)


def let_go(dialog: Dialog) -> None:
    """Leave the page; one that is gone already needs no answer."""
    with suppress(PlaywrightError):
        dialog.accept()


def test_the_next_patient_at_the_same_tablet_is_not_offered_the_former_ones_session(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(f"{stub.url}#token=token.of.A")
    interrupted(page, stub)
    page.goto(f"{stub.url}#token=token.of.B")  # another link in the same tab: the page loads itself again
    attribute(page, "data-state", "idle")
    expect(page.locator("[part=start]")).to_have_text("Start")
    assert "resume" not in begin(page, stub).start


def test_who_opens_the_page_anew_without_a_token_is_not_offered_a_session(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    interrupted(page, stub)
    page.goto(f"{stub.url}?lang=en")
    attribute(page, "data-state", "idle")
    expect(page.locator("[part=start]")).to_have_text("Start")
    assert "resume" not in begin(page, stub).start


def test_a_denied_microphone_after_a_reload_does_not_cost_the_visit(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    interrupted(page, stub)
    page.reload()
    page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = () => {
            navigator.mediaDevices.getUserMedia = ask;
            return Promise.reject(new DOMException('in use', 'NotReadableError'));
          };
        }"""
    )
    expect(page.locator("[part=start]")).to_have_text("Continue")
    page.click("[part=start]")
    attribute(page, "data-state", "error")
    expect(page.locator("[part=start]")).to_have_text("Continue")
    page.click("[part=start]")
    assert stub.patient().expect("session.start")["resume"]["session_id"] == messages.SESSION_ID


def test_who_has_finished_leaves_nothing_behind_in_the_tab(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    interrupted(page, stub)
    passes(page, 0.5)
    assert page.evaluate("sessionStorage.length") == 1
    page.click("[part=finish]")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_service_that_restarts_says_so_and_goes_on_with_a_new_session(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    first = begin(page, stub)
    first.wait_for_samples(3200)
    first.send({"type": "go_away", "time_left_s": 0, "resumable": False}, messages.ended("drain"))
    shown(page, "The service is restarting.")
    attribute(page, "data-state", "reconnecting")
    expect(page.locator("[part=verdict]")).to_have_count(0)
    passes(page, RETRIED_WITHIN_S)
    second = stub.patient()
    assert "resume" not in second.expect("session.start")
    second.send(messages.started(session_id="b" * 32))
    attribute(page, "data-state", "live")
    attribute(page, "data-session", "b" * 32)
    second.wait_for_samples(3200)


def test_lost_words_are_told_to_the_patient(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    # A worklet whose chunks are as long as 25 s of sound: more than the page keeps while its line is down.
    page.evaluate(
        """() => {
          const { onmessage } = Object.getOwnPropertyDescriptors(MessagePort.prototype);
          Object.defineProperty(MessagePort.prototype, 'onmessage', {
            set(handle) { window.hear = (pcm) => handle({ data: pcm }); onmessage.set.call(this, handle); },
          });
        }"""
    )
    first = begin(page, stub)
    first.wait_for_samples(3200)
    lose(page, first, 1012)
    attribute(page, "data-state", "reconnecting")
    page.evaluate("hear(new Int16Array(25 * 16000).fill(1000))")
    passes(page, RETRIED_WITHIN_S)
    second = stub.patient()
    second.expect("session.start")
    second.send(messages.started(next_sample=0))
    shown(page, "The line was down, and a few words did not arrive.")


def test_focus_stays_where_the_patient_is(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    inside = "document.querySelector('tingqing-patient').shadowRoot.activeElement?.className ?? ''"
    page.focus("[part=start]")
    page.keyboard.press("Enter")
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started())
    attribute(page, "data-state", "live")
    assert "speech" in page.evaluate(inside)
    socket.send(messages.level(), messages.prompt())
    attribute(page, "data-prompt", PROMPT)
    page.focus("[part=not-now]")
    page.keyboard.press("Enter")
    socket.expect("prompt.snooze")
    assert "speech" in page.evaluate(inside)
    page.focus("[part=finish]")
    page.keyboard.press("Enter")
    socket.expect("session.end")
    assert "speech" in page.evaluate(inside)
    socket.send(messages.ended())
    attribute(page, "data-state", "ended")
    until(page, f"({inside}) === 'summary'")


def test_a_call_that_stops_the_browsers_sound_is_a_pause_and_goes_on_by_itself(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    page.evaluate(
        """() => {
          const resume = AudioContext.prototype.resume;
          window.contexts = [];
          window.AudioContext = class extends AudioContext {
            constructor(...given) { super(...given); contexts.push(this); }
          };
          window.call = async () => {
            AudioContext.prototype.resume = () => Promise.reject(new Error('a call'));
            await contexts.at(-1).suspend();
          };
          window.hangUp = () => { AudioContext.prototype.resume = resume; };
        }"""
    )
    socket = begin(page, stub)
    page.evaluate("call()")
    passes(page, 1.5)
    socket.expect("audio.pause")
    shown(page, "Your device has stopped the sound")
    page.evaluate("hangUp()")
    until(page, "(() => { contexts.at(-1).resume(); return contexts.at(-1).state === 'running'; })()")
    passes(page, 1)
    socket.expect("audio.resume")
    attribute(page, "data-state", "live")


def test_a_phone_that_starts_its_sound_slowly_is_given_time_and_one_that_does_not_is_told(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    page.evaluate(
        """() => {
          window.resume = AudioContext.prototype.resume;
          window.tried = 0;
          AudioContext.prototype.resume = () => { tried += 1; return new Promise(() => {}); };
          window.contexts = [];
          window.AudioContext = class extends AudioContext {
            constructor(...given) { super(...given); contexts.push(this); this.suspend(); }
          };
        }"""
    )
    page.click("[part=start]")
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started())
    attribute(page, "data-state", "live")
    until(page, "tried === 1 && contexts.at(-1).state === 'suspended'")
    for _ in range(3):  # its line is up
        tell(page, socket)
        passes(page, 1)
    until(page, "tried > 4")
    attribute(page, "data-state", "live")
    for _ in range(2):
        tell(page, socket)
        passes(page, 1)
    shown(page, "Your device has stopped the sound")
    socket.expect("audio.pause")
    page.evaluate("() => { AudioContext.prototype.resume = resume; return contexts.at(-1).resume(); }")
    passes(page, 1)
    socket.expect("audio.resume")
    attribute(page, "data-state", "live")


def test_the_calls_own_microphone_is_taken_and_left_alone(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    page.evaluate(
        """async () => {
          window.call = await navigator.mediaDevices.getUserMedia({ audio: true });
          window.asked = 0;
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = (wanted) => { asked += 1; return ask(wanted); };
          document.querySelector('tingqing-patient').source = call;
        }"""
    )
    socket = begin(page, stub)
    assert socket.start["capture"]["noiseSuppression"] is True, "as the call has it"
    socket.wait_for_samples(8000)
    page.click("[part=pause]")
    socket.expect("audio.pause")
    assert page.evaluate("call.getAudioTracks()[0].enabled"), "the call goes on"
    page.click("[part=finish]")
    socket.expect("session.end")
    state = (
        "[asked, call.getAudioTracks()[0].readyState, document.querySelector('tingqing-patient').client.capturedFrom]"
    )
    assert page.evaluate(state) == [0, "live", "given"]


def test_the_doctors_voice_in_the_call_is_told_as_the_far_end(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    socket = begin(page, stub)
    page.evaluate(
        """() => {
          const context = new AudioContext();
          const voice = new OscillatorNode(context);
          window.loudness = new GainNode(context, { gain: 0 });
          const remote = context.createMediaStreamDestination();
          voice.connect(loudness).connect(remote);
          voice.start();
          document.querySelector('tingqing-patient').farEnd(remote.stream);
          loudness.gain.value = 0.2;
        }"""
    )
    assert socket.expect("far_end")["speaking"] is True
    page.evaluate("() => { loudness.gain.value = 0; }")
    assert socket.expect("far_end")["speaking"] is False


def test_a_long_file_shows_how_far_it_is_and_can_be_cancelled(
    stub: StubServer, open_page: OpenPage, voice_wav: Path
) -> None:
    page = open_page(stub.url)
    attribute(page, "data-state", "idle")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/assess", hold)
    page.set_input_files("input[type=file]", voice_wav)
    shown(page, "Sending the file…")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    shown(page, "Cancelled.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    assert len(held) == 1
    page.unroute("**/v1/assess", hold)
    page.set_input_files("input[type=file]", voice_wav)
    shown(page, "It would help to record this once more.")


def test_labels_that_judge_nothing_are_refused_in_words(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}?labels=cardiolgy")
    page.click("[part=start]")
    socket = stub.patient()
    socket.expect("session.start")
    told = messages.started()
    near = {"code": "mistyped_label", "zh": "是不是 cardiology？", "en": "did you mean cardiology?"}
    nothing = {"code": "nothing_judged", "zh": "无法评估", "en": "none can be judged"}
    socket.send(told | {"labels": told["labels"][:1], "notices": [near, nothing]})
    attribute(page, "data-state", "error")
    shown(page, "The labels in this link cannot be read.")
    expect(page.locator("[part=mistaken]")).to_contain_text("did you mean cardiology?")
    socket.expect("session.end")


LINES = """() => {
  const at = document.querySelector('tingqing-patient').shadowRoot.querySelector('[part=prompt]');
  const range = document.createRange();
  const lines = new Map();
  const walk = document.createTreeWalker(at, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    for (let i = 0; i < node.length; i += 1) {
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const { bottom } = range.getBoundingClientRect();
      lines.set(Math.round(bottom), (lines.get(Math.round(bottom)) ?? '') + node.data[i]);
    }
  }
  return [...lines.values()];
}"""


@pytest.mark.parametrize("width", [320, 360, 414])
def test_no_line_begins_with_a_full_stop(stub: StubServer, open_page: OpenPage, width: int) -> None:
    page = open_page(stub.url, locale="zh-CN", viewport={"width": width, "height": 700})
    socket = begin(page, stub)
    for zh in ("请对着话筒说话。", "周围有点吵，请到安静一点的地方再说。", "声音断断续续，请检查话筒或耳机是否接好。"):
        socket.send(messages.prompt() | {"text": {"zh": zh, "en": ""}})
        expect(page.locator("[part=prompt]")).to_have_text(zh)
        lines = page.evaluate(LINES)
        assert not [line for line in lines if line[0] in "，。；：" or len(line) == 1], lines


WORD = "supercalifragilistic" * 9


def test_a_word_without_end_does_not_widen_the_page(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url, locale="en-GB", viewport={"width": 360, "height": 700})
    socket = begin(page, stub)
    notice = {"zh": WORD, "en": f"'{WORD}' cannot be scored"}
    socket.send({"type": "labels.updated", "labels": [], "notices": [notice]})
    expect(page.locator("[part=notices]")).to_contain_text(notice["en"])
    assert_readable(page, 360)


def test_markup_in_notices_and_reasons_is_text(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url, locale="en-GB")
    socket = begin(page, stub)
    markup = '<img src=x onerror="window.pwned = true"><b>bold</b>'
    socket.send({"type": "labels.updated", "labels": [], "notices": [{"zh": markup, "en": markup}]})
    expect(page.locator("[part=notices]")).to_contain_text(markup)
    assert page.evaluate("window.pwned") is None


def test_a_link_whose_labels_cannot_be_read_is_not_to_be_tried_again(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}?labels=%3D", locale="zh-CN")
    page.click("[part=start]")
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.error("invalid_labels"))
    lose(page, socket, 4400)
    expect(page.locator("[part=prompt]")).to_contain_text("无法识别链接中的标签")


@pytest.mark.parametrize("name", ["Telemedicine", "Chronic disease follow-up"])
@pytest.mark.parametrize("width", [320, 360, 480, 660])
def test_name_of_a_dictionary_is_not_cut_off(stub: StubServer, open_page: OpenPage, name: str, width: int) -> None:
    page = open_page(stub.url, locale="en-GB", viewport={"width": width, "height": 700})
    attribute(page, "data-state", "idle")
    picker = page.get_by_label("Department")
    picker.select_option(label=name)
    assert_readable(page, width)
    room, needed = picker.evaluate(
        """(select) => {
          const style = getComputedStyle(select);
          const pen = document.createElement('canvas').getContext('2d');
          pen.font = style.font;
          const inner = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
          return [inner, pen.measureText(select.selectedOptions[0].text).width];
        }"""
    )
    assert room >= needed
