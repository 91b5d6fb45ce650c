"""Announced sessions: whose places they take, and what they cost the sessions that go on."""

import asyncio
import threading

import pytest

from server.access.principal import ANYONE, Principal, Role
from server.access.tokens import Claim
from server.dictionaries import Dictionaries
from server.errors import CapacityError, DrainingError
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from tests.fakes import FakeClock, until
from tests.live.patient import Patient, start_message

GREEDY = Principal("key of another ward", Role.INTEGRATOR, "greedy")


async def begins(manager: SessionManager, session_id: str, principal: Principal) -> str:
    """What its patient is told first."""
    patient = Patient(manager, principal=principal, claim=Claim(session_id))
    patient.socket.say(start_message())
    await until(lambda: bool(patient.socket.messages))
    return str(patient.socket.messages[0]["type"])


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=3)])
async def test_a_site_that_announces_all_it_can_shuts_out_nobody_else(
    manager: SessionManager, clock: FakeClock
) -> None:
    theirs = [await manager.announce(GREEDY, SessionTerms()) for _ in range(3)]
    with pytest.raises(CapacityError):
        await manager.announce(GREEDY, SessionTerms())
    ours = await manager.announce(ANYONE, SessionTerms())
    assert manager.counts().pending == 3
    with pytest.raises(CapacityError):
        await manager.announce(GREEDY, SessionTerms())
    assert await begins(manager, theirs[0], GREEDY) == "error", "its oldest gave way"
    assert await begins(manager, theirs[1], GREEDY) == "session.started"
    assert await begins(manager, ours, ANYONE) == "session.started"


async def test_a_withdrawn_announcement_holds_no_place_and_no_timer(manager: SessionManager, clock: FakeClock) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    manager.withdraw(session_id)
    manager.withdraw(session_id)
    assert manager.counts().pending == clock.pending == 0


async def test_labels_of_an_announcement_are_resolved_beside_the_loop(
    manager: SessionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, threads = Dictionaries.resolve, set()

    def noted(self: Dictionaries, *asked: object) -> object:
        threads.add(threading.get_ident())
        return resolve(self, *asked)  # type: ignore[arg-type]

    monkeypatch.setattr(Dictionaries, "resolve", noted)
    await manager.announce(ANYONE, SessionTerms(labels="cardiology"))
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=2)])
async def test_who_announced_meanwhile_counts(manager: SessionManager) -> None:
    found = await asyncio.gather(*(manager.announce(ANYONE, SessionTerms()) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, CapacityError) for each in found) == 2
    assert manager.counts().pending == 2


async def test_a_server_that_begins_to_stop_meanwhile_keeps_no_announcement(
    manager: SessionManager, clock: FakeClock
) -> None:
    announcing = asyncio.create_task(manager.announce(ANYONE, SessionTerms()))
    await asyncio.sleep(0)
    await manager.drain(0.0)
    with pytest.raises(DrainingError):
        await announcing
    assert manager.counts().pending == clock.pending == 0
