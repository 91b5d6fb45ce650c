"""The far end's marks on the wire: in order with the audio, recoverable, and kept through a resume."""

from typing import Any

import pytest

from server.live.manager import SessionManager
from tests.fakes import FakeClock, settle
from tests.live.patient import RATE, Patient, noise
from tests.live.test_resume import assert_same_windows, lose, ticket


def far_end(speaking: bool) -> dict[str, Any]:
    return {"type": "far_end", "speaking": speaking}


async def test_what_the_far_end_says_is_not_the_patients_speech(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak(noise(4))
    patient.socket.say(far_end(True))
    await patient.speak(noise(4))
    patient.socket.say(far_end(False))
    await patient.speak(noise(4))
    source = (await patient.end())["result"]["source"]
    assert source["duration_s"] == pytest.approx(12)
    assert source["speech_s"] == pytest.approx(3.8, abs=0.15), "every other second sounds"


@pytest.mark.parametrize("message", [{"type": "far_end"}, {"type": "far_end", "speaking": 1}])
async def test_a_malformed_mark_is_recoverable_and_changes_nothing(
    manager: SessionManager, message: dict[str, Any]
) -> None:
    patient = Patient(manager)
    await patient.start(pace="fast")
    patient.socket.say(message)
    patient.socket.say(noise(0.9))
    result = (await patient.end())["result"]
    assert patient.errors() == ["malformed_message"]
    assert result["source"]["speech_s"] > 0.8


@pytest.mark.parametrize("said_again", [True, False])
async def test_resumed_session_with_a_far_end_scores_as_the_unbroken_one(
    manager: SessionManager, clock: FakeClock, said_again: bool
) -> None:
    pcm = noise(20)
    marks = {2 * 4 * RATE: True, 2 * 7 * RATE + 3200: False, 2 * 11 * RATE: True, 2 * 12 * RATE: False}

    def say(patient: Patient, start: int, end: int, known: int = 0) -> None:
        for at in range(start, end, 3200):
            if at in marks and (said_again or at >= known):
                patient.socket.say(far_end(marks[at]))
            patient.socket.say(pcm[at : at + 3200])

    whole = Patient(manager)
    await whole.start(pace="fast")
    say(whole, 0, len(pcm))
    expected = (await whole.end())["result"]

    first = Patient(manager, clock)
    started = await first.start(pace="fast")
    say(first, 0, 2 * 13 * RATE)
    await first.updated(13 * RATE)
    await settle()
    await lose(first)
    second = Patient(manager, clock)
    again = await second.start(pace="fast", resume=ticket(started))
    say(second, 2 * again["next_sample"], len(pcm), known=2 * 13 * RATE)
    result = (await second.end())["result"]
    assert_same_windows(result["windows"], expected["windows"])
    assert result["source"]["speech_s"] == expected["source"]["speech_s"]
    assert result["source"]["speech_s"] < 9
