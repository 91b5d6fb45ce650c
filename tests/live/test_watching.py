"""What a doctor who comes late, or reloads the page, is told of the session so far, and why its patient is gone."""

from typing import Any

import pytest

from server.dictionaries import Dictionaries
from server.live.checkpoint import MemoryCheckpoints
from server.live.manager import SessionManager
from server.rendering.trend import TREND_S
from tests.fakes import FakeClock
from tests.live.patient import RATE, Doctor, Patient, noise
from tests.live.test_checkpoints import process

QUIETER = "move_somewhere_quieter"
STRICT = [{"label": "low_background", "threshold": 1.0}]


async def test_a_late_doctor_gets_the_course_of_the_last_minute(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    session_id = (await patient.start(labels=STRICT))["session_id"]
    await patient.speak_scored(noise(70))
    snapshot = await Doctor(manager, session_id).socket.expect("snapshot")
    assert [point["at_s"] for point in snapshot["trend"]] == list(range(70 - TREND_S, 71))
    # Every threshold is drawn at 0.7, this one of 1.0 too.
    told = {update["window"]["end_s"]: update["labels"]["low_background"]["score"] for update in updates(patient)}
    drawn = {point["at_s"]: point["score"] for point in snapshot["trend"]}
    assert drawn == pytest.approx({at_s: 0.7 * told[at_s] for at_s in drawn})


async def test_a_window_without_speech_is_a_hole_in_the_course(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    session_id = (await patient.start(labels=STRICT))["session_id"]
    await patient.speak_scored(bytes(2 * 4 * RATE))
    snapshot = await Doctor(manager, session_id).socket.expect("snapshot")
    assert [point["score"] for point in snapshot["trend"]] == [None, None]


def updates(patient: Patient) -> list[dict[str, Any]]:
    return patient.socket.got("quality.update")


async def test_not_now_is_told_to_the_doctors_as_such_and_survives_a_resume_elsewhere(
    dictionaries: Dictionaries,
) -> None:
    store, here, there = MemoryCheckpoints(), FakeClock(), FakeClock(now=7.0, wall=1005.0)
    async with process(dictionaries, store, here) as first:
        patient = Patient(first, here)
        started = await patient.start(labels=STRICT)
        doctor = Doctor(first, started["session_id"])
        await doctor.socket.expect("snapshot")
        await patient.speak_scored(noise(8))
        for prompt_id in (QUIETER, QUIETER, "no_such_prompt"):
            patient.socket.say({"type": "prompt.snooze", "id": prompt_id})
        assert (await doctor.socket.expect("prompt.declined"))["ids"] == [QUIETER]
        await patient.taken()
        assert len(doctor.socket.got("prompt.declined")) == 1
        assert patient.socket.got("prompt.declined") == []
        kept = await store.get(started["session_id"])
        patient.socket.vanish()
        await patient.done
    assert kept is not None
    await store.put(started["session_id"], kept)
    async with process(dictionaries, store, there) as second:
        patient = Patient(second, there)
        await patient.start(resume={key: started[key] for key in ("session_id", "resume_token")})
        late = Doctor(second, started["session_id"])
        assert (await late.socket.expect("snapshot"))["declined"] == [QUIETER]
        patient.socket.vanish()
        await patient.done


@pytest.mark.parametrize(("code", "left"), [(1001, True), (1006, False)])
async def test_a_patient_who_left_the_page_is_told_apart_from_a_line_that_broke(
    manager: SessionManager, clock: FakeClock, code: int, left: bool
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    doctor = Doctor(manager, started["session_id"])
    await doctor.socket.expect("snapshot")
    patient.socket.vanish(code)
    told = await doctor.socket.expect("session.state")
    assert (told["state"], told["left"]) == ("reconnecting", left)
    late = Doctor(manager, started["session_id"])
    assert (await late.socket.expect("snapshot"))["left"] is left
    again = Patient(manager, clock)
    await again.start(resume={"session_id": started["session_id"], "resume_token": started["resume_token"]})
    assert doctor.socket.got("session.state")[-1] == {"type": "session.state", "state": "live", "left": False}
