"""The links of announced sessions outlive the process that made them, and each begins one session."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.access.principal import ANYONE
from server.access.tokens import Claim
from server.assessment.engine import Engine
from server.errors import TokenUsedError
from server.live.admission import Accepted
from server.live.announcements import AnnouncementStore
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from server.live.whereabouts import Whereabouts
from server.store.announcements import KEPT_LONGER
from server.store.sqlite import FILE
from server.wire.client import SessionStart
from tests.fakes import until
from tests.live.patient import Doctor, Patient, noise, start_message
from tests.live.test_principals import STRANGER
from tests.live.test_processes import Dated, Process, process

TERMS = SessionTerms(labels="low_background", reference="case 7", metadata={"bed": 3}, mode="visit")


def opened(where: Process, session_id: str) -> Patient:
    """Somebody opens the link there."""
    patient = Patient(where.manager, claim=Claim(session_id))
    patient.socket.say(start_message())
    return patient


async def refused(where: Process, session_id: str) -> tuple[int, list[str]]:
    patient = opened(where, session_id)
    return await patient.closed(), patient.errors()


async def spoken(where: Process, session_id: str) -> None:
    """Its session has begun, and its patient knows of it: an unheard one may begin again."""
    patient = opened(where, session_id)
    await patient.socket.expect("session.started")
    patient.socket.say(noise(0.1))
    await patient.taken()


USED = (4403, ["token_used"])


async def test_a_link_opens_in_the_next_process_on_its_terms_and_once(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        session_id = await first.manager.announce(ANYONE, TERMS)
    async with process(engine, tmp_path) as second:
        early = Doctor(second.manager, session_id)
        assert await early.closed() == 4503, "the doctor waits for the patient as before"
        assert early.socket.got("error")[0]["error"]["code"] == "session_not_begun"
        assert await Doctor(second.manager, session_id, principal=STRANGER).closed() == 4404
        patient = opened(second, session_id)
        started = await patient.socket.expect("session.started")
        assert started["session_id"] == session_id
        assert started["config"]["mode"] == "visit"
        assert [label["id"] for label in started["labels"]] == ["low_background"]
        await patient.speak_scored(noise(4))
        assert (await patient.end())["result"]["reference"] == "case 7"
        assert await refused(second, session_id) == USED
    async with process(engine, tmp_path) as third:
        assert await refused(third, session_id) == USED


async def test_a_link_that_was_used_before_a_restart_begins_nothing_after_it(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        session_id = await first.manager.announce(ANYONE, TERMS)
        patient = opened(first, session_id)
        await patient.socket.expect("session.started")
        await patient.speak_scored(noise(4))
        await first.manager.drain(0.0)
    async with process(engine, tmp_path) as second:
        assert await refused(second, session_id) == USED
        doctor = Doctor(second.manager, session_id)
        assert await doctor.closed() == 4503
        assert doctor.socket.got("error")[0]["error"]["code"] == "session_elsewhere"


async def test_who_comes_back_to_a_server_that_stops_does_not_make_the_link_unused(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first:
        session_id = await first.manager.announce(ANYONE, TERMS)
        new, begun = await accepted(first, session_id), await accepted(first, session_id)
        assert new is not None
        assert begun is None, "the link was used"
        new.session.came_back = True
        await first.manager._admission.refuse_again(replace(new, redeemed=None))
        async with process(engine, tmp_path) as second:
            assert await accepted(second, session_id) is None
            new.session.came_back = False
            await first.manager._admission.refuse_again(new)
            assert await accepted(second, session_id) is not None


async def accepted(where: Process, session_id: str) -> Accepted | None:
    """What its admission says to who opens the link; nothing more comes of it."""
    start = SessionStart.model_validate(start_message())
    try:
        found = await where.manager._admission.admit(start, ANYONE, Claim(session_id), _noted)
    except TokenUsedError:
        return None
    assert isinstance(found, Accepted)
    return found


async def _noted(_session_id: str) -> None:
    """Nobody asks."""


async def test_of_sockets_that_open_a_link_at_once_in_two_processes_one_begins(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        for _ in range(3):
            session_id = await first.manager.announce(ANYONE, TERMS)
            patients = [opened(where, session_id) for where in (first, second)]
            async with asyncio.timeout(60):
                while any(not patient.socket.messages for patient in patients):  # noqa: ASYNC110 - plain state of two
                    await asyncio.sleep(0)
            first_said = sorted(patient.socket.messages[0]["type"] for patient in patients)
            assert first_said == ["error", "session.started"]
            assert [patient.errors() for patient in patients if patient.errors()] == [["token_used"]]


class Meeting:
    """A store in which links are begun only once ``most`` sockets are there to begin theirs."""

    def __init__(self, store: AnnouncementStore, most: int) -> None:
        self.add, self.find, self.give_back = store.add, store.find, store.give_back
        self._store = store
        self._all_there = asyncio.Barrier(most)

    async def begin(self, session_id: str) -> bool:
        await self._all_there.wait()
        return await self._store.begin(session_id)


@pytest.mark.parametrize("limit", ["max_sessions", "max_sessions_per_site"])
async def test_links_that_are_opened_at_once_for_the_last_place_begin_one_session_and_stay_unused(
    engine: Engine, tmp_path: Path, limit: str
) -> None:
    limits: dict[str, Any] = {limit: 3, "port_s": 60.0}
    async with process(engine, tmp_path, **limits) as first:
        session_ids = [await first.manager.announce(ANYONE, TERMS) for _ in range(3)]
        there = [Patient(first.manager) for _ in range(2)]
        for patient in there:
            await patient.start()
        admission = first.manager._admission
        store = admission._pending._store
        assert store is not None
        admission._pending._store = Meeting(store, len(session_ids))
        patients = [opened(first, session_id) for session_id in session_ids]
        await until(lambda: all(patient.socket.messages for patient in patients))
        assert sorted(patient.socket.messages[0]["type"] for patient in patients) == [
            "error",
            "error",
            "session.started",
        ]
        refused_ones = [patient for patient in patients if patient.socket.messages[0]["type"] == "error"]
        assert [(await patient.closed(), patient.errors()) for patient in refused_ones] == [(4503, ["at_capacity"])] * 2
        assert len(first.manager._registry.connections) == 3
        admission._pending._store = store
        for patient in there:
            await patient.end()
        unused = [each for each, patient in zip(session_ids, patients, strict=True) if patient in refused_ones]
        async with process(engine, tmp_path) as second:
            for where, session_id in zip((first, second), unused, strict=True):
                await opened(where, session_id).socket.expect("session.started")


async def test_only_the_process_in_which_a_link_was_used_says_that_the_session_is_there(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        session_id = await first.manager.announce(ANYONE, TERMS)
        assert await second.manager.known.where(session_id, ANYONE.site) is Whereabouts.UNKNOWN
        assert await first.manager.known.where(session_id, ANYONE.site) is Whereabouts.ANNOUNCED
        await spoken(first, session_id)
        assert await refused(second, session_id) == USED
        assert await second.manager.known.where(session_id, ANYONE.site) is Whereabouts.UNKNOWN
        assert await first.manager.known.where(session_id, ANYONE.site) is Whereabouts.HERE


async def test_a_link_that_moved_to_another_process_is_redeemed_once_and_stays_there_for_what_was_left_of_its_time(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first, process(engine, tmp_path) as second:
        session_id = await first.manager.announce(ANYONE, TERMS)
        moving = first.manager.known.give(session_id, ANYONE.site, "1")
        assert moving is not None
        assert first.manager.known.give(session_id, ANYONE.site, "2") is None
        second.manager.known.bring(session_id, moving)
        await spoken(second, session_id)
        for where in (first, second):
            assert await refused(where, session_id) == USED


async def test_a_link_whose_process_died_before_its_session_was_kept_can_be_opened_again(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as second:
        async with process(engine, tmp_path) as first:
            session_id = await first.manager.announce(ANYONE, TERMS)
            announced = first.manager._admission._pending._store
            assert announced is not None
            assert await announced.begin(session_id)
            assert await refused(second, session_id) == USED, "as long as that process lives"
        await spoken(second, session_id)
        assert await refused(second, session_id) == USED


async def test_a_link_that_cannot_be_written_down_as_used_begins_nothing_and_stays_unused(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first:
        session_id = await first.manager.announce(ANYONE, TERMS)
        async with first.sessions._database.writing() as connection:
            await connection.execute(
                text(
                    "CREATE TEMP TRIGGER no BEFORE UPDATE ON announced_sessions "
                    "BEGIN SELECT raise(ABORT, 'as the test asked'); END"
                )
            )
        assert await refused(first, session_id) == (4503, ["store_unavailable"])
        async with first.sessions._database.writing() as connection:
            await connection.execute(text("DROP TRIGGER no"))
        await opened(first, session_id).socket.expect("session.started")


async def test_a_store_that_fails_costs_an_announcement_only_its_life_after_a_restart(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as first:
        async with first.sessions._database.writing() as connection:
            await connection.execute(
                text(
                    "CREATE TEMP TRIGGER no BEFORE INSERT ON announced_sessions "
                    "BEGIN SELECT raise(ABORT, 'as the test asked'); END"
                )
            )
        session_id = await first.manager.announce(ANYONE, TERMS)
        assert await Doctor(first.manager, session_id).closed() == 4503
        await spoken(first, session_id)
        assert await refused(first, session_id) == USED


async def test_a_link_of_which_the_time_is_over_is_not_revived_by_the_store(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path, claim_s=0.05) as first:
        session_id = await first.manager.announce(ANYONE, TERMS)
        async with asyncio.timeout(60):
            while first.manager.counts().pending:  # noqa: ASYNC110 - a timer has no event
                await asyncio.sleep(0.01)
        assert await refused(first, session_id) == (4404, ["unknown_session"])


@pytest.mark.parametrize("off", [timedelta(hours=1), -timedelta(hours=1)], ids=["an hour ahead", "an hour back"])
async def test_a_date_that_jumps_by_an_hour_forgets_no_link(engine: Engine, tmp_path: Path, off: timedelta) -> None:
    clock = Dated()
    async with process(engine, tmp_path, clock) as first:
        used, unused = [await first.manager.announce(ANYONE, TERMS) for _ in range(2)]
        await opened(first, used).socket.expect("session.started")
        clock.off = off
        await first.manager.announce(ANYONE, TERMS)
    async with process(engine, tmp_path, Dated(off)) as second:
        await second.manager.announce(ANYONE, TERMS)  # the first of a process prunes
        assert await refused(second, used) == USED
        await opened(second, unused).socket.expect("session.started")


async def test_links_are_forgotten_long_after_they_opened_nothing_more(engine: Engine, tmp_path: Path) -> None:
    async with process(engine, tmp_path) as first:
        used = await first.manager.announce(ANYONE, TERMS)
        await (opened(first, used)).end()
    async with process(engine, tmp_path, Dated(KEPT_LONGER + timedelta(hours=1))) as second:
        kept = await second.manager.announce(ANYONE, TERMS)
        assert await refused(second, used) == (4404, ["unknown_session"])
    with sqlite3.connect(tmp_path / FILE) as plain:
        assert plain.execute("SELECT id FROM announced_sessions").fetchall() == [(kept,)]
    plain.close()


async def test_a_link_whose_giving_was_not_heard_is_given_again_to_the_same_asker_alone(
    engine: Engine, tmp_path: Path
) -> None:
    async with process(engine, tmp_path) as one:
        await _given_again(one.manager)


async def _given_again(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, TERMS)
    given = manager.known.give(session_id, ANYONE.site, "1")
    assert given is not None
    assert manager.known.give(session_id, ANYONE.site, "2") is None
    assert manager.known.give(session_id, "elsewhere", "1") is None
    assert manager.known.give(session_id, ANYONE.site, "1") == given
    manager.known.bring(session_id, given)  # it came back: whoever asks first gets it
    assert manager.known.give(session_id, ANYONE.site, "2") is not None
    assert manager.known.give(session_id, ANYONE.site, "1") is None
