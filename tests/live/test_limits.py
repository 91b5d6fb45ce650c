"""Every limit of a session is a setting, and holds at its edge and just past it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from server.access.principal import ANYONE, Principal, Role
from server.assessment.engine import Engine
from server.errors import SettingsError
from server.live.elsewhere import Nowhere
from server.live.limits import LiveLimits
from server.live.manager import SessionManager
from server.live.pending import SessionTerms
from server.settings import GRANTED, Settings, live_limits, load_settings
from tests.fakes import FakeClock, FakeTransport, settle
from tests.live.patient import Doctor, Patient, noise, start_message

PATIENT = {"idle_s": 3600.0, "pause_s": 3600.0}


@pytest.fixture
def given(request: pytest.FixtureRequest) -> dict[str, float]:
    values: dict[str, float] = getattr(request, "param", {})
    return values


@pytest.fixture
async def limited(engine: Engine, clock: FakeClock, given: dict[str, float]) -> AsyncIterator[SessionManager]:
    async with SessionManager(engine, live_limits(load_settings(**given)), clock) as manager:
        yield manager


def test_every_limit_that_is_a_setting_has_the_default_of_the_sessions() -> None:
    assert live_limits(Settings()) == LiveLimits()
    assert set(GRANTED) <= set(Settings.model_fields)


@pytest.mark.parametrize("name", GRANTED)
def test_a_setting_reaches_the_sessions(name: str) -> None:
    other = (getattr(LiveLimits(), name) or 0) + 1
    assert getattr(live_limits(load_settings(**{name: other})), name) == other


@pytest.mark.parametrize(
    ("at_the_edge", "past_it", "names"),
    [
        ({"max_session_s": 61.0}, {"max_session_s": 60.0}, ["EXPIRING_S (60)", "MAX_SESSION_S (60)"]),
        ({"expiring_s": 99.0, "max_session_s": 100.0}, {"expiring_s": 100.0, "max_session_s": 100.0}, ["(100)"]),
        ({"idle_s": 900.0}, {"idle_s": 901.0}, ["PAUSE_S (900)", "IDLE_S (901)"]),
        ({"pause_s": 60.0}, {"pause_s": 59.0}, ["PAUSE_S (59)", "IDLE_S (60)"]),
        ({"max_sessions_per_site": 64}, {"max_sessions_per_site": 65}, ["_PER_SITE (65)", "--max-sessions, 64"]),
        ({"max_sessions": 2, "max_sessions_per_site": 2}, {"max_sessions": 1, "max_sessions_per_site": 2}, ["(2)"]),
    ],
)
def test_settings_that_contradict_each_other_are_refused_and_told_together(
    at_the_edge: dict[str, Any], past_it: dict[str, Any], names: list[str]
) -> None:
    load_settings(**at_the_edge)
    with pytest.raises(SettingsError) as raised:
        load_settings(**past_it)
    assert all(name in raised.value.message for name in names)
    assert raised.value.message.startswith("TINGQING_")
    assert raised.value.message.endswith("set one of them")


async def stays_until(clock: FakeClock, patient: Patient, edge_s: float) -> None:
    """Open just before, and closed just after."""
    await clock.advance(edge_s - 0.1)
    await settle()
    assert patient.socket.closed is None
    await clock.advance(0.2)


@pytest.mark.parametrize("given", [{"start_s": 3.0}], indirect=True)
async def test_a_socket_has_so_long_for_its_first_message(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    await settle()
    await stays_until(clock, patient, 3.0)
    assert await patient.closed() == 4408


@pytest.mark.parametrize("given", [{"idle_s": 5.0}], indirect=True)
async def test_a_session_goes_on_so_long_without_audio(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    started = await patient.start()
    assert started["limits"]["idle_timeout_s"] == 5.0
    await settle()
    await stays_until(clock, patient, 5.0)
    assert await patient.closed() == 4408


@pytest.mark.parametrize("given", [{"pause_s": 7.0, "idle_s": 5.0}], indirect=True)
async def test_a_session_may_be_paused_so_long(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    started = await patient.start()
    assert started["limits"]["pause_timeout_s"] == 7.0
    patient.socket.say({"type": "audio.pause"})
    await patient.taken()
    await settle()
    await stays_until(clock, patient, 7.0)
    assert await patient.closed() == 4408


@pytest.mark.parametrize("given", [PATIENT | {"max_session_s": 60.0, "expiring_s": 20.0}], indirect=True)
async def test_a_session_lasts_so_long_and_is_warned_so_long_before(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    started = await patient.start()
    assert started["limits"]["max_session_s"] == 60.0
    await settle()
    await clock.advance(39.9)
    await settle()
    assert "expiring" not in [each["code"] for each in patient.socket.got("warning")]
    await clock.advance(0.2)
    await settle()
    assert "expiring" in [each["code"] for each in patient.socket.got("warning")]
    await stays_until(clock, patient, 19.9)
    await patient.closed()
    assert patient.socket.got("session.ended")[0]["reason"] == "expired"


@pytest.mark.parametrize("given", [PATIENT | {"max_session_s": 60.0, "expiring_s": 20.0}], indirect=True)
async def test_a_session_has_no_more_audio_than_it_may_last(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    await patient.start(pace="fast")
    patient.socket.say({"type": "audio.gap", "samples": 16_000 * 59})
    await patient.taken()
    assert patient.socket.closed is None
    patient.socket.say({"type": "audio.gap", "samples": 16_000})
    await patient.closed()
    assert patient.socket.got("session.ended")[0]["reason"] == "expired"


@pytest.mark.parametrize("given", [{"claim_s": 10.0}], indirect=True)
async def test_an_announced_session_waits_so_long(limited: SessionManager, clock: FakeClock) -> None:
    await limited.announce(ANYONE, SessionTerms())
    await clock.advance(9.9)
    assert limited.counts().pending == 1
    await clock.advance(0.2)
    assert limited.counts().pending == 0


@pytest.mark.parametrize("given", [{"resume_ttl_s": 6.0}], indirect=True)
async def test_a_session_waits_so_long_for_its_patient(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    assert (await patient.start())["limits"]["resume_ttl_s"] == 6.0
    patient.socket.vanish()
    await patient.done
    await clock.advance(5.9)
    assert limited.counts().waiting == 1
    await clock.advance(0.2)
    await settle()
    assert limited.counts().waiting == 0


@pytest.mark.parametrize("given", [{"max_sessions": 1}, {"max_sessions": 2}], indirect=True)
async def test_there_are_so_many_sessions(limited: SessionManager, clock: FakeClock, given: dict[str, float]) -> None:
    for _ in range(int(given["max_sessions"])):
        await Patient(limited, clock).start()
    late = Patient(limited, clock)
    late.socket.say(start_message())
    assert await late.closed() == 4503
    assert late.errors() == ["at_capacity"]


@pytest.mark.parametrize("given", [{"max_sessions_per_site": 2}], indirect=True)
async def test_a_site_has_so_many_sessions_and_the_next_site_as_many(limited: SessionManager, clock: FakeClock) -> None:
    others = Principal("somebody else", Role.INTEGRATOR, "elsewhere")
    ours = [Patient(limited, clock) for _ in range(2)]
    for patient in ours:
        await patient.start()
    late = Patient(limited, clock)
    late.socket.say(start_message())
    assert await late.closed() == 4503
    assert late.errors() == ["at_capacity"]
    for _ in range(2):
        await Patient(limited, clock, principal=others).start()
    await ours[0].end()
    await Patient(limited, clock).start()


@pytest.mark.parametrize("given", [{"max_sessions_per_site": 2}], indirect=True)
async def test_sessions_that_wait_for_their_patient_count_too(limited: SessionManager, clock: FakeClock) -> None:
    tickets = []
    for _ in range(2):
        dropped = Patient(limited, clock)
        started = await dropped.start()
        tickets.append({key: started[key] for key in ("session_id", "resume_token")})
        dropped.socket.vanish()
        await dropped.done
    late = Patient(limited, clock)
    late.socket.say(start_message())
    assert await late.closed() == 4503, "or all of them could come back at once"
    back = Patient(limited, clock)
    await back.start(resume=tickets[0])
    await clock.advance(121)  # nobody came back to the other
    await settle()
    await Patient(limited, clock).start()


class Others(Nowhere):
    """What this process tells the others of its sessions. Fake so that there need be no others."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    @contextmanager
    def tells(self, site: str) -> Iterator[None]:
        self.told[site] += 1
        try:
            yield
        finally:
            self.told[site] -= 1


