"""How the two sides of a call are brought together, and who is not."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from server.access.ice import IceServers
from server.errors import SettingsError
from server.live import calls as module
from server.live.calls import MAX_SIGNAL_BYTES, ROOM, SIGNALS, Calls, Comer
from server.live.limits import LiveLimits
from server.settings import load_settings
from tests.fakes import FakeClock, FakeTransport, settle

SITE, SESSION = "ward-3", "5b0c" * 8
OFFER = {"description": {"type": "offer", "sdp": "v=0"}}


class Side:
    """One socket whose ``call.join`` came."""

    def __init__(self, calls: Calls, role: Any, *, site: str = SITE, session_id: str = SESSION, **more: Any) -> None:
        self.socket = FakeTransport()
        comer = Comer(site, session_id, role, **({"seat": "a seat"} | more if role == "patient" else more))
        self.done = asyncio.create_task(calls.run(self.socket, comer))

    async def joined(self) -> dict[str, Any]:
        return await self.socket.expect("call.joined")

    def signal(self, meeting: int, signal: Any = OFFER) -> None:
        self.socket.say({"type": "call.signal", "meeting": meeting, "signal": signal})

    async def closed(self) -> tuple[int, str]:
        await asyncio.wait_for(self.done, 20)
        assert self.socket.closed is not None
        return self.socket.closed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def calls(clock: FakeClock) -> Calls:
    return Calls(LiveLimits(), IceServers(), clock)


async def test_each_side_hears_of_the_other_and_what_it_says(calls: Calls) -> None:
    patient = Side(calls, "patient")
    joined = await patient.joined()
    assert (joined["role"], joined["present"], joined["seat"]) == ("patient", False, "a seat")
    doctor = Side(calls, "doctor")
    joined = await doctor.joined()
    assert (joined["role"], joined["present"], joined["seat"]) == ("doctor", True, "")
    came = await patient.socket.expect("call.peer")
    assert (came["present"], came["meeting"]) == (True, joined["meeting"])
    doctor.signal(came["meeting"])
    assert (await patient.socket.expect("call.signal"))["signal"] == OFFER
    patient.signal(came["meeting"], {"candidate": {"candidate": "candidate:1"}})
    assert (await doctor.socket.expect("call.signal"))["signal"] == {"candidate": {"candidate": "candidate:1"}}
    assert doctor.socket.got("call.signal") == [
        {"type": "call.signal", "meeting": came["meeting"], "signal": {"candidate": {"candidate": "candidate:1"}}}
    ], "nobody hears himself"


async def test_who_hangs_up_is_told_apart_from_who_lost_the_line(calls: Calls) -> None:
    patient, doctor = Side(calls, "patient"), Side(calls, "doctor")
    await patient.joined()
    await patient.socket.expect("call.peer")
    doctor.socket.vanish()
    gone = await patient.socket.expect("call.peer", 2)
    assert (gone["present"], gone["left"]) == (False, False)
    again = Side(calls, "doctor")
    await again.joined()
    again.socket.say({"type": "call.leave"})
    assert await again.closed() == (1000, "left")
    gone = await patient.socket.expect("call.peer", 4)
    assert (gone["present"], gone["left"]) == (False, True)


async def test_what_was_said_to_a_side_that_has_gone_reaches_nobody(calls: Calls) -> None:
    patient, doctor = Side(calls, "patient"), Side(calls, "doctor")
    await patient.joined()
    before = (await patient.socket.expect("call.peer"))["meeting"]
    again = Side(calls, "doctor")
    after = (await again.joined())["meeting"]
    assert await doctor.closed() == (4409, "session_superseded")
    patient.signal(before)
    patient.signal(after, {"candidate": None})
    await again.socket.expect("call.signal")
    assert [one["meeting"] for one in again.socket.got("call.signal")] == [after]


async def test_a_patients_link_works_once_and_its_seat_again(calls: Calls) -> None:
    patient = Side(calls, "patient")
    await patient.joined()
    stranger = Side(calls, "patient")
    assert await stranger.closed() == (4403, "token_used")
    patient.socket.vanish()
    await patient.done
    assert await Side(calls, "patient").closed() == (4403, "token_used"), "nor when the seat is empty"
    returned = Side(calls, "patient", returns=True, live=False)
    assert (await returned.joined())["role"] == "patient"


async def test_a_link_whose_time_is_over_begins_nothing(calls: Calls) -> None:
    assert await Side(calls, "patient", live=False).closed() == (4410, "token_expired")


async def test_calls_of_other_sessions_and_sites_never_meet(calls: Calls) -> None:
    patient = Side(calls, "patient")
    await patient.joined()
    for other in (Side(calls, "doctor", site="elsewhere"), Side(calls, "doctor", session_id="0" * 32)):
        assert not (await other.joined())["present"]
    assert patient.socket.got("call.peer") == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", "malformed_message"),
        ({"type": "call.signal", "meeting": 0}, "malformed_message"),
        ({"type": "session.start"}, "malformed_message"),
        ({"type": "call.join"}, "unexpected_message"),
        (b"\0\0", "unexpected_message"),
    ],
)
async def test_nonsense_is_told_and_the_fifth_ends_the_socket(calls: Calls, said: Any, code: str) -> None:
    doctor = Side(calls, "doctor")
    await doctor.joined()
    for _ in range(4):
        doctor.socket.say(said)
    assert (await doctor.socket.expect("error"))["error"]["code"] == code
    assert not doctor.done.done()
    doctor.socket.say(said)
    assert (await doctor.closed())[0] == 4400


async def test_a_message_that_is_too_large_ends_the_socket(calls: Calls) -> None:
    doctor = Side(calls, "doctor")
    await doctor.joined()
    doctor.signal(1, {"description": "v" * MAX_SIGNAL_BYTES})
    assert (await doctor.closed())[0] == 1009


async def test_who_sends_without_end_is_closed_and_the_other_side_stays(calls: Calls) -> None:
    patient, doctor = Side(calls, "patient"), Side(calls, "doctor")
    await patient.joined()
    meeting = (await patient.socket.expect("call.peer"))["meeting"]
    for _ in range(SIGNALS + 1):
        doctor.signal(meeting)
        await settle()
    assert (await doctor.closed())[0] == 4400
    assert not patient.done.done()


async def test_who_reads_nothing_is_dropped_and_holds_no_more_than_the_room(calls: Calls, clock: FakeClock) -> None:
    patient, doctor = Side(calls, "patient"), Side(calls, "doctor")
    await patient.joined()
    meeting = (await patient.socket.expect("call.peer"))["meeting"]
    patient.socket.reads = False
    for _ in range(ROOM + 3):
        doctor.signal(meeting)
        await settle()
    await clock.advance(calls.limits.send_s + 1)
    assert (await doctor.socket.expect("call.peer"))["present"] is False
    await asyncio.wait_for(patient.done, 20)


async def test_who_says_nothing_for_a_minute_is_closed_and_a_keepalive_is_enough(
    calls: Calls, clock: FakeClock
) -> None:
    doctor = Side(calls, "doctor")
    await doctor.joined()
    await clock.advance(59)
    doctor.socket.say({"type": "keepalive"})
    await settle()
    await clock.advance(59)
    assert not doctor.done.done()
    await clock.advance(2)
    assert await doctor.closed() == (4408, "idle_timeout")


async def test_of_too_many_calls_the_oldest_empty_one_is_forgotten_and_none_that_goes_on(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROOMS", 2)
    goes_on = Side(calls, "doctor", session_id="1" * 32)
    await goes_on.joined()
    empty = Side(calls, "doctor", session_id="2" * 32)
    await empty.joined()
    assert await Side(calls, "doctor", session_id="3" * 32).closed() == (4503, "at_capacity")
    empty.socket.vanish()
    await empty.done
    assert (await Side(calls, "doctor", session_id="3" * 32).joined())["role"] == "doctor"
    assert not goes_on.done.done()


def test_a_relays_credential_is_for_one_call_and_ends_by_itself() -> None:
    settings = load_settings(ice_servers="stun:a.example:3478, turn:b.example:3478?transport=udp", turn_secret="secret")
    stun, turn = IceServers.of(settings).for_call(SESSION, datetime.fromtimestamp(1000, UTC))
    assert stun == {"urls": ["stun:a.example:3478"]}
    # echo -n 22600:5b0c5b0c | openssl dgst -sha1 -hmac secret -binary | base64
    assert turn == {
        "urls": ["turn:b.example:3478?transport=udp"], "username": "22600:5b0c5b0c",
        "credential": "YF2MgQ9WJCEDzO0XSp/t6HyxkHs=",  # pragma: allowlist secret
    }  # fmt: skip


def test_a_relay_without_a_secret_is_named_to_nobody() -> None:
    assert IceServers.of(load_settings(ice_servers="turn:b.example")).for_call(SESSION, datetime.now(UTC)) == []


@pytest.mark.parametrize("wrong", ["https://a.example", "stun:", "turn:a b", "stun:a?x=1"])
def test_what_is_no_ice_server_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(SettingsError, match="stun:name:3478"):
        load_settings(ice_servers=[wrong])
