"""What the browser's audio thread hands over: how much at a time, and nothing of a pause."""

import pytest

from tests.browser import messages
from tests.browser.asserting import until
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer

FAR_END = """async () => {
  const { FarEndListener } = await import('/audio/far-end.js');
  const context = new AudioContext();
  const tone = context.createOscillator();
  const remote = context.createMediaStreamDestination();
  const loud = context.createGain();
  loud.gain.value = 0;
  tone.connect(loud).connect(remote);
  tone.start();
  window.woken = [];
  const port = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
  Object.defineProperty(MessagePort.prototype, 'onmessage', {
    set(hear) {
      port.set.call(this, (event) => { woken.push(event.data); hear(event); });
    },
  });
  window.told = [];
  await new FarEndListener((speaking) => told.push(speaking)).listen(remote.stream);
  window.speak = (on) => { loud.gain.value = on ? 0.5 : 0; };
  window.began = context.currentTime;
  window.passed = () => context.currentTime - began;
}"""

SESSION = """async () => {
  const { openMicrophone } = await import('/audio/microphone.js');
  window.taken = [];
  const listeners = { onPcm: (pcm) => taken.push(pcm.length), onSilent: () => {}, onInterrupted: () => {} };
  const microphone = await openMicrophone(listeners);
  window.rate = microphone.sampleRate;
}"""

PAUSED = """async () => {
  const { Microphone } = await import('/audio/microphone.js');
  const context = new AudioContext({ sampleRate: 16000 });
  const loud = context.createConstantSource();
  const gain = context.createGain();
  const call = context.createMediaStreamDestination();
  loud.connect(gain).connect(call);
  loud.start();
  const [given] = call.stream.getAudioTracks();
  const after = (ms) => new Promise((done) => setTimeout(done, ms));
  const sounded = async (seconds) => {
    const since = context.currentTime;
    while (context.currentTime < since + seconds) await after(20);
  };
  window.heard = [];
  const onPcm = (pcm) => heard.push([pcm.length, Math.min(...pcm)]);
  const listeners = { onPcm, onSilent: () => {}, onInterrupted: () => {} };
  const microphone = new Microphone(given, false, listeners, { rate: 16000, chunkS: 2 });
  await microphone.start();
  while (heard.length < 1) await after(20);
  microphone.mute(true);
  heard.length = 0;
  gain.gain.value = -0.5; // what is said during the pause, early in a chunk that would end after it
  await sounded(0.3);
  gain.gain.value = 0.25;
  await sounded(1); // however late sound comes
  microphone.mute(false);
}"""


@pytest.fixture
def clock_stands() -> bool:
    return False


def test_the_far_end_wakes_the_page_five_times_a_second_and_where_it_begins_or_ends_to_speak(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    page.evaluate(FAR_END)
    page.evaluate("speak(true)")
    until(page, "told.length === 1")
    page.evaluate("speak(false)")
    until(page, "told.length === 2 && passed() > 3")
    woken, told, passed = page.evaluate("[woken, told, passed()]")
    assert told == [True, False]
    assert set(woken) == {True, False}, "no sound leaves the audio thread"
    assert len(woken) <= 5 * (passed + 1) + len(told)


def test_a_session_wakes_the_page_five_times_a_second_for_its_sound(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(SESSION)
    until(page, "taken.length > 3")
    assert {length / page.evaluate("rate") for length in page.evaluate("taken")} == {0.2}


def test_nothing_from_before_the_end_of_a_pause_is_handed_over(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(PAUSED)
    until(page, "heard.length > 0")
    (first, *_) = page.evaluate("heard")
    length, lowest = first
    assert length <= 32_000
    assert lowest >= 0


ASKED_TWICE = """async () => {
  const { TingqingClient } = await import('/index.js');
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.tracks = [];
  window.asked = [];
  navigator.mediaDevices.getUserMedia = (wanted) => new Promise((answer) => {
    asked.push(async () => {
      const stream = await real(wanted);
      tracks.push(...stream.getTracks());
      answer(stream);
    });
  });
  window.live = () => tracks.filter(({ readyState }) => readyState === 'live').length;
  window.client = new TingqingClient();
}"""


def test_who_starts_anew_while_the_browser_asks_has_one_microphone_and_afterwards_none(
    stub: StubServer, open_page: OpenPage
) -> None:
    """As an element does that a framework takes out and puts in again."""
    page = open_page(stub.url)
    page.evaluate(ASKED_TWICE)
    page.evaluate("() => { void client.start(); client.stop(); void client.start(); }")
    until(page, "asked.length === 2")
    page.evaluate("async () => { for (const answer of asked) await answer(); }")
    socket = stub.patient()
    socket.expect("session.start")
    socket.send(messages.started())
    until(page, "client.state.kind === 'live'")
    until(page, "live() === 1")
    assert socket.wait_for_samples(8000)
    page.evaluate("() => { client.finish(); }")
    socket.send(messages.ended())
    until(page, "client.state.kind === 'ended'")
    assert page.evaluate("[live(), tracks.length]") == [0, 2]
    assert stub.patients.empty()


def test_who_has_finished_before_the_microphone_was_allowed_begins_nothing(
    stub: StubServer, open_page: OpenPage
) -> None:
    page = open_page(stub.url)
    page.evaluate(ASKED_TWICE)
    page.evaluate("() => { void client.start(); client.finish(); }")
    assert page.evaluate("client.state.kind") == "idle"
    until(page, "asked.length === 1")
    page.evaluate("async () => { for (const answer of asked) await answer(); }")
    until(page, "tracks.length === 1 && live() === 0")
    assert page.evaluate("client.state.kind") == "idle"
    assert stub.patients.empty()
