"""Whose sessions a socket may see, and sessions that are announced before a socket comes."""

import pytest

from server.access.principal import ANYONE, LOCAL_SITE, Principal, Role
from server.access.tokens import Claim
from server.errors import CapacityError, DrainingError, LabelQueryError, TokenUsedError, UnknownSessionError
from server.live.checkpointing import checkpoint_of, restore_session
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import PendingSessions, SessionTerms
from tests.fakes import FakeClock
from tests.live.patient import RATE, Doctor, Patient, noise, start_message

STRANGER = Principal("somebody else", Role.ANYONE, "elsewhere")


async def test_a_foreign_sites_session_is_unknown_while_it_goes_on_and_after(
    manager: SessionManager, clock: FakeClock
) -> None:
    patient = Patient(manager, clock)
    started = await patient.start()
    session_id = started["session_id"]
    assert await Doctor(manager, session_id, principal=STRANGER).closed() == 4404
    thief = Patient(manager, principal=STRANGER)
    resume = {key: started[key] for key in ("session_id", "resume_token")}
    thief.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": resume})
    assert await thief.closed() == 4404
    assert patient.socket.closed is None
    await patient.end()
    assert await Doctor(manager, session_id, principal=STRANGER).closed() == 4404
    assert await Doctor(manager, session_id).closed() == 1000


async def test_an_announced_session_is_claimed_by_a_socket_on_its_terms(
    manager: SessionManager, clock: FakeClock
) -> None:
    terms = SessionTerms(labels="low_background", language="en", reference="case 7", metadata={"bed": 3}, mode="visit")
    session_id = await manager.announce(ANYONE, terms)
    assert manager.counts().pending == 1
    patient = Patient(manager, clock, claim=Claim(session_id))
    started = await patient.start(labels="close_enough", reference="another", language="zh-CN")
    assert started["session_id"] == session_id
    assert [label["id"] for label in started["labels"]] == ["low_background"]
    assert started["config"]["language"] == "en"
    assert started["config"]["mode"] == "visit"
    assert manager.counts().pending == 0
    await patient.speak_scored(noise(4))
    result = (await patient.end())["result"]
    assert (result["reference"], result["metadata"]) == ("case 7", {"bed": 3})
    assert clock.pending == 1, "the ended one's alone"


async def test_session_start_decides_what_the_terms_leave_open(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    started = await Patient(manager, claim=Claim(session_id)).start(labels="close_enough", language="en", mode="visit")
    assert started["config"]["mode"] == "visit"
    assert [label["id"] for label in started["labels"]] == ["close_enough"]
    assert started["config"]["language"] == "en"


async def test_an_announced_session_is_claimed_once_by_its_site_and_in_time(
    manager: SessionManager, clock: FakeClock
) -> None:
    def come(session_id: str, principal: Principal = ANYONE) -> Patient:
        patient = Patient(manager, clock, principal=principal, claim=Claim(session_id))
        patient.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}})
        return patient

    claimed, late = [await manager.announce(ANYONE, SessionTerms()) for _ in range(2)]
    assert await come(claimed, STRANGER).closed() == 4404
    first = come(claimed)
    await first.socket.expect("session.started")
    first.socket.say({"type": "keepalive"})
    await first.taken()
    again = come(claimed)
    assert await again.closed() == 4403, "a claim is not a way into a session that goes on"
    assert again.errors() == ["token_used"]
    assert first.socket.closed is None
    await clock.advance(901)
    assert await come(late).closed() == 4404
    assert manager.counts().pending == 0


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=2)])
async def test_announced_sessions_are_bounded_and_checked(manager: SessionManager, clock: FakeClock) -> None:
    with pytest.raises(LabelQueryError):
        await manager.announce(ANYONE, SessionTerms(labels=""))
    for _ in range(2):
        await manager.announce(ANYONE, SessionTerms())
    with pytest.raises(CapacityError):
        await manager.announce(ANYONE, SessionTerms())
    await manager.drain(0.0)
    with pytest.raises(DrainingError):
        await manager.announce(ANYONE, SessionTerms())
    assert clock.pending == 0


async def test_a_session_keeps_its_site_for_whoever_records_it(manager: SessionManager) -> None:
    there = Patient(manager, principal=STRANGER)
    session_id = (await there.start())["session_id"]
    doctor = Doctor(manager, session_id, principal=STRANGER)
    await doctor.socket.expect("snapshot")
    assert ANYONE.site == LOCAL_SITE != STRANGER.site
    await there.end()


