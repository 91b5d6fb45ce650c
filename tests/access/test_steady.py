"""A date of the machine that jumps makes no token and no cookie last longer or shorter."""

from datetime import timedelta

import pytest

from server.access.audit import MemoryAudit
from server.access.gate import Gate
from server.access.keys import MemoryKeys, create_key
from server.access.principal import Role
from server.access.steady import SteadyDate
from server.access.tokens import LEEWAY, Scope
from server.errors import UnauthorizedError
from tests.access.conftest import WallClock

LASTS = timedelta(minutes=15)
JUMPS = pytest.mark.parametrize("hours", [1, -1], ids=["an hour ahead", "an hour back"])


class Running:
    """A machine of which the date and the time since its start are turned apart."""

    def __init__(self, date: WallClock) -> None:
        self.date = date
        self.since = 1000.0

    def passes(self, time: timedelta) -> None:
        self.since += time.total_seconds()
        self.date.advance(seconds=time.total_seconds())

    def gate(self, keys: MemoryKeys) -> Gate:
        passing = SteadyDate(self.date, lambda: self.since)
        return Gate(keys, MemoryAudit(), self.date, monotonic=lambda: self.since, passing=passing)


@JUMPS
async def test_a_token_is_live_for_its_time_and_no_longer(now: WallClock, hours: int) -> None:
    machine = Running(now)
    gate = machine.gate(MemoryKeys())
    token = await gate.tokens.issue(Scope.PUBLISH, "f" * 32, "ward-3", LASTS, key_id=None)
    now.advance(hours=hours)
    assert (await gate.tokens.read(token)).live
    machine.passes(LASTS - timedelta(seconds=1))
    assert (await gate.tokens.read(token)).live
    machine.passes(LEEWAY + timedelta(seconds=2))
    assert not (await gate.tokens.read(token)).live


@JUMPS
async def test_a_sign_in_lasts_for_its_time_and_no_longer(now: WallClock, hours: int) -> None:
    machine, keys = Running(now), MemoryKeys()
    gate = machine.gate(keys)
    _, key = await create_key(keys, "ward-3", Role.VIEWER, now())
    cookie = await gate.sign_ins.issue(key.principal)
    now.advance(hours=hours)
    machine.passes(gate.sign_ins.lasts - timedelta(seconds=1))
    assert (await gate.signed_in(cookie)).site == "ward-3"
    machine.passes(timedelta(seconds=2))
    with pytest.raises(UnauthorizedError):
        await gate.signed_in(cookie)


async def test_a_key_expires_at_the_date_that_its_operator_chose(now: WallClock) -> None:
    machine, keys = Running(now), MemoryKeys()
    gate = machine.gate(keys)
    text, _ = await create_key(keys, "ward-3", Role.VIEWER, now(), now() + timedelta(hours=1))
    await gate.caller(f"Bearer {text}", "10.0.0.1")
    now.advance(hours=1)
    with pytest.raises(UnauthorizedError):
        await gate.caller(f"Bearer {text}", "10.0.0.1")
