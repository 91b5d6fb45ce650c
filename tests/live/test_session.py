"""A session as the patient sees it: what is sent, and when."""

import gc
from typing import Any
from weakref import ref

import pytest

from server.assessment.engine import Engine
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.outbox import Outbox
from server.live.session import Session
from server.stream.events import WindowReady
from server.wire.client import SessionStart
from server.wire.result import ResultModel
from server.wire.server import server_messages
from tests.fakes import FakeClock, FakeMos, FakeScorer, until
from tests.live.patient import RATE, Doctor, Patient, chunks, noise, start_message


async def test_session_started_reports_the_configuration_in_effect(manager: SessionManager) -> None:
    patient = Patient(manager)
    started = await patient.start(labels="low_background,close_enough", language="en")
    assert started["next_sample"] == 0
    assert len(bytes.fromhex(started["session_id"])) == 16, "128 random bits"
    assert [label["id"] for label in started["labels"]] == ["low_background", "close_enough"]
    assert started["config"]["language"] == "en"
    assert started["config"]["mode"] == "recording"
    assert started["config"]["capture"]["source"] == "microphone"
    assert started["basic_mode"] is True
    assert started["limits"]["max_frame_bytes"] == 65536


async def test_first_update_comes_with_three_seconds_and_then_every_second(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(13))
    assert list(patient.windows()) == [second * RATE for second in range(3, 14)]
    assert [update["seq"] for update in patient.socket.got("quality.update")] == list(range(1, 12))
    assert patient.windows()[3 * RATE]["window"]["partial"]
    assert not patient.windows()[10 * RATE]["window"]["partial"]


async def test_every_message_is_of_the_protocol(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(5))
    await patient.end()
    for message in patient.socket.messages:
        server_messages.validate_python(message)


