"""Who may come in, who watches, how it stops, and that nothing stays behind."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakSet

import pytest

from server.access.principal import ANYONE
from server.assessment.engine import Engine
from server.live.checkpoint import MemoryCheckpoints
from server.live.entries import Entry
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.outcome import RecentResults
from server.stream.core import StreamCore
from tests.fakes import FakeClock, FakeScorer, FakeTransport, settle, until
from tests.live.patient import RATE, Doctor, Patient, noise, start_message


async def test_observer_gets_a_snapshot_and_then_what_the_patient_gets(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start(labels="low_background", language="en")
    await patient.speak_scored(noise(4))
    doctor = Doctor(manager, started["session_id"])
    snapshot = await doctor.socket.expect("snapshot")
    assert doctor.socket.messages[0] is snapshot
    assert snapshot["state"] == "live"
    assert snapshot["language"] == "en"
    assert [label["id"] for label in snapshot["labels"]] == ["low_background"]
    assert snapshot["update"] == patient.windows()[4 * RATE]
    await patient.speak_scored(noise(2), seconds_before=4)
    await doctor.socket.expect("quality.update", 2)
    await patient.end()
    ended = await doctor.socket.expect("session.ended")
    assert ended == patient.socket.got("session.ended")[0]
    assert await doctor.closed() == 1000
    assert [update["seq"] for update in doctor.socket.got("quality.update")] == [3, 4]
    assert doctor.socket.got("audio.ack") == doctor.socket.got("session.started") == []


def _entry(manager: SessionManager) -> Entry:
    (entry,) = manager._registry._entries.values()
    return entry


async def test_observer_that_never_reads_neither_slows_the_patient_nor_grows(
    manager: SessionManager, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    doctor = Doctor(manager, started["session_id"])
    doctor.socket.reads = False
    await patient.speak_scored(noise(9.5))
    (outbox,) = _entry(manager).session.hub._outboxes
    assert len(outbox) < 10, "the latest of each kind"
    assert len(patient.windows()) == 7
    await patient.speak_scored(noise(2.5), seconds_before=9)
    assert doctor.done.done(), "and after 10 s it is dropped"
    assert manager.counts().observers == 0
    await patient.end()


async def test_observer_that_reads_late_gets_the_latest(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    doctor = Doctor(manager, started["session_id"])
    await doctor.socket.expect("snapshot")
    doctor.socket.reads = False
    await patient.speak_scored(noise(8))
    doctor.socket.reads = True
    await settle()
    seqs = [update["seq"] for update in doctor.socket.got("quality.update")]
    assert seqs[-1] == 6
    assert len(seqs) <= 2
    await patient.end()


async def test_unknown_session_cannot_be_observed(manager: SessionManager) -> None:
    doctor = Doctor(manager, "0" * 32)
    assert await doctor.closed() == 4404
    assert doctor.socket.got("error")[0]["error"]["code"] == "unknown_session"


async def test_ended_session_shows_its_result_for_a_while(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    await patient.speak_scored(noise(4))
    ended = await patient.end()
    doctor = Doctor(manager, started["session_id"])
    snapshot = await doctor.socket.expect("snapshot")
    assert snapshot["state"] == "ended"
    assert snapshot["ended"] == ended
    assert await doctor.closed() == 1000
    await clock.advance(130)
    late = Doctor(manager, started["session_id"])
    assert await late.closed() == 4410


async def test_observer_may_only_keep_alive(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    doctor = Doctor(manager, started["session_id"])
    doctor.socket.say({"type": "keepalive"})
    doctor.socket.say({"type": "session.end"})
    assert (await doctor.socket.expect("error"))["error"]["code"] == "unexpected_message"
    for _ in range(4):
        doctor.socket.say(bytes(10))
    assert await doctor.closed() == 4400
    assert patient.socket.closed is None
    await patient.end()


@pytest.mark.parametrize("message", [bytes(65_537), "听" * 22_000])
async def test_observer_of_too_large_a_message_is_closed_as_a_patient_is(
    manager: SessionManager, message: str | bytes
) -> None:
    patient = Patient(manager)
    started = await patient.start()
    doctor = Doctor(manager, started["session_id"])
    await doctor.socket.expect("snapshot")
    doctor.socket.say(message)
    assert await doctor.closed() == 1009
    assert [message["error"]["code"] for message in doctor.socket.got("error")] == ["frame_too_large"]
    await patient.end()


@pytest.mark.parametrize("limits", [LiveLimits(max_observers=1)])
async def test_observers_of_a_session_are_bounded(manager: SessionManager) -> None:
    patient = Patient(manager)
    started = await patient.start()
    first = Doctor(manager, started["session_id"])
    await first.socket.expect("snapshot")
    assert await Doctor(manager, started["session_id"]).closed() == 4503
    await patient.end()


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=2)])
async def test_full_server_says_when_to_come_back(manager: SessionManager) -> None:
    patients = [Patient(manager) for _ in range(2)]
    for patient in patients:
        await patient.start()
    assert manager.full
    third = Patient(manager)
    third.socket.say({"type": "session.start", "audio": {"sample_rate": 16000}})
    assert await third.closed() == 4503
    error = third.socket.got("error")[0]["error"]
    assert (error["code"], error["retryable"], error["retry_after_s"]) == ("at_capacity", True, 30.0)
    await patients[0].end()
    fourth = Patient(manager)
    await fourth.start()


async def test_drain_warns_waits_and_then_ends_with_results(manager: SessionManager, clock: FakeClock) -> None:
    quick, slow = Patient(manager, clock), Patient(manager, clock)
    await quick.start()
    started = await slow.start()
    doctor = Doctor(manager, started["session_id"])
    await slow.speak_scored(noise(4))
    draining = asyncio.create_task(manager.drain(20.0))
    assert (await slow.socket.expect("go_away"))["time_left_s"] == 20.0
    newcomer = Patient(manager)
    newcomer.socket.say(start_message())
    assert await newcomer.closed() == 1012
    assert newcomer.errors() == ["draining"]
    await quick.end()
    assert not draining.done()
    await clock.advance(20.1)
    ended = await slow.socket.expect("session.ended")
    assert ended["reason"] == "drain"
    assert len(ended["result"]["windows"]) == 2
    assert await slow.closed() == 1001
    assert await doctor.closed() == 1012
    assert doctor.socket.messages[-1] == ended
    await asyncio.wait_for(draining, 10)
    assert (manager.counts().live, manager.counts().waiting) == (0, 0)


async def test_drain_ends_as_soon_as_everybody_has_left(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    draining = asyncio.create_task(manager.drain(3600.0))
    await patient.socket.expect("go_away")
    await patient.end()
    await asyncio.wait_for(draining, 10)


async def garbage(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    patient.socket.say(b"\x00\xff" * 100)


async def not_ours(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    patient.socket.say('{"jsonrpc": "2.0"}')


async def vanish_unstarted(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    patient.socket.vanish()


async def huge_frame(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    await patient.start()
    patient.socket.say(bytes(900_000))


async def vanish_while_scoring(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    await patient.start()
    scorer.gate.clear()
    await patient.speak(noise(4.25))
    patient.socket.vanish()
    await settle()
    scorer.gate.set()


async def vanish_mid_frame(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    await patient.start()
    await patient.speak(noise(1) + b"\x01")
    patient.socket.vanish()


async def five_faults(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    await patient.start()
    for _ in range(5):
        patient.socket.say("[]")


async def silence(patient: Patient, manager: SessionManager, clock: FakeClock, scorer: FakeScorer) -> None:
    await patient.start()
    doctor = Doctor(manager, (await patient.socket.expect("session.started"))["session_id"])
    await doctor.socket.expect("snapshot")
    await clock.advance(61)
    await doctor.closed()


async def test_failed_sockets_leave_nothing_behind(
    manager: SessionManager,
    engine: Engine,
    clock: FakeClock,
    scorer: FakeScorer,
    cores: WeakSet[StreamCore],
    sink: RecentResults,
    checkpoints: MemoryCheckpoints,
) -> None:
    # A pool that still grows, as the loop's own does with the machine's load, would look like a thread left behind.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    warm = Patient(manager, clock)
    await warm.start()
    await warm.speak_scored(noise(4))
    await warm.end()
    del warm
    before = (len(asyncio.all_tasks()), threading.active_count())

    for wrong in (
        garbage,
        not_ours,
        vanish_unstarted,
        huge_frame,
        vanish_while_scoring,
        vanish_mid_frame,
        five_faults,
        silence,
    ):
        for _ in range(3):
            patient = Patient(manager, clock)
            await wrong(patient, manager, clock, scorer)
            await asyncio.wait_for(patient.done, 10)
            del patient
    await clock.advance(300)
    await until(lambda: engine.service.metrics()[0].queued == 0)
    gc.collect()
    assert (len(asyncio.all_tasks()), threading.active_count()) == before
    assert len(cores) == 0
    assert (len(sink), len(checkpoints)) == (0, 0)
    counts = manager.counts()
    assert (counts.starting, counts.live, counts.waiting, counts.observers) == (0, 0, 0, 0)
    assert clock.pending == 0, "no timer waits for anybody"


async def test_waiting_session_holds_no_core_and_no_task(
    manager: SessionManager, clock: FakeClock, cores: WeakSet[StreamCore]
) -> None:
    before = len(asyncio.all_tasks())
    patient = Patient(manager, clock)
    await patient.start()
    await patient.speak_scored(noise(12))
    assert len(cores) == 1
    patient.socket.vanish()
    await patient.done
    del patient
    assert manager.counts().waiting == 1
    assert len(asyncio.all_tasks()) == before
    assert len(cores) == 0, "let go without the garbage collector"


async def test_cancelled_handler_leaves_the_session_to_be_resumed(manager: SessionManager) -> None:
    patient = Patient(manager)
    await patient.start()
    patient.done.cancel()
    await asyncio.wait([patient.done])
    await settle()
    assert (manager.counts().live, manager.counts().waiting) == (0, 1)


async def test_sockets_before_their_start_are_bounded(clock: FakeClock, manager: SessionManager) -> None:
    sockets = [FakeTransport() for _ in range(130)]
    tasks = [asyncio.create_task(manager.run_stream(socket, ANYONE)) for socket in sockets]
    await settle()
    refused = [socket for socket in sockets if socket.closed]
    assert [socket.closed for socket in refused] == [(4503, "at_capacity")] * 2
    for socket in sockets:
        socket.vanish()
    await asyncio.wait(tasks)
    assert manager.counts().starting == 0
