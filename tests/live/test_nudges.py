"""A doctor asks the patient something, or mutes a prompt: what everybody sees, and what stays with the session."""

from typing import Any

import pytest

from server.access.audit import Act
from server.dictionaries import Dictionaries
from server.errors import StoreError
from server.live.checkpoint import MemoryCheckpoints
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.nudges import SEND_EVERY_S, SENDS, UP_S, Nudges, sendable
from server.wire.common import TextModel
from server.wire.server import PromptRaisedMessage
from tests.fakes import FakeClock, settle, until
from tests.live.patient import RATE, Doctor, Patient, noise
from tests.live.test_checkpoints import process

QUIETER = "move_somewhere_quieter"


class Acts:
    """An audit that a test can read, or stop."""

    def __init__(self) -> None:
        self.done: list[Act] = []
        self.stopped = False

    async def __call__(self, act: Act) -> None:
        if self.stopped:
            raise StoreError("The database does not answer.", retry_after_s=5.0)
        self.done.append(act)


def send(prompt_id: str = "come_closer") -> dict[str, str]:
    return {"type": "prompt.send", "id": prompt_id}


def mute(prompt_id: str = QUIETER) -> dict[str, str]:
    return {"type": "prompt.mute", "id": prompt_id}


async def visit(manager: SessionManager, clock: FakeClock, acts: Acts, **start: Any) -> tuple[Patient, Doctor, Doctor]:
    """A patient, the doctor who may ask, and another one who only watches."""
    patient = Patient(manager, clock)
    session_id = (await patient.start(**start))["session_id"]
    doctor, other = Doctor(manager, session_id, nudging=acts), Doctor(manager, session_id)
    assert (await doctor.socket.expect("snapshot"))["nudge"] is True
    assert (await other.socket.expect("snapshot"))["nudge"] is False
    return patient, doctor, other


async def test_a_doctors_prompt_reaches_the_patient_with_its_source_and_every_observer(
    manager: SessionManager, clock: FakeClock
) -> None:
    acts = Acts()
    patient, doctor, other = await visit(manager, clock, acts)
    doctor.socket.say(send())
    for socket in (patient.socket, doctor.socket, other.socket):
        raised = await socket.expect("prompt.raised")
        assert (raised["id"], raised["source"], raised["audience"]) == ("come_closer", "doctor", "patient")
        assert raised["text"]["zh"] == "请把手机拿近一点说。"
    assert acts.done == [Act.PROMPT_SENT]
    late = Doctor(manager, (await patient.socket.expect("session.started"))["session_id"])
    assert [one["source"] for one in (await late.socket.expect("snapshot"))["prompts"]] == ["doctor"]
    await patient.speak_scored(noise(UP_S + 2, level=0.3))
    cleared = await patient.socket.expect("prompt.cleared")
    assert (cleared["id"], cleared["source"]) == ("come_closer", "doctor")


async def test_the_listeners_prompt_gives_way_to_the_doctors_and_comes_back_if_it_still_holds(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient, doctor, _ = await visit(manager, clock, Acts(), labels=[{"label": "low_background", "threshold": 1.0}])
    await patient.speak_scored(noise(8))
    assert (await patient.socket.expect("prompt.raised"))["source"] == "listener"
    doctor.socket.say(send(QUIETER))
    await until(lambda: len(patient.socket.got("prompt.raised")) == 2)
    await patient.speak_scored(noise(UP_S + 2), seconds_before=8)
    told = [(one["type"], one["source"]) for one in patient.socket.messages if one["type"].startswith("prompt.")]
    assert told == [
        ("prompt.raised", "listener"), ("prompt.cleared", "listener"),
        ("prompt.raised", "doctor"), ("prompt.cleared", "doctor"), ("prompt.raised", "listener"),
    ]  # fmt: skip


async def test_a_muted_prompt_is_taken_down_and_not_raised_again_in_this_visit(
    manager: SessionManager, clock: FakeClock
) -> None:
    acts = Acts()
    patient, doctor, other = await visit(manager, clock, acts, labels=[{"label": "low_background", "threshold": 1.0}])
    await patient.speak_scored(noise(8))
    await patient.socket.expect("prompt.raised")
    doctor.socket.say(mute())
    doctor.socket.say(mute())
    await patient.socket.expect("prompt.cleared")
    assert (await other.socket.expect("prompt.muted"))["ids"] == [QUIETER]
    await patient.speak_scored(noise(50), seconds_before=8)
    assert len(patient.socket.got("prompt.raised")) == 1
    assert patient.socket.got("prompt.muted") == [], "the patient is not bothered with it"
    assert acts.done == [Act.PROMPT_MUTED], "a second time changes nothing"
    doctor.socket.say(send(QUIETER))
    await until(lambda: len(patient.socket.got("prompt.raised")) == 2)
    late = Doctor(manager, (await patient.socket.expect("session.started"))["session_id"])
    assert (await late.socket.expect("snapshot"))["muted"] == [QUIETER]


async def test_not_now_takes_down_the_doctors_prompt(manager: SessionManager, clock: FakeClock) -> None:
    patient, doctor, _ = await visit(manager, clock, Acts())
    doctor.socket.say(send())
    await patient.socket.expect("prompt.raised")
    patient.socket.say({"type": "prompt.snooze", "id": "come_closer"})
    assert (await patient.socket.expect("prompt.cleared"))["source"] == "doctor"


async def test_doctors_together_send_no_more_than_a_patient_can_follow(
    manager: SessionManager, clock: FakeClock
) -> None:
    acts = Acts()
    patient, doctor, _ = await visit(manager, clock, acts)
    second = Doctor(manager, (await patient.socket.expect("session.started"))["session_id"], nudging=acts)
    for number in range(SENDS + 6):
        (doctor, second)[number % 2].socket.say(send())
    await settle()
    assert len(acts.done) == SENDS
    refused = (await doctor.socket.expect("error"))["error"]
    assert (refused["code"], refused["retry_after_s"]) == ("too_many_prompts", SEND_EVERY_S)
    assert doctor.socket.closed is None, "sending too often is no fault of the line"
    await clock.advance(SEND_EVERY_S)
    doctor.socket.say(send())
    await until(lambda: len(acts.done) == SENDS + 1)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (send("请把窗户关上"), "unknown_prompt"),
        (mute("nothing"), "unknown_prompt"),
        ({"type": "prompt.send"}, "malformed_message"),
        ({"type": "prompt.send", "id": "come_closer", "text": "Close the window"}, "malformed_message"),
        ({"type": "session.end"}, "unexpected_message"),
        ({"type": "prompt.shout", "id": "come_closer"}, "malformed_message"),
    ],
)
async def test_nothing_but_prompts_of_the_sessions_labels_is_sent(
    manager: SessionManager, clock: FakeClock, message: dict[str, str], code: str
) -> None:
    acts = Acts()
    patient, doctor, _ = await visit(manager, clock, acts)
    doctor.socket.say(message)
    assert (await doctor.socket.expect("error"))["error"]["code"] == code
    assert acts.done == []
    assert patient.socket.got("prompt.raised") == []
    assert doctor.socket.closed is None