async def test_session_end_brings_the_complete_result(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(reference="case 7", metadata={"bed": 3}, mode="visit")
    assert started["config"]["mode"] == "visit"
    await patient.speak_scored(noise(12.5))
    ended = await patient.end()
    assert patient.socket.closed == (1000, "client")
    assert patient.socket.messages[-1] is ended
    assert ended["reason"] == "client"
    result = ResultModel.model_validate(ended["result"])
    assert (result.id, result.reference, result.metadata) == (started["session_id"], "case 7", {"bed": 3})
    assert result.mode == "visit"
    assert (result.source.kind, result.source.duration_s, result.source.sample_rate) == ("session", 12.5, RATE)
    assert [window.end_s for window in result.windows] == [float(end) for end in range(3, 13)]
    assert result.model.windows_replaced == 0
    for window in result.windows:
        update = patient.windows()[window.end_sample]
        assert update["labels"]["low_background"]["score"] == window.labels["low_background"].score


async def test_a_window_still_being_scored_at_the_end_is_in_the_result(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(4.9))
    scorer.gate.clear()
    await patient.speak(noise(0.3))
    patient.socket.say({"type": "session.end"})
    await patient.taken()
    scorer.gate.set()
    ended = await patient.socket.expect("session.ended")
    assert [window["end_s"] for window in ended["result"]["windows"]] == [3.0, 4.0, 5.0]


async def test_end_does_not_wait_for_a_stuck_scorer(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(2.9))
    scorer.gate.clear()
    await patient.speak(noise(0.3))
    patient.socket.say({"type": "session.end"})
    await patient.taken()
    await clock.advance(5.1)
    ended = await patient.socket.expect("session.ended")
    scorer.gate.set()
    assert ended["result"]["windows"] == []
    assert ended["result"]["model"]["shed"] == 1
    assert await patient.closed() == 1000


async def test_short_audio_has_one_window_and_no_audio_none(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(1.5))
    ended = await patient.end()
    assert [(window["end_s"], window["partial"]) for window in ended["result"]["windows"]] == [(1.5, True)]
    silent = Patient(manager, clock)
    await silent.start()
    result = (await silent.end())["result"]
    assert result["overall"]["verdict"] == "unusable"
    assert {label["why"] for label in result["labels"].values()} == {"too_short"}


async def test_acknowledgements_levels_and_heartbeat_come_at_their_pace(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(2))
    acks = [message["samples"] for message in patient.socket.got("audio.ack")]
    assert acks == sorted(acks)
    assert 2 <= len(acks) <= 3, "a microphone waits for no room"
    assert 9 <= len(patient.socket.got("level")) <= 10
    before = len(patient.socket.got("heartbeat"))
    await clock.advance(5)
    assert len(patient.socket.got("heartbeat")) - before >= 5, "something at least every second"


async def test_newest_window_wins_in_real_time_and_the_loss_is_counted(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(2.9))
    scorer.gate.clear()
    await patient.speak(noise(3.2))
    scorer.gate.set()
    await patient.updated(6 * RATE)
    ended = await patient.end()
    assert [window["end_s"] for window in ended["result"]["windows"]] == [3.0, 6.0]
    assert ended["result"]["model"]["windows_replaced"] == 2
    assert [message["code"] for message in patient.socket.got("warning")] == ["scoring_lag"]


async def test_fast_stream_loses_no_window_however_fast_it_comes(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    pcm = noise(60)
    for at in range(0, len(pcm), 32_000):
        patient.socket.say(pcm[at : at + 32_000])
    ended = await patient.end()
    expected = [float(end) for end in range(3, 61)]
    assert [window["end_s"] for window in ended["result"]["windows"]] == expected
    assert [update["window"]["end_s"] for update in patient.socket.got("quality.update")] == expected
    assert ended["result"]["model"]["windows_replaced"] == 0


async def test_fast_stream_whose_scorer_is_stuck_at_the_end_says_how_much_it_lost(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    """One window is being scored and one waits; a third would keep ``session.end`` from being read."""
    patient = Patient(manager, clock)
    await patient.start(pace="fast")
    await patient.speak_scored(noise(9.5))
    scorer.gate.clear()
    for chunk in chunks(noise(1.9)):
        patient.socket.say(chunk)
    await patient.taken()
    patient.socket.say({"type": "session.end"})
    await patient.taken()
    await clock.advance(29.9)
    assert not patient.socket.got("session.ended")
    await clock.advance(0.2)
    result = (await patient.socket.expect("session.ended"))["result"]
    scorer.gate.set()
    lost = 11 - 2 - len(result["windows"])
    assert lost == 2
    assert [one["code"] for one in result["notices"] if "windows" in one["en"]] == ["windows_lost"]
    assert f"last {lost} windows" in result["notices"][-1]["en"]
    assert result["model"]["shed"] == lost
    assert await patient.closed() == 1000


async def test_fast_stream_that_lost_nothing_says_nothing(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    for chunk in chunks(noise(12)):
        patient.socket.say(chunk)
    result = (await patient.end())["result"]
    assert len(result["windows"]) == 10
    assert "windows_lost" not in [one["code"] for one in result["notices"]]


async def test_busy_scorer_stops_acknowledgements_of_a_fast_stream(manager: SessionManager, scorer: FakeScorer) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    scorer.gate.clear()
    for _ in range(20):
        patient.socket.say(noise(1))
    await until(lambda: bool(scorer.batches) and patient.socket.unread < 16)
    assert patient.socket.unread >= 13, "one window in flight, one in the box, one at the door"
    scorer.gate.set()
    await patient.end()


async def test_failing_scorer_is_told_and_the_session_goes_on(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="low_background")
    scorer.fail = True
    await patient.speak_scored(noise(5))
    assert patient.errors() == ["scoring_failed"], "told once, not with every window"
    label = patient.windows()[5 * RATE]["labels"]["low_background"]
    assert (label["score"], label["why"], label["evidence"]["acoustic"]) == (None, "shed", None)
    scorer.fail = False
    await patient.speak_scored(noise(2), seconds_before=5)
    assert patient.windows()[7 * RATE]["labels"]["low_background"]["score"] is not None
    assert (await patient.end())["result"]["model"]["shed"] == 3


async def test_labels_change_from_the_next_window_on(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="low_background")
    await patient.speak_scored(noise(3))
    patient.socket.say({"type": "labels.update", "labels": "close_enough"})
    updated = await patient.socket.expect("labels.updated")
    assert [label["id"] for label in updated["labels"]] == ["close_enough"]
    await patient.speak_scored(noise(1), seconds_before=3)
    assert list(patient.windows()[3 * RATE]["labels"]) == ["low_background"]
    assert list(patient.windows()[4 * RATE]["labels"]) == ["close_enough"]
    assert list((await patient.end())["result"]["labels"]) == ["close_enough"]


async def test_late_dnsmos_is_left_out_in_real_time_and_counted(
    manager: SessionManager, mos: FakeMos, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    mos.gate.clear()
    await patient.speak_scored(noise(12))
    mos.gate.set()
    await until(lambda: mos.ends == [10 * RATE])
    await patient.speak_scored(noise(1), seconds_before=12)
    assert [update["measures"]["mos_overall"] for update in patient.windows().values()][-3:] == [None, None, 3.0]
    assert (await patient.end())["result"]["model"]["shed"] == 2


async def test_processed_microphone_is_warned_of(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start(capture={"source": "microphone"})
    assert (await patient.socket.expect("warning"))["code"] == "processing_enabled"


@pytest.mark.parametrize(
    ("told", "basis"),
    [
        ({"source": "microphone"}, "as_heard"),
        ({"source": "microphone", "noiseSuppression": False, "autoGainControl": True}, "as_heard"),
        (
            {"source": "microphone", "echoCancellation": True, "noiseSuppression": False, "autoGainControl": False},
            "room",
        ),
        ({"source": "line"}, "room"),
    ],
)
async def test_what_is_judged_is_said_at_the_start_and_in_the_result(
    manager: SessionManager, clock: FakeClock, told: dict[str, Any], basis: str
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(capture=told)
    await patient.speak_scored(noise(3))
    result = (await patient.end())["result"]
    assert started["basis"] == result["basis"] == basis
    codes = [notice["code"] for notice in result["notices"]]
    assert ("as_heard" in codes) is (basis == "as_heard")


async def test_silence_and_clipping_are_warned_of_once(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(bytes(2 * RATE * 5))
    assert [message["code"] for message in patient.socket.got("warning")] == ["silent_input"]
    await patient.speak_scored((b"\xff\x7f" * 40 + b"\x00\x80" * 40) * 400, seconds_before=5)
    assert [message["code"] for message in patient.socket.got("warning")] == ["silent_input", "clipping"]


async def test_pause_is_told_and_audio_ends_it(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    patient.socket.say({"type": "audio.pause"})
    assert (await patient.socket.expect("session.state"))["state"] == "paused"
    await patient.speak(noise(0.1))
    assert (await patient.socket.expect("session.state", 2))["state"] == "live"


async def test_gap_moves_time_on_and_is_warned_of(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(4))
    patient.socket.say({"type": "audio.gap", "samples": 90 * RATE})
    await until(lambda: patient.socket.got("audio.ack")[-1]["samples"] >= 94 * RATE)
    assert [message["code"] for message in patient.socket.got("warning")] == ["audio_gap"]
    assert (await patient.end())["result"]["source"]["duration_s"] == 94.0


@pytest.mark.parametrize("limits", [LiveLimits(max_session_s=30, expiring_s=10, idle_s=1e6)])
async def test_session_that_lasts_too_long_is_warned_and_ends_with_its_result(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(4))
    await clock.advance(17)
    assert [message["code"] for message in patient.socket.got("warning")] == ["expiring"]
    await clock.advance(10)
    ended = await patient.socket.expect("session.ended")
    assert ended["reason"] == "expired"
    assert len(ended["result"]["windows"]) == 2
    assert await patient.closed() == 1000


async def test_an_update_is_serialised_once_for_patient_and_observers(engine: Engine, clock: FakeClock) -> None:
    start = SessionStart.model_validate(start_message())
    session = Session(
        engine, LiveLimits(), clock, start, session_id="0" * 32, site="local", labels=engine.dictionaries.resolve(None)
    )
    outbox = Outbox(100)
    session.attach(outbox)
    observers = [session.hub.join("first"), session.hub.join("first")]
    core = engine.make_core(session.audio)
    window = next(event.window for event in core.receive_pcm(noise(3)) if isinstance(event, WindowReady))
    session.judged(await session.assessment.assess(window), due=clock.now(), core=None, received=0, keep=True)
    text = await outbox.take()
    assert text is not None
    assert '"quality.update"' in text
    for observer in observers:
        assert await observer.take() == "first"
        assert await observer.take() is text


@pytest.mark.parametrize("watched", [False, True])
async def test_what_a_patient_ignores_is_handed_to_a_doctor_only_if_one_watches(
    manager: SessionManager, clock: FakeClock, watched: bool
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(pace="fast", labels=[{"label": "low_background", "threshold": 1.0}])
    doctor = Doctor(manager, started["session_id"]) if watched else None
    if doctor is not None:
        await doctor.socket.expect("snapshot")
    await patient.speak_scored(noise(50))
    assert [prompt["audience"] for prompt in patient.socket.got("prompt.raised")] == ["patient"]
    assert len(patient.socket.got("prompt.cleared")) == watched
    if doctor is not None:
        assert doctor.socket.got("prompt.raised")[-1]["audience"] == "doctor"
    await patient.end()


async def test_bytes_that_are_not_what_was_declared_are_told_once_and_prompt_nobody(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(labels="telemedicine")
    doctor = Doctor(manager, started["session_id"])
    await doctor.socket.expect("snapshot")
    await patient.speak_scored(b"OggS" + noise(12, level=0.001)[4:])
    await patient.end()
    for socket in (patient.socket, doctor.socket):
        told = [one["guess"] for one in socket.got("warning") if one["code"] == "not_what_was_declared"]
        assert told == ["ogg"]
        assert socket.got("prompt.raised") == []


async def test_a_prompt_that_is_up_is_cleared_once_the_bytes_are_not_what_was_declared(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="telemedicine")
    await patient.speak_scored(bytes(2 * RATE * 9))
    raised = patient.socket.got("prompt.raised")
    assert raised
    await patient.speak_scored(b"OggS" + noise(12, level=0.001)[4:])
    await patient.end()
    assert [one["id"] for one in patient.socket.got("prompt.cleared")] == [one["id"] for one in raised]


async def test_a_session_that_waits_for_audio_holds_no_window(manager: SessionManager, scorer: FakeScorer) -> None:
    """A window has 10 s of PCM, as much as all else of a session."""
    patient = Patient(manager)
    await patient.start()
    await patient.speak_scored(noise(16))
    held = [ref(request.window.pcm) for batch in scorer.batches for request in batch]
    assert len(held) == 14
    scorer.batches.clear()
    # A collection takes a second in a process that has run a thousand tests, on a busy machine.
    await until(lambda: gc.collect() >= 0 and not any(pcm() is not None for pcm in held), within_s=60)
