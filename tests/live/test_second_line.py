"""Rules for overload: who is told, what is dropped when something is full, and what waits instead."""

import asyncio

import numpy as np
import numpy.typing as npt
import pytest

from server.assessment.engine import Engine
from server.judge.judgement import PromptCleared, PromptEvent, PromptRaised
from server.live.hub import Hub
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.messages import kind_of
from server.live.outbox import Outbox
from server.live.outcome import RecentResults
from server.live.session import Session
from server.rendering import wire
from server.values.text import Text
from server.wire.client import SessionStart
from tests.fakes import FakeClock, FakeScorer, until
from tests.live.patient import RATE, Patient, noise, start_message, to_s16

ASKED = Text("请靠近一点。", "Come closer.")


def session_of(engine: Engine, clock: FakeClock) -> tuple[Session, Outbox, Outbox]:
    """A session, its patient's outbox, and an observer's."""
    start = SessionStart.model_validate(start_message())
    session = Session(
        engine, LiveLimits(), clock, start, session_id="0" * 32, site="local", labels=engine.dictionaries.resolve(None)
    )
    patient = Outbox(100)
    session.attach(patient)
    return session, patient, session.hub.join("first")


async def waiting(outbox: Outbox) -> list[str]:
    outbox.close()
    texts = []
    while (text := await outbox.take()) is not None:
        texts.append(text)
    return texts


@pytest.mark.parametrize("kind", [PromptRaised, PromptCleared])
async def test_a_prompt_for_the_doctor_is_not_shown_to_the_patient(
    engine: Engine, clock: FakeClock, kind: type[PromptRaised | PromptCleared]
) -> None:
    session, patient, observer = session_of(engine, clock)
    session.tell_prompts([kind("come_closer", "close_enough", ASKED, "doctor")])
    session.prompts.recall()
    assert await waiting(patient) == []
    assert len(await waiting(observer)) == 2


async def test_a_prompt_for_the_patient_is_shown_to_both(engine: Engine, clock: FakeClock) -> None:
    session, patient, observer = session_of(engine, clock)
    session.tell_prompts([PromptRaised("come_closer", "close_enough", ASKED, "patient")])
    assert len(await waiting(patient)) == 1
    assert len(await waiting(observer)) == 2


def published(hub: Hub, *events: PromptEvent) -> None:
    for event in events:
        message = wire.prompt_event(event)
        hub.publish(message.type, kind_of(message))


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([("a", PromptRaised), ("a", PromptCleared)], ["prompt.cleared"]),
        ([("a", PromptRaised), ("a", PromptCleared), ("a", PromptRaised)], ["prompt.raised"]),
        ([("a", PromptRaised), ("a", PromptCleared), ("b", PromptRaised)], ["prompt.cleared", "prompt.raised"]),
    ],
)
async def test_a_late_observer_learns_of_each_prompt_how_it_stands(
    events: list[tuple[str, type[PromptRaised | PromptCleared]]], left: list[str]
) -> None:
    hub = Hub()
    observer = hub.join("first")
    published(hub, *(kind(prompt, "label", ASKED, "patient") for prompt, kind in events))
    assert await waiting(observer) == ["first", *left]


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=3)])
async def test_where_too_many_wait_the_longest_waiting_is_ended(
    manager: SessionManager, clock: FakeClock, sink: RecentResults
) -> None:
    patients = {name: Patient(manager, clock) for name in "abc"}
    started = {name: await patient.start() for name, patient in patients.items()}
    for name in "bca":  # not the order in which they began
        patients[name].socket.vanish()
        await patients[name].done
        await clock.advance(1)
    last = Patient(manager, clock)
    await last.start()
    last.socket.vanish()
    await last.done
    await until(lambda: len(sink) == 1)
    assert await sink.find(started["b"]["session_id"], "local") is not None
    assert manager.counts().waiting == 3


async def test_a_window_that_must_not_be_lost_is_not_replaced_by_one_in_real_time(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(2.9))
    scorer.gate.clear()
    patient.socket.say({"type": "audio.gap", "samples": 2 * RATE})  # its windows, 3 s and 4 s, may not be lost
    await patient.taken()
    patient.socket.say(noise(0.2))
    patient.socket.say({"type": "session.end"})
    await until(lambda: patient.socket.unread == 1)
    scorer.gate.set()
    result = (await patient.socket.expect("session.ended"))["result"]
    assert [window["end_s"] for window in result["windows"]] == [3.0, 4.0, 5.0]
    assert result["model"]["windows_replaced"] == 0
    await patient.done


