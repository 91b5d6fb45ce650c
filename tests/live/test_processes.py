"""Two processes on one data folder: which of them has a session, and who ends it."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.assessment.engine import Engine
from server.live.checkpoint import VERSION
from server.live.clock import Clock, LoopClock
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.store import sessions as stored
from server.store import sqlite
from server.store.database import Where, open_database
from server.store.processes import ProcessLock
from server.store.sessions import StoredSessions, open_sessions
from server.store.sqlite import FILE
from tests.fakes import until
from tests.live.patient import RATE, Doctor, Patient, noise, start_message
from tests.live.test_checkpoints import close, power_cut, ticket, unbroken
from tests.live.test_principals import STRANGER
from tests.postgres import PostgresServer

PCM = noise(20)


class Dated(LoopClock):
    """A loop's clock on a machine whose date is wrong by ``off``."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off

    def wall_time(self) -> datetime:
        return datetime.now(UTC) + self.off


class Process:
    """A manager with a store of its own on a folder that others use too."""

    def __init__(self, manager: SessionManager, sessions: StoredSessions) -> None:
        self.manager = manager
        self.sessions = sessions

    async def polled(self) -> None:
        """It has looked at what others did."""
        await self.sessions._poll(sweep=True)


@asynccontextmanager
async def process(engine: Engine, where: Where, clock: Clock | None = None, **limits: Any) -> AsyncIterator[Process]:
    granted, clock = LiveLimits(**limits), clock or LoopClock()
    async with (
        open_database(where) as database,
        open_sessions(database, where if isinstance(where, Path) else None, clock, granted) as (
            sessions,
            results,
            announced,
            _lock,
        ),
        SessionManager(engine, granted, clock, sink=results, checkpoints=sessions, announced=announced) as manager,
    ):
        yield Process(manager, sessions)


async def spoken(where: Process, seconds: float) -> tuple[Patient, dict[str, Any]]:
    """A patient whose words so far are judged and kept."""
    patient = Patient(where.manager)
    started = await patient.start(pace="fast")
    await patient.speak_scored(PCM[: round(seconds * RATE) * 2])
    await where.sessions.writer.written(started["session_id"])
    return patient, started


async def spoken_on(where: Process, started: dict[str, Any]) -> dict[str, Any]:
    """The result, after the same patient said the rest to another process."""
    patient = Patient(where.manager)
    again = await patient.start(pace="fast", resume=ticket(started))
    assert ticket(again) == ticket(started)
    for at in range(2 * again["next_sample"], len(PCM), 6400):
        patient.socket.say(PCM[at : at + 6400])
    result: dict[str, Any] = (await patient.end())["result"]
    return result


async def refused(where: Process, started: dict[str, Any]) -> int:
    patient = Patient(where.manager)
    patient.socket.say(start_message(resume=ticket(started)))
    return await patient.closed()


async def given_again(where: Process, started: dict[str, Any]) -> str:
    """Why the session ended, as its patient is told who asks for the result."""
    patient = Patient(where.manager)
    patient.socket.say(start_message(resume=ticket(started)))
    reason: str = (await patient.socket.expect("session.ended"))["reason"]
    assert await patient.closed() == 1000
    return reason


async def expected(engine: Engine) -> dict[str, Any]:
    async with SessionManager(engine) as manager:
        return await unbroken(manager, PCM)


def alike(result: dict[str, Any], whole: dict[str, Any]) -> bool:
    return close(result | {"id": ""}, whole | {"id": ""})


async def test_a_session_goes_to_the_process_to_which_its_patient_comes_though_its_socket_still_seems_open(
    engine: Engine, where: Where
) -> None:
    async with process(engine, where) as first, process(engine, where) as second:
        patient, started = await spoken(first, 13.3)
        doctor = Doctor(first.manager, started["session_id"])
        await doctor.socket.expect("snapshot")
        result = await spoken_on(second, started)
        assert await patient.closed() == 4409
        assert await doctor.closed() == 1012, "the doctor finds it elsewhere"
        assert first.manager.counts().waiting == 0
        assert alike(result, await expected(engine))


async def test_a_session_that_waits_in_one_process_goes_on_in_another(engine: Engine, where: Where) -> None:
    async with process(engine, where) as first, process(engine, where) as second:
        patient, started = await spoken(first, 5)
        patient.socket.vanish()
        await patient.done
        assert alike(await spoken_on(second, started), await expected(engine))
        assert first.manager.counts().waiting == 0
        assert await given_again(first, started) == "client", "that it was sent once does not tell that it arrived"


