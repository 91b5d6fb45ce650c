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
from server.store import session_rows
from server.store.database import open_database
from server.store.sessions import open_sessions
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
