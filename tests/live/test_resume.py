"""A session outlives its sockets, and a resumed one scores as one that was never broken."""

import math
from typing import Any

import pytest

from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.outcome import RecentResults
from tests.fakes import FakeClock, FakeMos, FakeScorer, settle, until
from tests.live.patient import RATE, Doctor, Patient, noise


def ticket(started: dict[str, Any]) -> dict[str, Any]:
    return {key: started[key] for key in ("session_id", "resume_token")}


async def lose(patient: Patient) -> None:
    patient.socket.vanish()
    await patient.done


def assert_same_windows(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert [window["end_sample"] for window in ours] == [window["end_sample"] for window in theirs]
    for one, other in zip(ours, theirs, strict=True):
        for label_id, label in one["labels"].items():
            expected = other["labels"][label_id]
            if expected["score"] is None:
                assert label == expected
            else:
                assert math.isclose(label["score"], expected["score"], abs_tol=1e-6), (one["end_s"], label_id)


@pytest.mark.parametrize("broken_at_s", [1.0, 3.05, 7.5, 12.3, 20.0])
async def test_resumed_session_scores_as_the_unbroken_one(
    manager: SessionManager, clock: FakeClock, broken_at_s: float
) -> None:
    pcm = noise(26)
    whole = Patient(manager)
    await whole.start(pace="fast")
    for at in range(0, len(pcm), 6400):
        whole.socket.say(pcm[at : at + 6400])
    expected = (await whole.end())["result"]

    first = Patient(manager, clock)
    started = await first.start()
    sent = round(broken_at_s * RATE) * 2
    await first.speak_scored(pcm[:sent])
    await lose(first)
    await clock.advance(8)
    second = Patient(manager, clock)
    again = await second.start(resume=ticket(started))
    assert again["session_id"] == started["session_id"]
    assert again["next_sample"] == max(0, (int(broken_at_s) - 10) * RATE if broken_at_s >= 3 else 0)
    caught_up = min(26, int(broken_at_s) + 8)
    for at in range(2 * again["next_sample"], 2 * caught_up * RATE, 3200):
        second.socket.say(pcm[at : at + 3200])
    await second.taken()
    await second.speak_scored(pcm[2 * caught_up * RATE :], seconds_before=caught_up)
    result = (await second.end())["result"]
    assert_same_windows(result["windows"], expected["windows"])
    assert result["model"]["windows_replaced"] == 0
    assert result["source"]["duration_s"] == expected["source"]["duration_s"]
    assert result["source"]["speech_s"] == expected["source"]["speech_s"]
    assert result["measures"].pop("pauses") == pytest.approx(expected["measures"].pop("pauses"), abs=1e-6)
    assert result["measures"] == pytest.approx(expected["measures"], abs=1e-6)
    assert [update["seq"] for update in second.socket.got("quality.update")][-1] == 24


async def test_window_lost_with_the_line_is_scored_after_the_resume(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    pcm = noise(8)
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak_scored(pcm[: 2 * 5 * RATE])
    scorer.gate.clear()
    await first.speak(pcm[2 * 5 * RATE : 2 * 7 * RATE])
    await lose(first)
    scorer.gate.set()
    second = Patient(manager, clock)
    again = await second.start(resume=ticket(started))
    assert again["next_sample"] == 0
    for at in range(0, len(pcm), 32000):
        second.socket.say(pcm[at : at + 32000])
    result = (await second.end())["result"]
    assert [window["end_s"] for window in result["windows"]] == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


async def test_new_socket_wins_over_the_one_still_open(manager: SessionManager, clock: FakeClock) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak_scored(noise(4))
    second = Patient(manager, clock)
    await second.start(resume=ticket(started))
    assert await first.closed() == 4409
    assert first.errors() == ["session_superseded"]
    assert first.socket.got("session.ended") == []
    for second_of_audio in range(5):
        second.socket.say(noise(5)[2 * second_of_audio * RATE : 2 * (second_of_audio + 1) * RATE])
    await second.updated(5 * RATE)
    assert list(second.windows()) == [5 * RATE]
    await second.end()
    assert manager.counts().live == 0


@pytest.mark.parametrize("change", [{"session_id": "f" * 32}, {"resume_token": "guess"}, {"resume_token": "猜"}])
async def test_without_id_and_token_a_session_is_unknown(manager: SessionManager, change: dict[str, str]) -> None:
    first = Patient(manager)
    started = await first.start()
    await lose(first)
    thief = Patient(manager)
    thief.socket.say({**_start(), "resume": ticket(started) | change})
    assert await thief.closed() == 4404
    assert manager.counts().waiting == 1


def _start() -> dict[str, Any]:
    return {"type": "session.start", "audio": {"encoding": "pcm_s16le", "sample_rate": RATE}}


async def test_session_whose_patient_stays_away_ends_with_the_result_so_far(
    manager: SessionManager, clock: FakeClock, sink: RecentResults
) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    doctor = Doctor(manager, started["session_id"])
    await doctor.socket.expect("snapshot")
    await first.speak_scored(noise(4))
    await lose(first)
    assert (await doctor.socket.expect("session.state"))["state"] == "reconnecting"
    await clock.advance(121)
    ended = await doctor.socket.expect("session.ended")
    assert ended["reason"] == "expired"
    assert [window["end_s"] for window in ended["result"]["windows"]] == [3.0, 4.0]
    assert ended["result"]["source"]["duration_s"] == 4.0
    assert await doctor.closed() == 1000
    late = Patient(manager)
    late.socket.say({**_start(), "resume": ticket(started)})
    assert await late.closed() == 4410
    await clock.advance(121)
    assert len(sink) == 0
    later = Patient(manager)
    later.socket.say({**_start(), "resume": ticket(started)})
    assert await later.closed() == 4410, "remembered as expired when all else is forgotten"


async def test_audio_format_cannot_change(manager: SessionManager) -> None:
    first = Patient(manager)
    started = await first.start()
    await lose(first)
    second = Patient(manager)
    second.socket.say(
        {**_start(), "audio": {"encoding": "pcm_s16le", "sample_rate": 48_000}, "resume": ticket(started)}
    )
    assert await second.closed() == 4400
    assert second.socket.got("error")[0]["error"]["param"] == "audio"
    assert manager.counts().waiting == 1, "the session still waits for the right one"


async def test_a_socket_that_cannot_go_on_does_not_end_the_one_that_does(manager: SessionManager) -> None:
    first = Patient(manager)
    started = await first.start()
    second = Patient(manager)
    second.socket.say(
        {**_start(), "audio": {"encoding": "pcm_s16le", "sample_rate": 48_000}, "resume": ticket(started)}
    )
    assert await second.closed() == 4400
    assert first.socket.closed is None
    assert manager.counts().live == 1
    await first.end()


def after_start(patient: Patient) -> list[tuple[str, str]]:
    """Type and id of the prompts that came with the start, before anything was scored."""
    kinds = [message["type"] for message in patient.socket.messages]
    until_first = kinds.index("quality.update") if "quality.update" in kinds else len(kinds)
    return [
        (message["type"], message["id"])
        for message in patient.socket.messages[:until_first]
        if message["type"].startswith("prompt.")
    ]


async def test_a_prompt_that_is_up_is_raised_again_after_a_resume(manager: SessionManager, clock: FakeClock) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak_scored(noise(8, level=0.001))
    raised = await first.socket.expect("prompt.raised")
    await lose(first)
    second = Patient(manager, clock)
    await second.start(resume=ticket(started))
    assert await second.socket.expect("prompt.raised") == raised
    assert [message["type"] for message in second.socket.messages[:2]] == ["session.started", "prompt.raised"]


@pytest.mark.parametrize("limits", [LiveLimits(send_s=1000.0)])
async def test_a_prompt_whose_end_the_line_swallowed_is_cleared_after_a_resume(
    manager: SessionManager, clock: FakeClock
) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    doctor = Doctor(manager, started["session_id"])
    await first.speak_scored(noise(8, level=0.001))
    raised = await first.socket.expect("prompt.raised")
    first.socket.reads = False
    for end in range(9, 25):
        await first.speak(noise(1, level=0.3))
        await until(lambda: doctor.socket.got("quality.update")[-1]["window"]["end_sample"] >= end * RATE)  # noqa: B023
    cleared = await doctor.socket.expect("prompt.cleared")
    assert cleared["id"] == raised["id"]
    first.socket.vanish()
    first.socket.reads = True
    await first.done
    assert first.socket.got("prompt.cleared") == []
    second = Patient(manager, clock)
    await second.start(resume=ticket(started))
    assert await second.socket.expect("prompt.cleared") == cleared
    assert after_start(second) == [("prompt.cleared", raised["id"])]
    third = Patient(manager, clock)
    await third.start()
    assert after_start(third) == [], "a new session has none"


@pytest.mark.parametrize("limits", [LiveLimits(outbox=8)])
async def test_no_window_is_judged_twice_where_a_socket_takes_over_from_one_that_reads_nothing(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock
) -> None:
    pcm = noise(14)
    first = Patient(manager, clock)
    started = await first.start(pace="fast")
    first.socket.reads = False
    for at in range(0, len(pcm), 32_000):
        first.socket.say(pcm[at : at + 32_000])
    await until(lambda: bool(scorer.batches))
    for _ in range(40):
        await settle()
    assert first.socket.unread, "it waits for its peer to read"
    second = Patient(manager, clock)
    again = await second.start(resume=ticket(started), pace="fast")
    first.socket.reads = True
    await first.done
    for at in range(2 * again["next_sample"], len(pcm), 32_000):
        second.socket.say(pcm[at : at + 32_000])
    result = (await second.end())["result"]
    assert [window["end_s"] for window in result["windows"]] == [float(end) for end in range(3, 15)]


async def test_dnsmos_under_way_when_the_line_drops_counts_as_without_the_break(
    manager: SessionManager, mos: FakeMos, clock: FakeClock
) -> None:
    pcm = noise(17)
    whole = Patient(manager)
    await whole.start(pace="fast")
    for at in range(0, len(pcm), 6400):
        whole.socket.say(pcm[at : at + 6400])
    expected = (await whole.end())["result"]
    first = Patient(manager, clock)
    started = await first.start(pace="fast")
    mos.gate.clear()
    for at in range(0, 2 * 10 * RATE, 32_000):
        first.socket.say(pcm[at : at + 32_000])
    await first.updated(10 * RATE)
    first.socket.say(pcm[2 * 10 * RATE : 2 * 11 * RATE])
    await first.taken()
    await lose(first)
    second = Patient(manager, clock)
    again = await second.start(resume=ticket(started), pace="fast")
    for at in range(2 * again["next_sample"], len(pcm), 32_000):
        second.socket.say(pcm[at : at + 32_000])
    mos.gate.set()
    result = (await second.end())["result"]
    assert_same_windows(result["windows"], expected["windows"])
    assert [window["measures"]["mos_signal"] for window in result["windows"]] == [
        window["measures"]["mos_signal"] for window in expected["windows"]
    ]
    assert sorted(mos.ends[-2:]) == [10 * RATE, 15 * RATE], "asked for once each"
    assert result["model"]["shed"] == 0


async def test_result_that_never_arrived_can_be_fetched(
    manager: SessionManager, scorer: FakeScorer, clock: FakeClock, sink: RecentResults
) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak(noise(2.9))
    scorer.gate.clear()
    await first.speak(noise(0.3))
    first.socket.say({"type": "session.end"})
    await first.taken()
    first.socket.reads = False
    first.socket.vanish()
    await settle()
    scorer.gate.set()
    await until(lambda: len(sink) == 1)
    first.socket.reads = True
    await first.done
    second = Patient(manager)
    second.socket.say({**_start(), "resume": ticket(started)})
    ended = await second.socket.expect("session.ended")
    assert [window["end_s"] for window in ended["result"]["windows"]] == [3.0]
    assert await second.closed() == 1000


async def test_replay_may_come_faster_than_real_time(manager: SessionManager, clock: FakeClock) -> None:
    first = Patient(manager, clock)
    started = await first.start()
    await first.speak_scored(noise(20))
    await lose(first)
    await clock.advance(20)
    second = Patient(manager, clock)
    again = await second.start(resume=ticket(started))
    for _ in range((40 * RATE - again["next_sample"]) // RATE):
        second.socket.say(noise(1))
    await second.taken()
    await second.updated(40 * RATE)
    assert second.socket.closed is None
    assert [update["window"]["end_s"] for update in second.socket.got("quality.update")] == [
        float(end) for end in range(21, 41)
    ]
    await second.end()


async def test_a_client_that_waits_for_room_during_a_replay_is_told_what_was_taken(
    manager: SessionManager, clock: FakeClock
) -> None:
    first = Patient(manager, clock)
    started = await first.start(pace="fast")
    await first.speak_scored(noise(4))
    first.socket.vanish()
    await first.done
    second = Patient(manager, clock)
    again = await second.start(pace="fast", resume=ticket(started))
    second.socket.say(noise(0.5))
    second.socket.say(noise(0.5))
    await second.taken()
    await clock.advance(0.3)
    await clock.advance(0.3)
    taken = [one["samples"] for one in second.socket.got("audio.ack")]
    assert taken[-1] == again["next_sample"] + RATE, "although no more audio came"


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=2)])
async def test_sessions_that_wait_are_bounded(manager: SessionManager, clock: FakeClock) -> None:
    for _ in range(5):
        patient = Patient(manager)
        await patient.start()
        await lose(patient)
        await clock.advance(1)
    assert manager.counts().waiting == 2


async def test_session_whose_result_cannot_be_built_is_still_released(
    manager: SessionManager,
    clock: FakeClock,
    sink: RecentResults,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("server.live.concluding.build_result", broken)
    first, second = Patient(manager), Patient(manager)
    await first.start()
    await second.start()
    second.socket.say({"type": "session.end"})
    assert await second.closed() == 1011
    await lose(first)
    await clock.advance(121)
    assert (manager.counts().waiting, len(sink)) == (0, 0)
    assert caplog.text.count("ZeroDivisionError") >= 3
