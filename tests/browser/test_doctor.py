"""The doctor's page in a real browser against a server whose every message the test decides."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import messages
from tests.browser.asserting import (
    PROMPT,
    REFUSED_RETRIED_WITHIN_S,
    RETRIED_WITHIN_S,
    assert_readable,
    attribute,
    headings,
    inform,
    lose,
    passes,
    shown,
    shown_in_time,
    without_attribute,
)
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer, StubSocket
from tests.repo.markdown import code_blocks, read


def watch(stub: StubServer, open_page: OpenPage, **options: object) -> tuple[Page, StubSocket]:
    page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}", **options)
    return page, stub.doctor()


def word(page: Page, said: str) -> None:
    expect(page.locator("[part=word]")).to_have_text(said)


def poor(seq: int) -> list[dict[str, object]]:
    return [messages.level(), messages.update(seq, low_background=0.2, grade="poor")]


def test_snapshot_alone_shows_the_state_of_the_session(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    update = messages.update(5, low_background=0.2, grade="poor")
    socket.send(messages.snapshot(with_update=update, prompts=[messages.prompt()]))
    attribute(page, "data-state", "live")
    attribute(page, "data-grade", "poor")
    attribute(page, "data-prompt", PROMPT)
    attribute(page, "data-session", messages.SESSION_ID)
    shown(page, "Quiet room: very low, signal-to-noise ratio 3.1 dB.")
    shown(page, "It is a bit noisy. Please move somewhere quieter.")
    shown(page, "Basic mode: CLAP not loaded, acoustic measures only")
    shown(page, "What was said is not assessed (needs a transcript)")


def test_worst_label_comes_first_and_full_is_good(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")  # until then the bars are those of the snapshot, without scores
    bars = page.get_by_role("meter")
    expect(bars).to_have_count(4)
    assert bars.first.get_attribute("aria-label") == "Quiet room"
    assert [bar.get_attribute("aria-valuetext") for bar in bars.all()] == ["very low", "good", "good", "good"]
    assert bars.first.get_attribute("aria-valuenow") == "0.20"


def test_grade_is_dropped_after_two_and_a_half_seconds_without_data(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    passes(page, 2.4)
    attribute(page, "data-grade", "poor")
    inform(page, socket, messages.level(), messages.state("live"))
    # The page looks at its clock four times a second.
    passes(page, 0.4)
    attribute(page, "data-grade", "nodata")
    word(page, "No data")
    shown(page, "No score for over 2.5 s: the server is slow.")
    bars = page.get_by_role("meter").all()
    assert [bar.get_attribute("aria-valuetext") for bar in bars] == ["no data"] * 4


@pytest.mark.parametrize(
    ("message", "state", "sentence"),
    [
        (messages.state("reconnecting"), "reconnecting", "The patient’s connection is down."),
        (messages.state("paused"), "paused", "The patient has pressed Pause."),
        (messages.warning("silent_input"), "live", "No sound from the patient’s microphone."),
        (messages.state("reconnecting") | {"left": True}, "reconnecting", "The patient has left the page."),
    ],
)
def test_each_cause_of_missing_data_has_its_own_sentence_at_once(
    stub: StubServer, open_page: OpenPage, message: dict[str, object], state: str, sentence: str
) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    socket.send(message)
    attribute(page, "data-grade", "nodata")
    attribute(page, "data-state", state)
    shown(page, sentence)


def test_patient_who_does_not_speak_is_not_called_hard_to_hear(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    inform(page, socket, messages.snapshot(), *poor(1), messages.level(speaking=False))
    attribute(page, "data-grade", "poor")
    passes(page, 2.4)
    inform(page, socket, messages.level(speaking=False), messages.update(2, low_background=0.1, grade="poor"))
    shown(page, "Quiet room: very low")
    attribute(page, "data-grade", "poor")
    passes(page, 0.4)
    word(page, "Not speaking")
    attribute(page, "data-grade", "nodata")


def test_a_patient_whose_sound_stops_arriving_is_told_within_three_seconds(
    stub: StubServer, open_page: OpenPage
) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    for _ in range(2):  # the doctor's own line is up: the server's heartbeats come
        passes(page, 1.4)
        inform(page, socket, {"type": "heartbeat"})
    shown(page, "The patient’s line is down or too slow: no sound arrives.")
    attribute(page, "data-state", "reconnecting")
    socket.send(*poor(2))
    attribute(page, "data-state", "live")


def test_a_reload_keeps_the_last_minute_what_to_ask_again_and_what_was_declined(
    stub: StubServer, open_page: OpenPage
) -> None:
    page, socket = watch(stub, open_page)
    spans = [{"start_s": 2, "end_s": 6, "why": "low_background"}, {"start_s": 7, "end_s": 9, "why": "lost"}]
    update = messages.update(20, low_background=0.9, grade="clear")
    update["session"]["unusable_spans"] = spans
    trend = [{"at_s": at, "score": 0.2 if at < 15 else 0.9} for at in range(10, 23)]
    sendable = [{"id": "come_closer", "text": messages.CLOSER}]
    socket.send(
        messages.snapshot(with_update=update, trend=trend, sendable=sendable, declined=["come_closer"]),
        messages.level(),
    )
    asked = page.locator("[part=ask-again] li")
    expect(asked.first).to_have_text("0:02–0:06Quiet room: very low")
    expect(asked.nth(1)).to_have_text("0:07–0:09lost on the way (network)")
    drawn = page.locator(".plot .curve").get_attribute("d")
    assert drawn is not None
    assert drawn.count("L") == 12, "a point a second"
    expect(page.locator("[part=declined]")).to_have_text(
        "The patient said “not now” to: Please hold the phone a little closer."
    )
    socket.send({"type": "prompt.declined", "ids": []})
    expect(page.locator("[part=declined]")).to_have_count(0)


def test_a_silent_microphone_has_one_sentence_on_both_pages(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    prompt = messages.prompt() | {"id": "check_microphone", "text": {"zh": "静音", "en": "Is it muted?"}}
    socket.send(messages.snapshot(), *poor(1), prompt, messages.warning("silent_input"))
    shown(page, "No sound from the microphone. Please check that it is on and plugged in.")
    expect(page.get_by_text("Is it muted?")).to_have_count(0)


def test_a_restart_is_told_as_such(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1), messages.ended("drain"))
    shown(page, "The service restarted, which ended this part.")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_what_to_ask_again_is_in_reach_on_a_phone(stub: StubServer, open_page: OpenPage, locale: str) -> None:
    page, socket = watch(stub, open_page, locale=locale, viewport={"width": 360, "height": 800})
    update = messages.update(20, low_background=0.2, grade="poor")
    update["session"]["unusable_spans"] = [{"start_s": 2, "end_s": 6, "why": "low_background"}]
    sendable = [{"id": "come_closer", "text": messages.CLOSER}]
    socket.send(messages.snapshot(with_update=update, nudge=True, sendable=sendable, prompts=[messages.prompt()]))
    first = page.locator("[part=ask-again] li").first
    expect(first).to_be_visible()
    box = first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800, box


def test_a_doctor_who_comes_first_waits_for_the_patient(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.error("session_not_begun"))
    lose(page, socket, 4503)
    passes(page, REFUSED_RETRIED_WITHIN_S)
    again = stub.doctor()
    shown(page, "The patient has not come yet.")
    again.send(messages.snapshot(with_update=messages.update(9, low_background=0.9, grade="clear")))
    attribute(page, "data-grade", "clear")


def test_loss_of_the_doctors_own_connection_is_named_and_recovers(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    lose(page, socket, 1012)
    shown(page, "Your own connection is down.")
    attribute(page, "data-state", "reconnecting")
    passes(page, RETRIED_WITHIN_S)
    again = stub.doctor()
    again.send(messages.snapshot(with_update=messages.update(9, low_background=0.9, grade="clear")))
    attribute(page, "data-state", "live")
    attribute(page, "data-grade", "clear")


def test_processed_sound_is_marked(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(basis="as_heard", capture=messages.OFF | {"noiseSuppression": True}))
    shown(page, "Judged as you hear it")


def test_prompt_that_the_patient_ignored_goes_to_the_doctor(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), messages.prompt(audience="doctor"))
    shown(page, "The patient could not do this; please help:")
    without_attribute(page, "data-prompt")


def test_end_shows_verdict_advice_and_what_to_ask_again(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1), messages.ended())
    attribute(page, "data-state", "ended")
    word(page, "Record again")
    shown(page, "falls short (0.31)")
    shown(page, "0:02–0:06")


def test_session_that_has_ended_is_not_watched_again(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    opened = page.evaluate("linesOpened")
    socket.send(messages.snapshot(), messages.ended())
    attribute(page, "data-state", "ended")
    lose(page, socket, 1012)
    passes(page, 60)
    assert page.evaluate("linesOpened") == opened


def test_statements_are_shown_with_their_times_unexpected_ones_first(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), messages.ended(labels=messages.spoken(), not_heard=["pain_location"]))
    said = page.locator("[part=said] li")
    expect(said).to_have_text(
        [
            "1:07Paroxysmal nocturnal dyspnoeastatedplease note",
            "0:02Duration statedstated",
            "–Leg swelling addresseddenied",
        ]
    )
    shown(page, "Not heard: Pain location stated")
    page.click("#language")
    shown(page, "请留意")
    assert_readable(page, page.viewport_size["width"] if page.viewport_size else 0)


def test_statements_are_not_shown_without_a_transcript(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1), messages.ended())
    attribute(page, "data-state", "ended")
    expect(page.get_by_text("What was said", exact=True)).to_be_hidden()


def test_a_disturbing_sound_is_named_while_it_lasts_and_at_the_end(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    around = page.locator("[part=interference]")
    music = messages.TELEVISION | {"id": "music", "title": {"zh": "音乐声", "en": "Music"}}
    noisy = messages.update(1, low_background=0.2, grade="poor", interference=[messages.TELEVISION])
    socket.send(messages.snapshot(), messages.level(), noisy)
    expect(around).to_have_text("Around the patient: Television")
    page.click("#language")
    expect(around).to_have_text("患者周围：电视声")
    socket.send(messages.level(), messages.update(2, low_background=0.9, grade="clear"))
    expect(around).to_be_hidden()
    socket.send(messages.ended(interference=[messages.TELEVISION, music]))
    expect(around).to_have_text("患者周围：电视声、音乐声")


def test_the_patients_own_sounds_are_listed_with_their_time(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    events = page.locator("[part=events] li")
    socket.send(messages.snapshot(), messages.level())
    for seq, heard in enumerate(([], [(61, 66)], [(62, 63)], [(70, 75)]), 1):
        coughs = [messages.cough(*span) for span in heard]
        socket.send(messages.update(seq, low_background=0.9, grade="clear", events=coughs))
    expect(events).to_have_text(["1:02–1:03Coughing", "1:10–1:15Coughing"])
    shown(page, "The patient’s own sounds (no effect on scores)")
    assert_readable(page, page.viewport_size["width"] if page.viewport_size else 0)
    socket.send(messages.ended(events=[messages.cough(62, 63)]))
    expect(events).to_have_text(["1:02–1:03Coughing"])


def test_another_person_is_told_with_the_times(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    voices = page.locator("[part=voices] li")
    socket.send(messages.snapshot(), messages.level())
    patient = messages.voice("v1", "patient", 40.4)
    socket.send(messages.update(1, low_background=0.9, grade="clear", voices=[patient]))
    expect(page.locator("[part=voices]")).to_be_hidden()
    other = messages.voice("v2", "other", 14, (50, 64), faint=True)
    socket.send(messages.update(2, low_background=0.9, grade="clear", voices=[patient, other]))
    expect(voices).to_have_text(
        [
            "The patient: 40 s, level -25 dBFS, signal-to-noise ratio 30 dB, 4.0 syllables/s",
            "Another person: 14 s, level -41 dBFS, 4.0 syllables/s, too faint",
            "0:50–1:04Another person spoke",
        ]
    )
    assert_readable(page, page.viewport_size["width"] if page.viewport_size else 0)
    doctor = messages.voice("v2", "far_end", 14, (50, 64))
    socket.send(messages.ended(voices=[patient, doctor]))
    expect(voices.last).to_have_text("0:50–1:04The doctor (loudspeaker) spoke")


def test_sounds_are_not_mentioned_if_none_was_heard(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(basic_mode=False), *poor(1))
    attribute(page, "data-grade", "poor")
    expect(page.locator("[part=interference]")).to_be_hidden()
    expect(page.get_by_text("own sounds")).to_be_hidden()
    expect(page.locator("[part=basic-mode]")).to_have_count(0)


def test_labels_that_cannot_be_scored_are_told_from_the_first_moment(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(notices=[messages.NOTICE]))
    shown(page, "'很安静' cannot be scored")
    socket.send({"type": "labels.updated", "labels": [], "notices": []})
    expect(page.locator("[part=notices]")).to_be_hidden()


def test_what_the_doctor_may_ask_is_named_in_both_languages_and_sent_by_its_id(
    stub: StubServer, open_page: OpenPage
) -> None:
    page, socket = watch(stub, open_page, locale="zh-CN")
    sendable = [{"id": "come_closer", "text": messages.CLOSER}]
    socket.send(messages.snapshot(nudge=True, sendable=sendable))
    page.get_by_role("button", name="发送给患者：请把手机拿近一点说。").click()
    assert socket.expect("prompt.send") == {"type": "prompt.send", "id": "come_closer"}
    refusal = {"type": "protocol", "code": "too_many_prompts", "message": "m", "retryable": True, "retry_after_s": 10}
    socket.send({"type": "error", "error": refusal, "request_id": "r"})
    shown(page, "提醒太频繁，请稍等片刻再发送。")
    page.click("#language")
    page.get_by_role("button", name="Mute for this visit: Please hold the phone a little closer.").click()
    assert socket.expect("prompt.mute") == {"type": "prompt.mute", "id": "come_closer"}
    socket.send({"type": "prompt.muted", "ids": ["come_closer"]})
    expect(page.locator("[data-act=mute]")).to_be_disabled()
    assert_readable(page, 1280)


def test_who_only_watches_is_offered_nothing_to_ask(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(sendable=[{"id": "come_closer", "text": messages.CLOSER}]))
    attribute(page, "data-state", "live")
    expect(page.locator("[part=nudge]")).to_be_hidden()


def test_unknown_session_says_what_to_do(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.error("unknown_session"))
    lose(page, socket, 4404)
    attribute(page, "data-state", "error")
    shown(page, "This session was not found")


def test_a_session_that_a_restarted_server_has_lost_is_not_told_as_a_lost_connection(
    stub: StubServer, open_page: OpenPage
) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot())
    attribute(page, "data-state", "live")
    lose(page, socket, 1011)
    passes(page, RETRIED_WITHIN_S)
    again = stub.doctor()
    again.send(messages.error("unknown_session"))
    lose(page, again, 4404)
    shown(page, "or the service was restarted. Please ask for a new link.")
    expect(page.get_by_text("Your own connection is down")).to_have_count(0)


def test_a_doctor_without_a_network_is_told_so_and_not_that_the_session_is_over(
    stub: StubServer, open_page: OpenPage
) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot())
    attribute(page, "data-state", "live")
    lose(page, socket, 1011)
    passes(page, 0.3)
    shown(page, "Your own connection is down")


def test_page_without_a_session_says_what_to_do(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor")
    shown(page, "Please open this page with the link from the patient’s page.")


@pytest.mark.parametrize("grade", ["clear", "usable", "poor"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (560, "light"), (1120, "dark")])
def test_page_is_readable_and_reachable(
    stub: StubServer, open_page: OpenPage, grade: str, width: int, scheme: str
) -> None:
    page, socket = watch(stub, open_page, viewport={"width": width, "height": 900}, color_scheme=scheme)
    socket.send(messages.snapshot(), messages.level(), messages.update(1, low_background=0.5, grade=grade))
    socket.send(messages.prompt(audience="doctor"), messages.warning("clipping"))
    attribute(page, "data-grade", grade)
    assert_readable(page, width)


@pytest.mark.parametrize(("locale", "button", "noted"), [
    ("en-GB", "Yes, clearly", "Noted, thank you."),
    ("zh-CN", "听得清", "已记下，谢谢。"),
])  # fmt: skip
def test_a_doctor_says_by_one_click_whether_the_patient_is_heard(
    stub: StubServer, open_page: OpenPage, locale: str, button: str, noted: str
) -> None:
    page, socket = watch(stub, open_page, locale=locale, viewport={"width": 360, "height": 700})
    socket.send(messages.snapshot())
    attribute(page, "data-state", "live")
    answer = page.get_by_role("button", name=button, exact=True)
    expect(answer).to_be_hidden()  # nothing was heard yet
    socket.send(*poor(1))
    answer.click()
    assert stub.heard.get(timeout=30) is True
    shown_in_time(page, noted)
    expect(answer).to_have_attribute("aria-pressed", "true")
    assert_readable(page, 360)


def test_what_was_said_is_shown_while_it_is_said(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    heard = {"pain_location": {"state": "denied", "strength": 0.9, "heard_at_s": 67.4}}
    socket.send(messages.snapshot(), messages.said({}, ["pain_location"]))
    said = page.locator("[part=said]")
    expect(said).to_contain_text("Not heard yet: Pain location")
    socket.send(messages.said(heard, []))
    expect(said).to_contain_text("1:07")
    expect(said).to_contain_text("denied")
    expect(said).not_to_contain_text("Not heard yet")


def test_a_page_says_some_of_it_in_its_own_words(stub: StubServer, open_page: OpenPage) -> None:
    page, socket = watch(stub, open_page)
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    page.evaluate(
        "document.querySelector('tingqing-doctor').texts = { 'word.poor': { en: 'Hardly' }, measures: 'Facts' }"
    )
    word(page, "Hardly")
    shown(page, "Facts")
    page.locator("tingqing-doctor").evaluate(
        "at => { at.texts = undefined; at.setAttribute('texts', '{\"measures\": \"Figures\"}'); }"
    )
    word(page, "Hard to hear")
    shown(page, "Figures")


def test_headings_go_below_those_of_the_page(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor?session={messages.SESSION_ID}")
    stub.doctor().send(messages.snapshot())
    attribute(page, "data-state", "live")
    levels = headings(page)
    assert (levels.count(1), set(levels)) == (1, {1, 2})
    page.evaluate("""() => {
      const before = document.querySelector('tingqing-doctor');
      const after = before.cloneNode();
      after.setAttribute('heading', '3');
      before.replaceWith(after);
    }""")
    stub.doctor().send(messages.snapshot())
    attribute(page, "data-state", "live")
    assert headings(page) == [level + 2 for level in levels]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_labels_come_before_the_numbers(stub: StubServer, open_page: OpenPage, width: int) -> None:
    page, socket = watch(stub, open_page, viewport={"width": width, "height": 800})
    socket.send(messages.snapshot(), *poor(1))
    attribute(page, "data-grade", "poor")
    labels, measures, answers = (
        page.locator(each).bounding_box() for each in (".card.labels", "[part=measures]", ".answers")
    )
    assert labels is not None
    assert measures is not None
    assert answers is not None
    assert labels["y"] + (labels["height"] if width < 800 else 0) <= measures["y"]
    assert answers["y"] <= measures["y"]
    if width < 800:
        assert answers["y"] <= labels["y"], "first what to do"


def test_an_element_that_is_given_tokens_asks_for_one(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(f"{stub.url}doctor")
    page.evaluate(
        """session => {
          const doctor = document.createElement('tingqing-doctor');
          window.asked = 0;
          doctor.tokenProvider = () => { asked += 1; return Promise.resolve('a.b.c'); };
          doctor.setAttribute('session', session);
          document.querySelector('main').replaceChildren(doctor);
        }""",
        messages.SESSION_ID,
    )
    stub.doctor().send(messages.snapshot())
    attribute(page, "data-state", "live")
    assert page.evaluate("asked") == 1


def test_a_page_that_draws_its_own_watches_as_the_documents_say(stub: StubServer, open_page: OpenPage) -> None:
    (shown_to_integrators,) = [block for block in code_blocks(read("docs/web-client.md"), "js") if "Observer" in block]
    page = open_page(f"{stub.url}doctor")
    page.evaluate(
        f"""async () => {{
          const {{ Meter, TingqingObserver }} = await import('/index.js');
          const [server, session, token] = [location.href, '{messages.SESSION_ID}', 'a.b.c'];
          const show = (grade) => grades.push(grade);
          window.grades = [];
          {shown_to_integrators}
          window.observer = observer;
        }}"""
    )
    socket = stub.doctor()
    socket.send(messages.snapshot(nudge=True), *poor(1))
    page.wait_for_function("grades.at(-1) === 'poor'")
    page.evaluate(f"observer.nudge('{PROMPT}')")
    assert socket.expect("prompt.send")["id"] == PROMPT