async def test_a_start_that_cannot_work_leaves_the_announced_session_to_the_next_one(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    wrong = Patient(manager, claim=Claim(session_id))
    wrong.socket.say(start_message(labels=","))
    assert await wrong.closed() == 4400
    assert (await Patient(manager, claim=Claim(session_id)).start())["session_id"] == session_id


async def test_a_token_resumes_its_own_session_even_when_expired_and_no_other(
    manager: SessionManager, clock: FakeClock
) -> None:
    mine, other = [await manager.announce(ANYONE, SessionTerms()) for _ in range(2)]
    started = {each: await Patient(manager, clock, claim=Claim(each)).start() for each in (mine, other)}

    def resuming(claim: Claim, session_id: str) -> Patient:
        patient = Patient(manager, clock, claim=claim)
        resume = {key: started[session_id][key] for key in ("session_id", "resume_token")}
        patient.socket.say({"type": "session.start", "audio": {"sample_rate": RATE}, "resume": resume})
        return patient

    thief = resuming(Claim(mine), other)
    assert await thief.closed() == 4403
    assert thief.errors() == ["foreign_token"]
    back = await resuming(Claim(mine, live=False), mine).socket.expect("session.started")
    assert back["session_id"] == mine


async def test_an_expired_token_begins_nothing_and_leaves_its_session_unclaimed(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    late = Patient(manager, claim=Claim(session_id, live=False))
    late.socket.say(start_message())
    assert await late.closed() == 4410
    assert late.errors() == ["token_expired"]
    assert manager.counts().pending == 1


async def test_a_doctor_who_comes_before_the_patient_is_asked_to_come_again(manager: SessionManager) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms())
    early = Doctor(manager, session_id)
    assert await early.closed() == 4503
    (error,) = early.socket.got("error")
    assert error["error"]["code"] == "session_not_begun"
    assert error["error"]["retry_after_s"] == 2
    assert await Doctor(manager, session_id, principal=STRANGER).closed() == 4404
    await Patient(manager, claim=Claim(session_id)).start()
    doctor = Doctor(manager, session_id)
    await doctor.socket.expect("snapshot")


async def test_claimed_sessions_are_remembered_within_bounds(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.live.pending.MAX_CLAIMED", 2)
    pending = PendingSessions(clock, 900, 64)
    ids = [pending.announce("here", SessionTerms()) for _ in range(3)]
    for session_id in ids:
        pending.claim(session_id)
    with pytest.raises(UnknownSessionError):
        pending.terms(ids[0], "here")
    for session_id in ids[1:]:
        with pytest.raises(TokenUsedError):
            pending.terms(session_id, "here")
        with pytest.raises(UnknownSessionError):
            pending.terms(session_id, "elsewhere")


@pytest.mark.parametrize("limits", [LiveLimits(max_sessions=3)])
async def test_a_site_that_opens_and_drops_sessions_ends_its_own_and_nobody_elses(
    manager: SessionManager, clock: FakeClock
) -> None:
    waits = Patient(manager, clock)
    started = await waits.start()
    waits.socket.vanish()
    await waits.done
    for _ in range(6):
        churned = Patient(manager, clock, principal=STRANGER)
        await churned.start()
        churned.socket.vanish()
        await churned.done
        await clock.advance(1)
    assert manager.counts().waiting == 3
    back = Patient(manager, clock)
    back.socket.say(start_message(resume={key: started[key] for key in ("session_id", "resume_token")}))
    assert (await back.socket.expect("session.started"))["session_id"] == started["session_id"]


async def test_a_list_reads_nothing_of_the_sessions_of_others(manager: SessionManager, clock: FakeClock) -> None:
    """So it takes no longer, and says nothing else, whatever goes on at another site."""
    session_id = await manager.announce(STRANGER, SessionTerms(reference="case 7"))
    there = Patient(manager, clock, principal=STRANGER, claim=Claim(session_id))
    await there.start()
    (session,) = manager.listing._registry.of_site(STRANGER.site)
    prompts = session.__dict__.pop("prompts")
    assert manager.listing.of(ANYONE.site) == []
    with pytest.raises(AttributeError):
        manager.listing.of(STRANGER.site)
    session.prompts = prompts
    (row,) = manager.listing.of(STRANGER.site)
    assert (row.id, row.reference, row.state) == (session_id, "case 7", "live")


async def test_what_a_session_tries_again_survives_a_move_to_another_process(
    manager: SessionManager, clock: FakeClock
) -> None:
    session_id = await manager.announce(ANYONE, SessionTerms(attempt_of="a" * 32))
    await Patient(manager, clock, claim=Claim(session_id)).start()
    (session,) = manager.listing._registry.of_site(ANYONE.site)
    await clock.advance(5)
    again = restore_session(checkpoint_of(session), session.engine, session.limits, clock)
    assert again.terms.attempt_of == "a" * 32
    assert again.began == session.began
