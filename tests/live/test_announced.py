"""Announced sessions: whose places they take, and what they cost the sessions that go on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from server.access.principal import ANYONE, Principal, Role
from server.access.tokens import Claim
from server.dictionaries import Dictionaries
from server.errors import CapacityError, DrainingError, StoreError
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from tests.fakes import FakeClock, FakeTransport, settle, until
from tests.live.patient import Doctor, Patient, noise, start_message

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


@pytest.mark.parametrize("broken", [True, False], ids=["its line broke", "its line still seems to be there"])
async def test_a_visit_whose_beginning_was_lost_on_the_way_begins_again(
    manager: SessionManager, clock: FakeClock, broken: bool
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms(reference="case 7"))
    lost = Patient(manager, clock, claim=Claim(session_id))
    first = await lost.start()
    doctor = Doctor(manager, session_id)
    await doctor.socket.expect("snapshot")
    if broken:
        lost.socket.vanish()
        await lost.done
        await clock.advance(30)
    patient = Patient(manager, clock, claim=Claim(session_id))
    started = await patient.start()
    assert (started["session_id"], started["next_sample"]) == (session_id, 0)
    if not broken:
        assert await lost.closed() == 4409
    await patient.speak_scored(noise(4))
    await doctor.socket.expect("quality.update")
    thief = Patient(manager, clock)
    resume = {key: first[key] for key in ("session_id", "resume_token")}
    thief.socket.say(start_message(resume=resume))
    assert await thief.closed() == 4404, "the token that was lost on the way opens nothing"
    assert (await patient.end())["result"]["reference"] == "case 7"
    assert clock.pending == 1, "the ended one's alone"


async def test_a_visit_that_begins_anew_takes_the_format_and_capture_of_the_new_start(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms(mode="visit"))
    lost = Patient(manager, clock, claim=Claim(session_id))
    await lost.start(labels="low_background")
    doctor = Doctor(manager, session_id)
    assert (await doctor.socket.expect("snapshot"))["capture"]["noiseSuppression"] is False
    patient = Patient(manager, clock, claim=Claim(session_id))
    audio = {"encoding": "pcm_f32le", "sample_rate": 48_000}
    started = await patient.start(audio=audio, capture={"source": "telephone"})
    assert started["config"]["audio"] == audio
    assert started["config"]["mode"] == "visit", "what was settled holds"
    assert len(started["labels"]) > 1, "what the first start asked for does not"
    await until(lambda: len(doctor.socket.got("snapshot")) == 2)
    assert doctor.socket.got("snapshot")[1]["capture"]["source"] == "telephone"
    assert doctor.socket.closed is None
    ended = await patient.end()
    assert ended["result"]["source"]["sample_rate"] == 48_000
    await doctor.socket.expect("session.ended")


async def test_each_socket_is_noted_once_however_it_gets_in(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    noted: list[list[str]] = [[], [], []]

    def noting(entries: list[str]) -> Callable[[str], Awaitable[None]]:
        async def note(about: str) -> None:
            entries.append(about)

        return note

    sockets = [FakeTransport() for _ in noted]
    tasks = []
    for socket, entries in zip(sockets, noted, strict=True):
        socket.say(start_message())
        running = manager.run_stream(socket, ANYONE, claim=Claim(session_id), noted=noting(entries))
        tasks.append(asyncio.create_task(running))
    await until(lambda: sum(socket.closed is not None for socket in sockets) == 2)
    assert noted == [[session_id]] * 3
    for socket in sockets:
        socket.vanish()
    await asyncio.wait(tasks)


@pytest.mark.parametrize("said", [{"type": "keepalive"}, noise(0.1)], ids=["a message", "audio"])
async def test_a_visit_in_which_something_was_said_is_not_begun_again(
    manager: SessionManager, clock: FakeClock, said: dict[str, str] | bytes
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    patient = Patient(manager, clock, claim=Claim(session_id))
    await patient.start()
    patient.socket.say(said)
    await patient.taken()
    second = Patient(manager, clock, claim=Claim(session_id))
    second.socket.say(start_message())
    assert await second.closed() == 4403
    assert second.errors() == ["token_used"]
    assert patient.socket.closed is None


async def test_who_came_back_with_the_resume_token_is_not_superseded_by_the_link(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    lost = Patient(manager, clock, claim=Claim(session_id))
    started = await lost.start()
    lost.socket.vanish()
    await lost.done
    back = Patient(manager, clock, claim=Claim(session_id))
    await back.start(resume={key: started[key] for key in ("session_id", "resume_token")})
    second = Patient(manager, clock, claim=Claim(session_id))
    second.socket.say(start_message())
    assert await second.closed() == 4403
    assert back.socket.closed is None


async def test_an_expired_link_does_not_begin_again(manager: SessionManager, clock: FakeClock) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    await Patient(manager, clock, claim=Claim(session_id)).start()
    late = Patient(manager, clock, claim=Claim(session_id, live=False))
    late.socket.say(start_message())
    assert await late.closed() == 4410


async def test_two_that_begin_again_at_once_leave_the_session_to_one(manager: SessionManager, clock: FakeClock) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    sockets = [Patient(manager, clock, claim=Claim(session_id)) for _ in range(3)]
    for each in sockets:
        each.socket.say(start_message())
    await until(lambda: sum(each.socket.closed is not None for each in sockets) == 2)
    await settle()
    (left,) = [each for each in sockets if each.socket.closed is None]
    await left.socket.expect("session.started")
    await left.speak_scored(noise(4))
    await left.end()
    assert manager.counts().live == manager.counts().waiting == 0


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=6)])
async def test_silent_sockets_of_one_link_or_site_leave_room_for_the_others(
    manager: SessionManager, clock: FakeClock
) -> None:
    links = [await manager.announce(GREEDY, SessionTerms()) for _ in range(3)]
    silent = [Patient(manager, principal=GREEDY, claim=Claim(links[0])) for _ in range(6)]
    await settle()
    assert [each.socket.closed for each in silent].count((4503, "at_capacity")) == 2, "four at one link"
    silent += [Patient(manager, principal=GREEDY, claim=Claim(link)) for link in links[1:] for _ in range(2)]
    await settle()
    assert manager.counts().starting == 6, "half of the places for one site"
    ours = await manager.announce(ANYONE, SessionTerms())
    await Patient(manager, principal=ANYONE, claim=Claim(ours)).start()
    for each in silent:
        each.socket.vanish()
    await asyncio.wait([each.done for each in silent])
    await Patient(manager, principal=GREEDY, claim=Claim(links[0])).start()
    assert manager.counts().starting == 0


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=8)])
async def test_silent_sockets_of_several_sites_leave_room_for_the_next(
    manager: SessionManager, clock: FakeClock
) -> None:
    greedy = [Principal("a key", Role.INTEGRATOR, f"greedy-{number}") for number in range(3)]
    silent = [Patient(manager, principal=each) for each in greedy for _ in range(16)]
    await settle()
    assert manager.counts().starting == 8 + 4 + 2, "each half of what is free"
    await Patient(manager, clock, principal=Principal("a key", Role.INTEGRATOR, "ward-3")).start()
    for each in silent:
        each.socket.vanish()
    await asyncio.wait([each.done for each in silent])


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=3)])
async def test_sessions_opened_and_dropped_do_not_end_a_visit_that_waits_for_its_patient(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    await patient.speak_scored(noise(4))
    patient.socket.vanish()
    await patient.done
    for _ in range(8):
        dropped = Patient(manager, clock)
        await dropped.start()
        dropped.socket.vanish()
        await dropped.done
    await until(lambda: manager.counts().waiting == 3)
    back = Patient(manager, clock)
    resumed = await back.start(resume={key: started[key] for key in ("session_id", "resume_token")})
    assert resumed["session_id"] == started["session_id"]


async def test_a_socket_that_cannot_be_written_down_is_refused_and_leaves_the_link_unused(
    manager: SessionManager,
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())

    async def noted(about: str) -> None:
        assert about == session_id
        raise StoreError("The database does not answer.", retry_after_s=5.0)

    socket = FakeTransport()
    socket.say(start_message())
    await manager.run_stream(socket, ANYONE, claim=Claim(session_id), noted=noted)
    assert socket.closed == (4503, "store_unavailable")
    await Patient(manager, claim=Claim(session_id)).start()


async def test_the_link_does_not_oust_who_comes_back_while_the_lost_socket_is_closed(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    lost = Patient(manager, clock, claim=Claim(session_id))
    started = await lost.start()
    link, back = Patient(manager, clock, claim=Claim(session_id)), Patient(manager, clock, claim=Claim(session_id))
    back.socket.say(start_message(resume={key: started[key] for key in ("session_id", "resume_token")}))
    link.socket.say(start_message())
    await back.socket.expect("session.started")
    assert await link.closed() == 4403
    assert link.errors() == ["token_used"]
    await settle()
    assert back.socket.closed is None
    await back.end()
