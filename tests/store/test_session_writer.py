"""What the writer of checkpoints does when a state, a batch or its own end goes wrong."""

import asyncio
import json
import logging
import math
import sqlite3
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from server.assessment.window_log import WindowLog
from server.live.checkpoint import SessionCheckpoint
from server.live.clock import LoopClock
from server.live.limits import LiveLimits
from server.store import session_rows, sessions
from server.store.database import open_database
from server.store.postgresql import presence
from server.store.session_writer import Change
from server.store.sessions import StoredSessions, open_sessions
from server.store.sqlite import FILE
from tests.fakes import until
from tests.postgres import PostgresServer


def state(number: float) -> SessionCheckpoint:
    told = {"id": "x", "site": "s", "resume_digest": "d", "number": number}
    return SessionCheckpoint(
        b"core", WindowLog().windows(), told | {"assessment": {"judge": {"history": {"rows": []}}}}
    )


def kept(folder: Path) -> dict[str, float]:
    with sqlite3.connect(folder / FILE) as plain:
        found = plain.execute("SELECT id, head FROM running_sessions").fetchall()
    plain.close()
    return {session_id: json.loads(zlib.decompress(head))["state"]["number"] for session_id, head in found}


async def test_a_state_that_cannot_be_written_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        open_database(tmp_path) as database,
        open_sessions(database, tmp_path, LoopClock(), LiveLimits()) as (store, *_),
    ):
        await store.put("bad", state(0), at_once=True)
        for number in (1, 2):
            await store.put("bad", state(math.nan))
            await store.put("good", state(number))
            await store.writer.write_now()
        assert kept(tmp_path) == {"bad": 0, "good": 2}
        assert store.health.unwritable == 2
        assert store.lasting
        assert len([each for each in caplog.records if each.levelno >= logging.ERROR]) == 1
        await store.put("bad", state(3))
        await store.writer.write_now()
        assert kept(tmp_path) == {"bad": 3, "good": 2}


async def test_a_batch_that_failed_for_an_unknown_reason_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        open_database(tmp_path) as database,
        open_sessions(database, tmp_path, LoopClock(), LiveLimits()) as (store, *_),
    ):
        await store.put("good", state(1), at_once=True)
        with monkeypatch.context() as broken:
            broken.setattr(session_rows, "write", None)
            await store.put("good", state(2))
            await store.writer.write_now()
        assert store.health.failing
        assert len(store.writer) == 1
        await store.writer.write_now()
        assert store.lasting
        assert kept(tmp_path) == {"good": 2}