async def test_the_window_at_the_very_end_replaces_none(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    """At 48 kHz a second is complete 16 ms after its last sample, or with the end."""
    rate = 48_000
    patient = Patient(manager, clock)
    await patient.start(audio={"encoding": "pcm_s16le", "sample_rate": rate})
    pcm = to_s16(0.05 * _hiss(5 * rate))

    async def say(start_s: float, end_s: float) -> None:
        for at in range(round(start_s * 10), round(end_s * 10)):
            patient.socket.say(pcm[2 * at * rate // 10 : 2 * (at + 1) * rate // 10])
            await patient.taken()
            await clock.advance(0.1)

    await say(0, 2.9)
    scorer.gate.clear()
    await say(2.9, 5.0)
    patient.socket.say({"type": "session.end"})
    await patient.taken()
    scorer.gate.set()
    result = (await patient.socket.expect("session.ended"))["result"]
    assert [window["end_s"] for window in result["windows"]] == [3.0, 4.0, 5.0]
    assert result["model"]["windows_replaced"] == 0
    await patient.done


def _hiss(samples: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(5).standard_normal(samples)


async def test_a_connection_lost_while_the_last_windows_are_scored_keeps_the_result(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock, sink: RecentResults
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    await patient.speak_scored(noise(2.9))
    scorer.gate.clear()
    await patient.speak(noise(0.3))
    patient.socket.say({"type": "session.end"})
    await patient.taken()
    patient.socket.vanish()
    await clock.advance(1)  # a heartbeat finds nobody
    assert manager.counts().waiting == 0, "the session is being ended, not left to be resumed"
    scorer.gate.set()
    await asyncio.wait_for(patient.done, 60)
    remembered = await sink.find(started["session_id"], "local")
    assert remembered is not None
    assert remembered.farewell is not None
    assert '"reason":"client"' in remembered.farewell.ended
    assert not remembered.collected


async def test_after_catching_up_a_client_must_keep_to_real_time_again(
    manager: SessionManager, clock: FakeClock
) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak(noise(1))
    first.socket.vanish()
    await first.done
    await clock.advance(10)
    second = Patient(manager, clock)
    await second.start(resume={key: started[key] for key in ("session_id", "resume_token")})
    for _ in range(12 + 19):
        second.socket.say(noise(1))
    await second.taken()
    await clock.advance(0.1)
    assert second.socket.closed is None, "12 s were missed, and 19 s may run ahead"
    for _ in range(10):
        second.socket.say(noise(1))
    assert await second.closed() == 4429


SECRETS = ("case-of-Zhang", "his-metadata", "狗叫", "a barking dog", "Zhang San")


async def test_the_log_tells_each_transition_once_and_nothing_that_a_peer_wrote(
    manager: SessionManager, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    about = {"reference": SECRETS[0], "metadata": {"note": SECRETS[1]}, "labels": f"{SECRETS[2]}={SECRETS[3]}"}
    first = Patient(manager, clock)
    started = await first.start(**about)
    await first.speak_scored(noise(4))
    first.socket.say({"type": "audio.pause"})
    await first.socket.expect("session.state")
    await first.speak(noise(0.1))
    first.socket.say({"type": "prompt.snooze", "id": "", "note": SECRETS[4]})
    first.socket.say({"type": "labels.update", "labels": f"{SECRETS[2]}={SECRETS[3]}"})
    await first.socket.expect("labels.updated")
    first.socket.vanish()
    await first.done
    await clock.advance(5)
    second = Patient(manager, clock)
    await second.start(resume={key: started[key] for key in ("session_id", "resume_token")}, **about)
    await second.end()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("server.")]
    told = [line for line in lines if line.startswith(f"session {started['session_id'][:8]} ")]
    assert [line.split(":")[0].split()[-1] for line in told] == [
        "started",
        "paused",
        "resumed",
        "detached",
        "resumed",
        "ended",
    ]
    assert all(record.levelname == "INFO" for record in caplog.records if record.getMessage() in told)
    assert lines == told, "and no line for a message"
    assert "reconnecting for 5.0 s" in told[4]
    assert "client" in told[5]
    text = caplog.text
    assert not [secret for secret in SECRETS if secret in text]
    assert started["resume_token"] not in text
    assert started["session_id"] not in text, "whoever has the id may watch"