async def test_other_processes_know_of_a_session_until_its_end_and_count_it_once(
    engine: Engine, clock: FakeClock
) -> None:
    others = Others()
    async with SessionManager(engine, LiveLimits(), clock, elsewhere=others) as manager:
        patient = Patient(manager, clock)
        started = await patient.start()
        assert others.told[ANYONE.site] == 1
        patient.socket.vanish()
        await patient.done
        assert others.told[ANYONE.site] == 1, "its patient may come back"
        back = Patient(manager, clock)
        await back.start(resume={key: started[key] for key in ("session_id", "resume_token")})
        assert others.told[ANYONE.site] == 1
        await back.end()
        assert others.told[ANYONE.site] == 0
        dropped = Patient(manager, clock)
        await dropped.start()
        dropped.socket.vanish()
        await dropped.done
        await clock.advance(121)
        await settle()
        assert others.told[ANYONE.site] == 0, "nobody came back"


@pytest.mark.parametrize("given", [{"max_observers": 2}], indirect=True)
async def test_a_session_has_so_many_observers(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    session_id = (await patient.start())["session_id"]
    for _ in range(2):
        await Doctor(limited, session_id).socket.expect("snapshot")
    assert await Doctor(limited, session_id).closed() == 4503
    await patient.speak(noise(1))
    assert patient.socket.closed is None


@pytest.mark.parametrize("given", [{"send_s": 3.0}], indirect=True)
async def test_a_peer_may_take_so_long_to_read_a_message(limited: SessionManager, clock: FakeClock) -> None:
    patient = Patient(limited, clock)
    await patient.start()
    await settle()
    patient.socket.reads = False
    await patient.speak(noise(2.8))
    assert not patient.done.done()
    await clock.advance(1)
    assert patient.done.done()
    assert limited.counts().waiting == 1


async def test_one_address_begins_so_many_sessions_and_its_patients_may_come_back(
    engine: Engine, clock: FakeClock
) -> None:
    class From(Patient):
        def __init__(self, manager: SessionManager, address: str) -> None:
            self.socket = FakeTransport()
            self.clock = clock
            self.done = asyncio.create_task(manager.run_stream(self.socket, ANYONE, address=address))

    async with SessionManager(engine, LiveLimits(max_sessions_per_address=2), clock) as manager:
        both = [From(manager, "203.0.113.5") for _ in range(2)]
        started = [await one.start() for one in both]
        third = From(manager, "203.0.113.5")
        third.socket.say(start_message())
        assert await third.closed() == 4503
        assert third.errors() == ["at_capacity"]
        for other in (From(manager, "203.0.113.6"), From(manager, "")):
            await other.start()
        again = From(manager, "203.0.113.5")
        resume = {key: started[0][key] for key in ("session_id", "resume_token")}
        assert (await again.start(resume=resume))["session_id"] == resume["session_id"]
        assert await both[0].closed() == 4409
        await both[1].end()
        await From(manager, "203.0.113.5").start()


async def test_a_session_counts_for_its_address_while_it_waits_and_from_before_it_is_noted(
    engine: Engine, clock: FakeClock
) -> None:
    noting, go_on = asyncio.Event(), asyncio.Event()

    async def noted(_session_id: str) -> None:
        noting.set()
        await go_on.wait()

    class From(Patient):
        def __init__(self, manager: SessionManager, address: str, *, slow: bool = False) -> None:
            self.socket = FakeTransport()
            self.clock = clock
            self.done = asyncio.create_task(
                manager.run_stream(self.socket, ANYONE, address=address, noted=noted if slow else None)
            )

        async def refused(self) -> bool:
            self.socket.say(start_message())
            return (await self.closed(), self.errors()) == (4503, ["at_capacity"])

    async with SessionManager(engine, LiveLimits(max_sessions_per_address=1), clock) as manager:
        first = From(manager, "203.0.113.5", slow=True)
        first.socket.say(start_message())
        await noting.wait()
        assert await From(manager, "203.0.113.5").refused(), "one is about to begin"
        go_on.set()
        started = await first.socket.expect("session.started")
        first.socket.vanish()
        await first.done
        assert await From(manager, "203.0.113.5").refused(), "one waits for its patient"
        there = From(manager, "198.51.100.7")
        resume = {key: started[key] for key in ("session_id", "resume_token")}
        assert (await there.start(resume=resume))["session_id"] == resume["session_id"], "a patient changes network"
        assert await From(manager, "203.0.113.5").refused(), "it counts where it began"
        other = From(manager, "198.51.100.7")
        await other.start()
        await there.end()
        await From(manager, "203.0.113.5").start()
        assert await From(manager, "198.51.100.7").refused()