async def test_a_process_that_stands_still_loses_the_session_and_notices_when_it_wakes(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "HAND_OVER_S", 0.3)
    monkeypatch.setattr(stored, "POLL_S", 600.0)  # asleep: nobody looks whether others ask
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        back = Patient(second.manager)
        again = await back.start(pace="fast", resume=ticket(started))
        assert patient.socket.closed is None
        for at in range(2 * 5 * RATE, 2 * 12 * RATE, 6400):
            patient.socket.say(PCM[at : at + 6400])
        assert await patient.closed() == 4409
        assert first.manager.counts().waiting == 0
        for at in range(2 * again["next_sample"], len(PCM), 6400):
            back.socket.say(PCM[at : at + 6400])
        assert alike((await back.end())["result"], await expected(engine)), "what it wrote late changed nothing"


async def test_a_process_that_woke_too_late_takes_the_session_from_the_store_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "HAND_OVER_S", 0.3)
    monkeypatch.setattr(stored, "POLL_S", 600.0)
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        _, started = await spoken(first, 5)
        back = Patient(second.manager)
        await back.start(pace="fast", resume=ticket(started))
        assert alike(await spoken_on(first, started), await expected(engine))


@pytest.mark.parametrize("noticed", ["by looking", "by its own end"])
async def test_a_process_that_lost_a_session_that_waits_sends_its_doctor_there_and_tells_of_no_end(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noticed: str
) -> None:
    monkeypatch.setattr(stored, "HAND_OVER_S", 0.1)
    monkeypatch.setattr(stored, "POLL_S", 600.0)  # it stands still
    ttl_s = 120.0 if noticed == "by looking" else 6.0
    async with process(engine, tmp_path, resume_ttl_s=ttl_s) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        doctor = Doctor(first.manager, started["session_id"])
        await doctor.socket.expect("snapshot")
        patient.socket.vanish()
        await patient.done
        back = Patient(second.manager)
        await back.start(pace="fast", resume=ticket(started))
        if noticed == "by looking":
            await first.polled()
        assert await doctor.closed() == 1012
        assert doctor.socket.got("session.ended") == []
        assert first.manager.counts().waiting == 0
        assert ended(tmp_path) == []
        elsewhere = Doctor(first.manager, started["session_id"])
        assert await elsewhere.closed() == 4503
        await back.end()
        late = Doctor(first.manager, started["session_id"])
        assert (await late.socket.expect("snapshot"))["ended"]["reason"] == "client"


async def test_an_end_that_another_process_had_taken_is_not_remembered(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "HAND_OVER_S", 0.1)
    monkeypatch.setattr(stored, "POLL_S", 600.0)
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        back = Patient(second.manager)
        await back.start(pace="fast", resume=ticket(started))
        await patient.end()
        doctor = Doctor(first.manager, started["session_id"])
        assert await doctor.closed() == 4503, "it goes on in the second"
        assert alike(await spoken_on(second, started), await expected(engine))


