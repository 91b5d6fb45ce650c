"""Labels in a live session: chosen at its start, changed in its middle."""

from typing import Any

import pytest

from server.live.manager import SessionManager
from tests.fakes import FakeClock, until
from tests.live.patient import Patient, chunks, noise


async def changed(patient: Patient, labels: Any) -> dict[str, Any]:
    before = len(patient.socket.got("labels.updated"))
    patient.socket.say({"type": "labels.update", "labels": labels})
    await until(lambda: len(patient.socket.got("labels.updated")) > before)
    message: dict[str, Any] = patient.socket.got("labels.updated")[-1]
    return message


async def test_changed_labels_hold_from_the_next_window_on(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="telemedicine")
    await patient.speak_scored(noise(4))
    updated = await changed(patient, "cardiology")
    assert len(updated["labels"]) == 15
    assert updated["notices"] == []
    await patient.speak_scored(noise(3), seconds_before=4)
    windows = list(patient.windows().values())
    assert "moderate_pace" in windows[0]["labels"]
    assert set(windows[-1]["labels"]) == {label["id"] for label in updated["labels"]}
    result = (await patient.end())["result"]
    dictionary = result["model"]["dictionary"]
    assert (dictionary["name"], dictionary["version"]) == ("cardiology", "1")
    assert set(result["labels"]) == {label["id"] for label in updated["labels"]}


async def test_chinese_titles_of_the_callers_own_go_with_the_session(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(labels="low_background,狗叫=a dog barking,狗叫=a dog howling|silence")
    titles = [label["title"]["zh"] for label in started["labels"]]
    assert titles == ["无背景强干扰", "狗叫", "狗叫"]
    assert len({label["id"] for label in started["labels"]}) == 3
    [notice] = started["notices"]
    assert "a dog barking" in notice["zh"]
    assert "a dog barking" in notice["en"]
    await patient.speak_scored(noise(4))
    result = (await patient.end())["result"]
    assert result["notices"] == started["notices"]


@pytest.mark.parametrize(
    ("asked", "said"), [("cardiolgy", "Did you mean cardiology?"), ("low_backgruond", "Did you mean low_background?")]
)
async def test_a_mistyped_name_and_a_session_that_judges_nothing_are_told(
    manager: SessionManager, asked: str, said: str
) -> None:
    patient = Patient(manager)
    started = await patient.start(labels=asked)
    near, nothing = (notice["en"] for notice in started["notices"])
    assert said in near
    assert "None of these labels can be judged here" in nothing
    updated = await changed(patient, "low_background")
    assert updated["notices"] == []


async def test_labels_requested_in_mid_session_may_have_their_own_thresholds(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    updated = await changed(patient, [{"label": "背景安静", "threshold": 0.9}, {"label": "未知的标签"}])
    assert updated["labels"][0]["threshold"] == 0.9
    assert "未知的标签" in updated["notices"][0]["zh"]


async def test_labels_that_cannot_be_resolved_leave_the_session_as_it_was(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start(labels="low_background")
    for labels in ("", [], ",,", [{"label": f"label {number}"} for number in range(201)]):
        patient.socket.say({"type": "labels.update", "labels": labels})
    await until(lambda: len(patient.errors()) == 4)
    assert set(patient.errors()) <= {"invalid_labels", "malformed_message"}
    await patient.speak_scored(noise(4))
    assert set((await patient.end())["result"]["labels"]) == {"low_background"}


async def test_labels_changed_just_before_the_line_breaks_hold_after_the_resume(
    manager: SessionManager, clock: FakeClock
) -> None:
    first = Patient(manager, clock)
    started = await first.start(labels="telemedicine")
    await first.speak_scored(noise(4))
    updated = await changed(first, "cardiology")
    first.socket.vanish()
    await first.done
    second = Patient(manager, clock)
    again = await second.start(resume={key: started[key] for key in ("session_id", "resume_token")})
    assert again["labels"] == updated["labels"]
    assert again["next_sample"] == 0
    for chunk in chunks(noise(4)):
        second.socket.say(chunk)
    await second.taken()
    await second.speak_scored(noise(3), seconds_before=4)
    result = (await second.end())["result"]
    assert result["model"]["dictionary"]["name"] == "cardiology"
    assert set(result["labels"]) == {label["id"] for label in updated["labels"]}


@pytest.mark.parametrize(
    ("labels", "param", "said"),
    [
        ([{"label": "low_background", "threshold": 3}], "labels.0.threshold", "less than or equal to 1"),
        ([{"label": "a"}, {"labell": "b"}], "labels.1.label", "required"),
        ([3], "labels.0", "object; write a dictionary's name"),
        ("a" * 20_001, "labels", "20000 characters"),
        ([{"label": "low_background", "threshold": True}], "labels.0.threshold", "valid number"),
        ([{"label": "low_background", "weight": "2"}], "labels.0.weight", "valid number"),
        (7, "labels", "array of {label, threshold?, weight?}"),
    ],
)
async def test_a_fault_in_a_list_of_labels_is_reported_with_its_position(
    manager: SessionManager, clock: FakeClock, labels: Any, param: str, said: str
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    patient.socket.say({"type": "labels.update", "labels": labels})
    error = (await patient.socket.expect("error"))["error"]
    assert (error["code"], error["param"]) == ("malformed_message", param)
    assert said in error["message"]


async def test_labels_changed_too_often_stay_as_they_are_and_the_session_goes_on(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for _ in range(5):
        await changed(patient, "low_background")
    patient.socket.say({"type": "labels.update", "labels": "close_enough"})
    error = (await patient.socket.expect("error"))["error"]
    assert (error["code"], error["retry_after_s"]) == ("too_many_changes", 2)
    result = (await patient.end())["result"]
    assert "close_enough" not in result["labels"]


async def test_a_new_socket_of_a_session_may_not_change_its_labels_anew(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    for _ in range(5):
        await changed(patient, "low_background")
    patient.socket.vanish()
    await patient.done
    back = Patient(manager, clock)
    await back.start(resume={key: started[key] for key in ("session_id", "resume_token")})
    back.socket.say({"type": "labels.update", "labels": "close_enough"})
    assert (await back.socket.expect("error"))["error"]["code"] == "too_many_changes"


async def test_changes_that_come_too_soon_are_told_and_end_no_session(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    await patient.start()
    for _ in range(15):
        patient.socket.say({"type": "labels.update", "labels": "close_enough"})
    await until(lambda: len(patient.errors()) == 10)
    assert set(patient.errors()) == {"too_many_changes"}
    assert (await patient.end())["reason"] == "client"