async def test_who_only_watches_sends_and_mutes_nothing(manager: SessionManager, clock: FakeClock) -> None:
    patient, _, other = await visit(manager, clock, Acts())
    for message in (send(), mute("come_closer")):
        other.socket.say(message)
    await until(lambda: other.socket.unread == 0)
    assert (await other.socket.expect("error"))["error"]["code"] == "unexpected_message"
    assert patient.socket.got("prompt.raised") == []
    assert other.socket.got("prompt.muted") == []


async def test_what_cannot_be_written_down_is_not_asked(manager: SessionManager, clock: FakeClock) -> None:
    acts = Acts()
    patient, doctor, _ = await visit(manager, clock, acts)
    acts.stopped = True
    doctor.socket.say(send())
    assert await doctor.closed() == 4503
    assert patient.socket.got("prompt.raised") == []


async def test_a_doctors_prompt_and_what_is_muted_survive_a_resume_in_another_process(
    dictionaries: Dictionaries,
) -> None:
    store, here, there = MemoryCheckpoints(), FakeClock(), FakeClock(now=7.0, wall=1005.0)
    async with process(dictionaries, store, here) as first:
        patient, doctor, _ = await visit(first, here, Acts())
        started = await patient.socket.expect("session.started")
        await patient.speak_scored(noise(4, level=0.3))
        doctor.socket.say(mute())
        doctor.socket.say(send())
        raised = await patient.socket.expect("prompt.raised")
        await patient.speak_scored(noise(2, level=0.3), seconds_before=4)
        kept = await store.get(started["session_id"])
        patient.socket.vanish()
        await patient.done
    assert kept is not None
    await store.put(started["session_id"], kept)  # as after a power cut
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        resume = {key: started[key] for key in ("session_id", "resume_token")}
        assert (await patient.start(resume=resume))["next_sample"] == 0
        assert await patient.socket.expect("prompt.raised") == raised
        doctor = Doctor(second, started["session_id"])
        assert (await doctor.socket.expect("snapshot"))["muted"] == [QUIETER]
        heard = noise(UP_S + 10, level=0.3)
        await patient.speak(heard[: 2 * 6 * RATE])
        await patient.speak_scored(heard[2 * 6 * RATE :], seconds_before=6)
        assert (await patient.socket.expect("prompt.cleared"))["source"] == "doctor"
        patient.socket.vanish()
        await patient.done


@pytest.mark.parametrize("limits", [LiveLimits()])
async def test_every_prompt_that_can_be_sent_is_named_once(manager: SessionManager, clock: FakeClock) -> None:
    _, doctor, _ = await visit(manager, clock, Acts())
    (snapshot,) = doctor.socket.got("snapshot")
    ids = [one["id"] for one in snapshot["sendable"]]
    assert len(ids) == len(set(ids))
    assert set(ids) == {label["prompt"] for label in snapshot["labels"] if label["prompt"]}


def test_a_listeners_prompt_that_ended_while_the_doctor_asked_does_not_come_back(dictionaries: Dictionaries) -> None:
    labels = dictionaries.resolve(None)
    assert [one.id for one in sendable(labels)]
    nudges = Nudges(0.0)
    text = TextModel(zh="好", en="yes")
    quieter = PromptRaisedMessage(id=QUIETER, label="low_background", text=text)
    asked = nudges.asked("come_closer", labels, 0.0)
    assert [one.type for one in nudges.send(asked, [quieter], 0.0)] == ["prompt.cleared", "prompt.raised"]
    (cleared, _) = nudges.send(nudges.asked(QUIETER, labels, 1.0), [asked], 1.0)
    assert cleared.source == "doctor"
    over = cleared.model_copy(update={"id": QUIETER, "source": "listener"})
    assert list(nudges.passing(over)) == []
    assert nudges.over(UP_S) == [], "the second counts from when it was sent"
    (ended,) = nudges.over(1.0 + UP_S)
    assert (ended.id, ended.source) == (QUIETER, "doctor")
