"""What the browser's audio thread hands over: how much at a time, and nothing of a pause."""

import pytest

from tests.browser.asserting import until
from tests.browser.conftest import OpenPage
from tests.browser.stub import StubServer

FAR_END = """async () => {
  const { FarEndGate } = await import('/audio/far-end-gate.js');
  const { FarEndListener } = await import('/audio/far-end.js');
  const context = new AudioContext();
  const tone = context.createOscillator();
  const remote = context.createMediaStreamDestination();
  tone.connect(remote);
  tone.start();
  window.taken = [];
  FarEndGate.prototype.take = (pcm) => { taken.push(pcm.length / context.sampleRate); return false; };
  await new FarEndListener(() => {}).listen(remote.stream);
}"""

PAUSED = """async () => {
  const { openMicrophone } = await import('/audio/microphone.js');
  const context = new AudioContext({ sampleRate: 16000 });
  const loud = context.createConstantSource();
  const gain = context.createGain();
  const call = context.createMediaStreamDestination();
  loud.connect(gain).connect(call);
  loud.start();
  const [given] = call.stream.getAudioTracks();
  window.heard = [];
  const onPcm = (pcm) => heard.push([...pcm]);
  const listeners = { onPcm, onSilent: () => {}, onInterrupted: () => {} };
  const microphone = await openMicrophone(listeners, { rate: 16000, given });
  while (heard.length < 3) await new Promise((after) => setTimeout(after, 20));
  microphone.mute(true);
  heard.length = 0;
  gain.gain.value = -0.5; // what is said during the pause
  await new Promise((after) => setTimeout(after, 370));
  gain.gain.value = 0.25;
  await new Promise((after) => setTimeout(after, 60)); // the chunk that is half full now would hold some of both
  microphone.mute(false);
}"""


@pytest.fixture
def clock_stands() -> bool:
    return False


def test_the_far_end_is_looked_at_every_40_ms(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(FAR_END)
    until(page, "taken.length > 5")
    assert {round(seconds, 3) for seconds in page.evaluate("taken")} == {0.04}


def test_nothing_from_before_the_end_of_a_pause_is_handed_over(stub: StubServer, open_page: OpenPage) -> None:
    page = open_page(stub.url)
    page.evaluate(PAUSED)
    until(page, "heard.length > 3")
    heard = page.evaluate("heard")
    assert {len(chunk) for chunk in heard} <= {1600, *range(1600)}
    assert min(min(chunk) for chunk in heard) >= 0
