"""A failing store or sink affects at most its own session."""

import asyncio
from typing import Any

import pytest

from server.assessment.engine import Engine
from server.errors import SnapshotError, StoreError
from server.live.checkpoint import MemoryCheckpoints, SessionCheckpoint
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.port_calls import PortCalls
from tests.fakes import FakeClock, FakeSink, until
from tests.live.patient import RATE, Doctor, Patient, noise


class SlowCheckpoints(MemoryCheckpoints):
    """A store that answers when the test says so, or never. ``fail`` raises."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: Exception | None = None

    async def put(self, session_id: str, checkpoint: SessionCheckpoint, *, at_once: bool = False) -> None:
        await self.gate.wait()
        await super().put(session_id, checkpoint, at_once=at_once)

    async def get(self, session_id: str, site: str | None = None) -> SessionCheckpoint | None:
        self.asked += 1
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        return await super().get(session_id, site)


def resuming(manager: SessionManager, clock: FakeClock, started: dict[str, Any]) -> Patient:
    patient = Patient(manager, clock)
    resume = {key: started[key] for key in ("session_id", "resume_token")}
    patient.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": resume})
    return patient


async def left_behind(engine: Engine, store: MemoryCheckpoints) -> dict[str, Any]:
    """``session.started`` of a session that is only in ``store``."""
    clock, kept = FakeClock(), MemoryCheckpoints()
    async with SessionManager(engine, LiveLimits(), clock, checkpoints=kept) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        await patient.speak_scored(noise(4))
        checkpoint = await kept.get(started["session_id"])
        assert checkpoint is not None
        await store.put(started["session_id"], checkpoint)
        await patient.end()
    return started


async def test_a_session_whose_sink_failed_cannot_go_on(engine: Engine, clock: FakeClock) -> None:
    sink, store = FakeSink(), MemoryCheckpoints()
    sink.fail = True
    async with SessionManager(engine, LiveLimits(), clock, sink=sink, checkpoints=store) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        await patient.end()
        assert len(store) == 0
        assert await resuming(manager, clock, started).closed() == 4404


async def test_of_two_sockets_that_take_up_one_checkpoint_the_later_has_the_session(
    engine: Engine, clock: FakeClock
) -> None:
    store = SlowCheckpoints()
    started = await left_behind(engine, store)
    async with SessionManager(engine, LiveLimits(), clock, checkpoints=store) as manager:
        store.gate.clear()
        first, second = resuming(manager, clock, started), resuming(manager, clock, started)
        await until(lambda: store.asked == 2)
        store.gate.set()
        assert await first.closed() == 4409
        await second.socket.expect("session.started")
        assert manager.counts().live == 1
        await second.end()


async def test_a_checkpoint_of_another_version_is_told_as_expired(engine: Engine, clock: FakeClock) -> None:
    store = SlowCheckpoints()
    started = await left_behind(engine, store)
    store.fail = SnapshotError("another version")
    async with SessionManager(engine, LiveLimits(), clock, checkpoints=store) as manager:
        assert await resuming(manager, clock, started).closed() == 4410


@pytest.mark.parametrize(("away_s", "code"), [(900 + 100, None), (900 + 130, 4410)])
async def test_a_checkpoint_does_not_extend_the_time_that_a_session_waits(
    engine: Engine, away_s: float, code: int | None
) -> None:
    """It is 15 minutes old at most while its session pauses."""
    store = MemoryCheckpoints()
    started = await left_behind(engine, store)
    later = FakeClock(wall=1004.0 + away_s)
    async with SessionManager(engine, LiveLimits(), later, checkpoints=store) as manager:
        patient = resuming(manager, later, started)
        if code is None:
            await patient.socket.expect("session.started")
        else:
            assert await patient.closed() == code


async def test_a_hanging_store_does_not_withhold_updates(engine: Engine, clock: FakeClock) -> None:
    store = SlowCheckpoints()
    async with SessionManager(engine, LiveLimits(), clock, checkpoints=store) as manager:
        patient = Patient(manager, clock)
        await patient.start(pace="fast")
        store.gate.clear()
        patient.socket.say(noise(2))
        patient.socket.say(noise(2))
        for end_s in (3, 4):
            await patient.updated(end_s * RATE)
            await clock.advance(LiveLimits().port_s)
        store.gate.set()
        await patient.end()


async def test_a_hanging_sink_does_not_withhold_the_result(engine: Engine, clock: FakeClock) -> None:
    sink = FakeSink()
    sink.gate.clear()
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        doctor = Doctor(manager, started["session_id"])
        await doctor.socket.expect("snapshot")
        patient.socket.say({"type": "session.end"})
        await sink.entered.wait()
        await clock.advance(LiveLimits().port_s)
        assert await patient.socket.expect("session.ended") == await doctor.socket.expect("session.ended")


async def test_a_sink_is_not_closed_before_the_last_session_ended(engine: Engine, clock: FakeClock) -> None:
    """A session may outlast the drain: of its last windows, or of a peer that takes nothing."""
    sink = FakeSink()
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        await patient.start()
        sink.gate.clear()
        draining = asyncio.create_task(manager.drain(0.0))
        await sink.entered.wait()
        await clock.advance(5)
        await draining
        assert not sink.closed
        sink.gate.set()
        await patient.done
    assert sink.closed


async def test_a_result_is_collected_by_the_socket_that_got_it_and_not_by_the_one_before(
    manager: SessionManager, clock: FakeClock
) -> None:
    """The older socket is closed only when its peer answers, long after the session went on elsewhere."""
    older = Patient(manager, clock)
    started = await older.start()
    closing, answer = asyncio.Event(), asyncio.Event()

    async def slowly(code: int, reason: str) -> None:
        closing.set()
        await answer.wait()

    older.socket.close = slowly  # type: ignore[method-assign]
    newer = resuming(manager, clock, started)
    await newer.socket.expect("session.started")
    await closing.wait()
    newer.socket.say({"type": "session.end"})
    newer.socket.vanish()
    await newer.done
    answer.set()
    await older.done
    back = resuming(manager, clock, started)
    await back.socket.expect("session.ended")


async def test_a_port_whose_other_end_is_gone_is_one_line_and_a_bug_has_its_traceback(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    calls = PortCalls(clock, LiveLimits())

    async def failing(error: Exception) -> None:
        raise error

    await calls.tell(failing(ConnectionResetError("gone")), "a result could not be handed over")
    await calls.tell(failing(StoreError("The database does not answer.")), "a result could not be handed over")
    assert [one.exc_info for one in caplog.records] == [None, None]
    assert "a result could not be handed over: gone" in caplog.text
    await calls.tell(failing(KeyError("a bug")), "a result could not be handed over")
    assert caplog.records[-1].exc_info is not None