async def test_what_others_ask_of_a_process_that_has_stopped_is_ignored(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        manager = first.manager
    for lost in (True, False):
        manager._registry.give_up("f" * 32, lost=lost)


async def test_a_process_stopped_in_a_transaction_costs_others_a_bounded_wait_and_no_session(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 2000)
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        code = (
            "import os, signal, sqlite3, sys\nheld = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "held.execute('BEGIN IMMEDIATE'); print(flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
        )
        command = [sys.executable, "-c", code, str(tmp_path / FILE)]
        stopped = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            assert stopped.stdout is not None
            await stopped.stdout.readline()
            assert await refused(second, started) == 4503
            await patient.speak_scored(PCM[2 * 5 * RATE : 2 * 8 * RATE], 5)
            await first.sessions.writer.write_now()
            assert not first.manager.counts().lasting
        finally:
            stopped.kill()
            await stopped.wait()
        await first.sessions.writer.write_now()
        await until(lambda: first.manager.counts().lasting)  # once it has looked, too
        assert alike(await spoken_on(second, started), await expected(engine))


@pytest.mark.parametrize("off_h", [1, -1], ids=["an hour ahead", "an hour back"])
async def test_a_session_that_moves_while_the_date_jumps_is_no_older_and_no_younger(
    engine: Engine, tmp_path: Path, off_h: int
) -> None:
    async with process(engine, tmp_path) as first:
        _, started = await spoken(first, 5)
        await first.manager.drain(0.0)
    jumped = Dated(timedelta(hours=off_h))
    async with process(engine, tmp_path, jumped, max_session_s=1200.0) as second:
        back = Patient(second.manager)
        await back.start(pace="fast", resume=ticket(started))
        (connection,) = second.manager._registry.connections
        assert 0 <= jumped.now() - connection.session.started_at < 600
        assert alike(await spoken_on(second, started), await expected(engine))


async def test_a_result_is_there_for_its_time_though_the_date_jumps(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        patient, started = await spoken(first, 5)
        await patient.end()
    async with process(engine, tmp_path, Dated(timedelta(hours=1))) as second:
        for _ in range(2):
            await second.polled()
        assert await given_again(second, started) == "client"


@pytest.mark.parametrize("left", [True, False], ids=["drained", "killed"])
async def test_a_session_that_nobody_has_is_concluded_once_if_its_patient_stays_away(
    engine: Engine, tmp_path: Path, left: bool
) -> None:
    async with (
        process(engine, tmp_path, resume_ttl_s=0.2) as second,
        process(engine, tmp_path, resume_ttl_s=0.2) as third,
    ):
        if left:
            async with process(engine, tmp_path) as first:
                patient, started = await spoken(first, 5)
                draining = asyncio.create_task(first.manager.drain(0.0))
                assert await patient.closed() == 1001
                assert patient.socket.got("session.ended") == []
                await draining
        else:
            async with process(engine, tmp_path) as first:
                patient, started = await spoken(first, 5)
                lock = first.sessions._lock
                assert isinstance(lock, ProcessLock)
                lock.close()
                first.sessions.writer.change = lambda *_: None  # type: ignore[method-assign]
                await power_cut(patient)
                lock.close = lambda: None  # type: ignore[method-assign]
        async with asyncio.timeout(60):
            while not (rows := ended(tmp_path)):
                await asyncio.gather(second.polled(), third.polled())
        assert rows == [started["session_id"]]
        assert running(tmp_path) == []
        await until(lambda: all(one.manager.counts().waiting == 0 for one in (second, third)))
        await until(lambda: collected(tmp_path))
        late = Patient(third.manager)
        late.socket.say(start_message(resume=ticket(started)))
        assert await late.closed() == 4410


async def test_a_session_whose_taking_was_cut_off_is_concluded_all_the_same(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with process(engine, tmp_path, resume_ttl_s=0.2, port_s=0.5) as second:
        async with process(engine, tmp_path) as first:
            _, started = await spoken(first, 5)
            await first.manager.drain(0.0)
        cut = asyncio.Event()

        async def hangs(_session_id: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cut.set()

        with monkeypatch.context() as slow:
            slow.setattr(second.sessions, "get", hangs)
            async with asyncio.timeout(60):
                while not cut.is_set():
                    await second.polled()
        async with asyncio.timeout(60):
            while not (rows := ended(tmp_path)):
                await second.polled()
        assert rows == [started["session_id"]]
        assert running(tmp_path) == []


async def test_a_patient_who_comes_in_time_is_not_too_late(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as second:
        async with process(engine, tmp_path) as first:
            patient, started = await spoken(first, 5)
            await first.manager.drain(0.0)
            assert await patient.closed() == 1001
        for _ in range(3):
            await second.polled()
        assert alike(await spoken_on(second, started), await expected(engine))


async def test_a_result_that_never_arrived_is_given_by_another_process(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        patient.socket.say({"type": "session.end"})
        patient.socket.vanish()
        await patient.done
        await until(lambda: ended(tmp_path) == [started["session_id"]])
        doctor = Doctor(second.manager, started["session_id"])
        assert (await doctor.socket.expect("snapshot"))["ended"]["reason"] == "client"
        for _ in range(2):
            assert await given_again(second, started) == "client"


async def test_a_doctor_who_comes_back_while_the_session_moves_is_asked_to_come_again(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as second:
        async with process(engine, tmp_path) as first:
            patient, started = await spoken(first, 5)
            early = Doctor(second.manager, started["session_id"])
            assert await early.closed() == 4503, "the other process has it"
            draining = asyncio.create_task(first.manager.drain(0.0))
            assert await patient.closed() == 1001
            await draining
        noted: list[str] = []

        async def note(session_id: str) -> None:
            noted.append(session_id)

        doctor = Doctor(second.manager, started["session_id"], noted=note)
        assert await doctor.closed() == 4503
        (error,) = doctor.socket.got("error")
        assert error["error"]["code"] == "session_elsewhere"
        assert (error["error"]["retryable"], error["error"]["retry_after_s"]) == (True, 1.0)
        assert noted == [], "who only waits fills no audit"
        other = Doctor(second.manager, started["session_id"], principal=STRANGER)
        assert await other.closed() == 4404, "another site does not learn that it exists"
        assert alike(await spoken_on(second, started), await expected(engine))
        late = Doctor(second.manager, started["session_id"])
        assert (await late.socket.expect("snapshot"))["ended"]["reason"] == "client"


async def test_a_session_of_another_version_is_not_taken_from_the_process_that_can_go_on_with_it(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        with sqlite3.connect(tmp_path / FILE) as plain:
            ((head,),) = plain.execute("SELECT head FROM running_sessions").fetchall()
            older = json.loads(zlib.decompress(head)) | {"version": VERSION - 1}
            plain.execute("UPDATE running_sessions SET head = ?", (zlib.compress(json.dumps(older).encode()),))
        plain.close()
        assert await refused(second, started) == 4410
        await first.polled()
        assert patient.socket.closed is None
        await patient.end()


async def test_another_sites_or_a_guessed_token_takes_no_session(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        patient, started = await spoken(first, 5)
        assert await refused(second, started | {"resume_token": "guess"}) == 4404
        await first.polled()
        assert patient.socket.closed is None
        await patient.end()


async def test_a_database_that_cannot_be_written_stops_no_session_and_gets_all_when_it_can(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        assert first.manager.counts().lasting
        async with first.sessions._database.writing() as connection:
            pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))  # the disk is full
        patient = Patient(first.manager)
        started = await patient.start(pace="fast")
        await patient.speak_scored(PCM[: 2 * 5 * RATE])
        assert not first.manager.counts().lasting
        async with first.sessions._database.writing() as connection:
            await connection.execute(text("PRAGMA max_page_count=1000000"))
        await first.sessions.writer.write_now()
        assert first.manager.counts().lasting
        assert alike(await spoken_on(second, started), await expected(engine))
        assert len([line for line in caplog.messages if "the database does not answer" in line]) == 1
        assert "the database answers again: sessions are kept" in caplog.messages


async def test_sessions_go_on_while_a_database_server_is_stopped_and_are_kept_once_it_is_back(
    engine: Engine, postgres: PostgresServer
) -> None:
    with postgres.database() as url:
        async with process(engine, url) as first:
            patient, started = await spoken(first, 5)
            await asyncio.to_thread(postgres.stop, "immediate")
            try:
                await patient.speak_scored(PCM[2 * 5 * RATE : 2 * 9 * RATE], 5)
                await until(lambda: not first.manager.counts().lasting)
                stranger = await refused(first, started | {"session_id": "f" * 32})
                assert stranger == 4503, "who comes back to another session is told to try again"
            finally:
                await asyncio.to_thread(postgres.start)
            await patient.speak_scored(PCM[2 * 9 * RATE : 2 * 12 * RATE], 9)
            await until(lambda: first.manager.counts().lasting)
            async with process(engine, url) as second:
                assert alike(await spoken_on(second, started), await expected(engine))
                assert await patient.closed() == 4409


async def test_the_database_holds_no_secret_and_no_sound(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        _, started = await spoken(first, 13)
        await first.polled()
        bytes_kept = b"".join((tmp_path / name).read_bytes() for name in (FILE, f"{FILE}-wal"))
        assert started["session_id"].encode() in bytes_kept
        assert started["resume_token"].encode() not in bytes_kept
        assert all(PCM[at : at + 64] not in bytes_kept for at in range(0, 2 * 13 * RATE, 6400))
        with sqlite3.connect(tmp_path / FILE) as plain:
            sizes = plain.execute("SELECT length(head), length(core) FROM running_sessions").fetchall()
        plain.close()
        assert all(head < 20_000 and core < 64 * 1024 for head, core in sizes)


async def test_a_session_that_ended_leaves_nothing_but_its_end(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path, resume_ttl_s=0.0) as first:
        patient, started = await spoken(first, 5)
        await patient.end()
        await first.polled()
        assert running(tmp_path) == []
        with sqlite3.connect(tmp_path / FILE) as plain:
            assert plain.execute("SELECT count(*) FROM running_rows").fetchone() == (0,)
            assert plain.execute("SELECT id, farewell FROM ended_sessions").fetchall() == [
                (started["session_id"], None)
            ]
        plain.close()


def running(folder: Path) -> list[str]:
    return _ids(folder, "running_sessions")


def collected(folder: Path) -> bool:
    with sqlite3.connect(folder / FILE) as plain:
        found = plain.execute("SELECT collected FROM ended_sessions").fetchall()
    plain.close()
    return found == [(1,)]


def ended(folder: Path) -> list[str]:
    return _ids(folder, "ended_sessions")


def _ids(folder: Path, table: str) -> list[str]:
    with sqlite3.connect(folder / FILE) as plain:
        found = [row[0] for row in plain.execute(f"SELECT id FROM {table}")]
    plain.close()
    return found