async def test_what_is_being_written_while_the_server_stops_is_kept(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    async with open_database(tmp_path) as database:
        async with open_sessions(database, tmp_path, LoopClock(), LiveLimits()) as (store, *_):
            await store.put("good", state(1), at_once=True)
            other.execute("BEGIN IMMEDIATE")
            await store.put("good", state(2))
            store.writer._urgent.set()
            await until(lambda: "good" in store.writer._writing)
            asyncio.get_running_loop().call_later(0.3, other.execute, "ROLLBACK")
        other.close()
        assert kept(tmp_path) == {"good": 2}


async def test_a_session_of_which_the_database_holds_more_than_is_known_is_written_anew(tmp_path: Path) -> None:
    rows = [[1], [2], [3]]  # the judge's own, which only grow

    def told(windows: int) -> SessionCheckpoint:
        one = state(windows)
        return replace(one, state=one.state | {"assessment": {"judge": {"history": {"rows": rows[:windows]}}}})

    async with (
        open_database(tmp_path) as database,
        open_sessions(database, tmp_path, LoopClock(), LiveLimits()) as (store, *_),
    ):
        await store.put("good", told(1), at_once=True)
        before = store.writer._written["good"]
        await store.put("good", told(2), at_once=True)
        store.writer._written["good"] = before
        await store.put("good", told(3))
        await store.put("other", state(7))
        await store.writer.write_now()
        assert kept(tmp_path) == {"good": 2}, "the row of the second window is there already"
        await store.writer.write_now()
        assert kept(tmp_path) == {"good": 3, "other": 7}
        assert store.lasting


async def test_what_a_server_lost_while_it_was_away_is_written_anew(postgres: PostgresServer) -> None:
    """A standby that takes the place of a server may lack the last moments."""
    rows = [[1], [2], [3]]  # the judge's own, which only grow

    def told(windows: int) -> SessionCheckpoint:
        one = state(windows)
        return replace(one, state=one.state | {"assessment": {"judge": {"history": {"rows": rows[:windows]}}}})

    with postgres.database() as url:
        async with (
            open_database(url) as database,
            open_sessions(database, None, LoopClock(), LiveLimits()) as (store, *_),
        ):
            await store.put("good", told(1), at_once=True)
            await store.put("good", told(2), at_once=True)
            postgres.execute("ALTER TABLE running_sessions RENAME TO away", url.name)
            await store.put("good", told(3))
            await store.writer.write_now()
            assert not store.lasting
            postgres.execute("ALTER TABLE away RENAME TO running_sessions; DELETE FROM running_rows", url.name)
            await store.put("good", told(3), at_once=True)
            await store.writer.write_now()
            found = await store.get("good")
            assert found is not None
            assert found.state["assessment"]["judge"]["history"]["rows"] == rows


def told(windows: int) -> SessionCheckpoint:
    """After so many windows; of each the judge has a row."""
    one, rows = state(windows), [[number] for number in range(windows)]
    return replace(one, state=one.state | {"assessment": {"judge": {"history": {"rows": rows}}}})


async def windows_of(store: StoredSessions, session_id: str) -> int:
    found = await store.get(session_id)
    assert found is not None
    return len(found.state["assessment"]["judge"]["history"]["rows"])


class Told:
    """A ``Holder`` that notes what it is told."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.ending: set[str] = set()

    def give_up(self, session_id: str) -> None:
        self.gone.append(session_id)

    def lost(self, session_id: str) -> None:
        self.gone.append(session_id)

    def take_in(self, session_id: str) -> None:
        self.ending.add(session_id)


async def test_a_visit_that_the_server_lost_goes_on_and_is_written_anew_and_one_that_ended_elsewhere_does_not(
    postgres: PostgresServer,
) -> None:
    """No write failed meanwhile."""
    with postgres.database() as url:
        async with (
            open_database(url) as database,
            open_sessions(database, None, LoopClock(), LiveLimits()) as (store, *_),
        ):
            holder = Told()
            store.serve(holder)
            for session_id in ("lost", "ended"):
                await store.put(session_id, told(1), at_once=True)
            postgres.execute(
                "DELETE FROM running_sessions; DELETE FROM running_rows; INSERT INTO ended_sessions "
                "(id, site, ended_at, collected) VALUES ('ended', 's', now(), false)",
                url.name,
            )
            await store._poll(sweep=False)
            assert holder.gone == ["ended"]
            assert (await store.holds("lost"), store.writer.has_written("lost")) == (True, True)
            await store.put("lost", told(2), at_once=True)
            assert holder.gone == ["ended"]
            assert await windows_of(store, "lost") == 2


async def test_what_was_ended_elsewhere_is_not_written_again(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        async with (
            open_database(url) as database,
            open_sessions(database, None, LoopClock(), LiveLimits()) as (store, *_),
        ):
            await store.put("ended", told(1), at_once=True)
            postgres.execute(
                "BEGIN; DELETE FROM running_sessions; INSERT INTO ended_sessions "
                "(id, site, ended_at, collected) VALUES ('ended', 's', now(), false); COMMIT",
                url.name,
            )
            store.writer.change("ended", Change(told(2)))
            await store.writer.written("ended")
            assert await store.get("ended") is None


async def test_after_a_new_connection_all_of_a_visit_is_written_though_no_write_failed(
    postgres: PostgresServer,
) -> None:
    """The pool mends a connection without telling; the server behind it may lack rows of the one before."""
    with postgres.database() as url:
        async with (
            open_database(url) as database,
            open_sessions(database, None, LoopClock(), LiveLimits()) as (store, *_),
        ):
            await store.put("good", told(1), at_once=True)
            await store.put("good", told(2), at_once=True)
            postgres.execute("DELETE FROM running_rows", url.name)
            await database._engines.writing.dispose()
            await store.put("good", told(3), at_once=True)
            assert store.lasting, "it is not about a write that failed"
            assert await windows_of(store, "good") == 3


async def test_what_a_machine_has_that_is_cut_off_is_concluded_far_later_than_what_was_let_go(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "GRACE_S", 0.0)
    with postgres.database() as url:
        async with (
            open_database(url) as database,
            open_sessions(database, None, LoopClock(), LiveLimits(resume_ttl_s=0.05)) as (store, *_),
        ):
            holder = Told()
            store.serve(holder)
            for session_id in ("cut off", "let go"):
                await store.put(session_id, told(1), at_once=True)
            store.writer._written.clear()
            postgres.execute("UPDATE running_sessions SET owner = CASE id WHEN 'cut off' THEN 'other' END", url.name)

            async def concluded(*ids: str) -> None:
                async with asyncio.timeout(60):
                    while holder.ending != set(ids):
                        await store._poll(sweep=True)
                        await asyncio.sleep(0.02)

            await concluded("let go")
            await asyncio.sleep(0.1)
            await concluded("let go")
            monkeypatch.setattr(sessions, "UNREACHED_S", 0.1)
            await concluded("cut off", "let go")
