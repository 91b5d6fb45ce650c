"""How a session ends: what a sink gets, what it keeps, and for how long."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from server.assessment.engine import Engine
from server.assessment.result import Result
from server.live import concluding
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.outcome import Farewell, Outcome, RecentResults, Remembered, ResultSink
from server.live.session import Session
from server.rendering.long_results import RenderedEnd
from server.wire.server import Snapshot
from tests.fakes import FakeClock, FakeSink
from tests.live.patient import RATE, Doctor, Patient, noise

KEEP_S, MAX_BYTES = 120.0, 1000


class MakeSink(Protocol):
    def __call__(self, clock: FakeClock, keep_s: float, max_bytes: int) -> ResultSink: ...


SINKS: dict[str, MakeSink] = {"in this process": RecentResults}
"""Every implementation of the port passes the tests that ask for ``sink``."""


@pytest.fixture(params=list(SINKS))
def sink(request: pytest.FixtureRequest, clock: FakeClock) -> ResultSink:
    return SINKS[request.param](clock, KEEP_S, MAX_BYTES)


def outcome(session_id: str, *, size: int = 100, site: str = "local") -> Outcome:
    farewell = Farewell("e" * (size - 10), "s" * 10, "token")
    return Outcome(session_id, site, "case 7", "client", datetime.fromtimestamp(0, UTC), None, farewell)


def without_result(session_id: str) -> Outcome:
    return Outcome(session_id, "local", None, "expired", datetime.fromtimestamp(0, UTC), None, None)


async def there(sink: ResultSink, *session_ids: str) -> list[str]:
    """Those whose farewell is still there."""
    found = [await sink.find(session_id, "local") for session_id in session_ids]
    return [one.session_id for one in found if one is not None and one.farewell is not None]


async def test_an_ended_session_is_found_until_its_time_is_over(sink: ResultSink, clock: FakeClock) -> None:
    await sink.ended(outcome("a"))
    assert await sink.find("a", "local") == Remembered("a", outcome("a").farewell, collected=False)
    await sink.collected("a")
    await sink.collected("unknown")
    assert await sink.find("a", "local") == Remembered("a", outcome("a").farewell, collected=True)
    await clock.advance(KEEP_S + 1)
    forgotten = await sink.find("a", "local")
    assert forgotten is not None, "remembered as expired when all else is forgotten"
    assert forgotten.farewell is None
    assert await sink.find("b", "local") is None
    await sink.close()


async def test_a_session_is_unknown_to_another_site(sink: ResultSink, clock: FakeClock) -> None:
    await sink.ended(outcome("a", site="elsewhere"))
    assert await sink.find("a", "local") is None
    assert await sink.find("a", "elsewhere") is not None
    await clock.advance(KEEP_S + 1)
    assert await sink.find("a", "local") is None
    assert await sink.find("a", "elsewhere") is not None
    await sink.close()


async def test_results_are_bounded_by_their_bytes_and_the_oldest_goes(sink: ResultSink) -> None:
    for name in ("a", "b", "c", "d"):
        await sink.ended(outcome(name, size=300))
    assert await there(sink, "a", "b", "c", "d") == ["b", "c", "d"]
    await sink.ended(outcome("e", size=5000))
    assert await there(sink, "b", "c", "d", "e") == ["e"], "the last one stays, however large"
    await sink.ended(outcome("f", size=1000))
    assert await there(sink, "e", "f") == ["f"]
    await sink.ended(outcome("听", size=10))
    await sink.close()


async def test_bytes_are_counted_as_they_are_sent() -> None:
    assert Farewell("听诊", "{}", "token").size == 8


async def test_a_second_outcome_replaces_the_first(sink: ResultSink) -> None:
    for size in (500, 400, 300, 200):
        await sink.ended(outcome("a", size=size))
    await sink.ended(outcome("b", size=700))
    assert await there(sink, "a", "b") == ["a", "b"], "only 900 bytes are there"
    await sink.close()


async def test_a_session_without_a_result_is_remembered_as_ended(sink: ResultSink) -> None:
    await sink.ended(without_result("a"))
    assert await sink.find("a", "local") == Remembered("a", None, collected=True)
    await sink.close()


async def test_a_closed_sink_leaves_no_timer(sink: ResultSink, clock: FakeClock) -> None:
    await sink.ended(outcome("a"))
    await sink.close()
    assert clock.pending == 0


Break = Callable[[Patient], None]


def ends(patient: Patient) -> None:
    patient.socket.say({"type": "session.end"})


def vanishes(patient: Patient) -> None:
    patient.socket.vanish()


@pytest.mark.parametrize(("leave", "reason"), [(ends, "client"), (vanishes, "expired")])
async def test_a_sink_is_told_once_how_a_session_ended(
    engine: Engine, clock: FakeClock, leave: Break, reason: str
) -> None:
    sink = FakeSink()
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        started = await patient.start(reference="case 7")
        await patient.speak_scored(noise(4))
        leave(patient)
        await patient.done
        await clock.advance(125)
        (told,) = sink.outcomes
    assert (told.session_id, told.site, told.reference, told.reason) == (
        started["session_id"],
        "local",
        "case 7",
        reason,
    )
    assert isinstance(told.result, Result)
    assert [window.end_sample for window in told.result.windows] == [3 * RATE, 4 * RATE]
    assert told.at.tzinfo is UTC
    assert sink.closed


async def test_a_failing_sink_does_not_withhold_the_result(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = FakeSink()
    sink.fail = True
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        doctor = Doctor(manager, (await patient.start())["session_id"])
        await doctor.socket.expect("snapshot")
        ended = await patient.end()
        assert await doctor.socket.expect("session.ended") == ended
        assert await doctor.closed() == 1000
        assert manager.counts().live == 0
    assert "a result could not be handed over" in caplog.text


async def test_a_session_can_be_found_while_a_slow_sink_takes_its_outcome(engine: Engine, clock: FakeClock) -> None:
    sink = FakeSink()
    sink.gate.clear()
    async with SessionManager(engine, LiveLimits(), clock, sink=sink) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        patient.socket.say({"type": "session.end"})
        await sink.entered.wait()
        doctor = Doctor(manager, started["session_id"])
        assert (await doctor.socket.expect("snapshot"))["state"] == "live"
        sink.gate.set()
        ended = await patient.socket.expect("session.ended")
        assert await doctor.socket.expect("session.ended") == ended
        await patient.done


async def test_the_snapshot_of_an_ended_session_is_of_the_protocol(manager: SessionManager, clock: FakeClock) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    await patient.speak_scored(noise(4))
    ended = await patient.end()
    doctor = Doctor(manager, started["session_id"])
    snapshot = Snapshot.model_validate(await doctor.socket.expect("snapshot"))
    assert snapshot.ended is not None
    assert snapshot.ended.model_dump(mode="json") == ended
    assert snapshot.update is not None


@pytest.mark.parametrize("limits", [LiveLimits(max_ended_bytes=1)])
async def test_only_the_last_ended_session_is_kept_where_there_is_no_room(
    manager: SessionManager, clock: FakeClock
) -> None:
    ids = []
    for _ in range(2):
        patient = Patient(manager, clock)
        ids.append((await patient.start())["session_id"])
        await patient.end()
    assert await Doctor(manager, ids[0]).closed() == 4410
    assert await Doctor(manager, ids[1]).closed() == 1000


async def test_a_long_result_is_built_on_a_thread_and_written_once(
    manager: SessionManager, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []
    real = concluding._ended

    def noted(*given: Any) -> tuple[Result, RenderedEnd]:
        built.append(threading.get_ident())
        return real(*given)

    monkeypatch.setattr(concluding, "_ended", noted)
    monkeypatch.setattr(Session, "long", property(lambda _: True))
    patient = Patient(manager, clock)
    started = await patient.start()
    await patient.speak_scored(noise(4))
    await patient.end()
    for _ in range(3):
        late = Doctor(manager, started["session_id"])
        assert (await late.socket.expect("snapshot"))["ended"]["type"] == "session.ended"
    assert len(built) == 1, "observers get what was written"
    assert built[0] != threading.get_ident()
