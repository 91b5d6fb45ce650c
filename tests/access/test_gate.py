"""Who a caller is, and what a stranger learns: nothing."""

from datetime import timedelta

import pytest

from server.access.audit import Act, MemoryAudit
from server.access.gate import Gate
from server.access.keys import KeyStore, create_key
from server.access.principal import ANYONE, Right, Role
from server.access.throttle import WRONG_AT_ONCE
from server.access.tokens import Scope
from server.errors import ForbiddenError, TooManyRequestsError, UnauthorizedError
from tests.access.conftest import WallClock

HERE = "192.0.2.1"


async def test_without_keys_anyone_may_do_everything_but_learn_of_the_sessions_and_results_of_others(
    keys: KeyStore, now: WallClock
) -> None:
    caller = await Gate(keys, MemoryAudit(), now).caller(None, HERE)
    assert caller == ANYONE
    withheld = {Right.LIST, Right.READ, Right.REVIEW, Right.ERASE, Right.WEBHOOKS}
    for right in set(Right) - withheld:
        caller.need(right)
    for right in withheld:
        with pytest.raises(ForbiddenError, match="tingqing keys create"):
            caller.need(right)


async def test_the_first_key_closes_a_running_server_and_revoking_it_does_not_open_it(
    keys: KeyStore, now: WallClock
) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    assert await gate.caller(None, HERE) == ANYONE
    _, made = await create_key(keys, "a", Role.ADMIN, now())
    await keys.revoke(made.id, now())
    for each in (gate, Gate(keys, MemoryAudit(), now)):
        with pytest.raises(UnauthorizedError):
            await each.caller(None, HERE)


async def test_a_key_names_its_site_and_role_and_never_itself(keys: KeyStore, now: WallClock) -> None:
    text, made = await create_key(keys, "ward-3", Role.INTEGRATOR, now())
    caller = await Gate(keys, MemoryAudit(), now).caller(f"Bearer {text}", HERE)
    assert (caller.site, caller.role) == ("ward-3", Role.INTEGRATOR)
    assert made.id in caller.who
    assert text not in repr(caller)
    assert await Gate(keys, MemoryAudit(), now).caller(f"bearer  {text} ", HERE) == caller


async def test_the_end_of_a_key_is_known_while_a_program_uses_it(keys: KeyStore, now: WallClock) -> None:
    seconds = [0.0]
    gate = Gate(keys, MemoryAudit(), now, monotonic=lambda: seconds[0])

    async def used(lasts: timedelta | None) -> None:
        until = None if lasts is None else now() + lasts
        text, _ = await create_key(keys, "a", Role.INTEGRATOR, now(), until)
        await gate.caller(f"Bearer {text}", HERE)

    await used(None)
    assert gate.next_end() is None
    began = now()
    await used(timedelta(hours=60))
    await used(timedelta(hours=40))
    assert gate.next_end() == began + timedelta(hours=40)
    seconds[0] = 80_000
    await used(timedelta(hours=50))
    seconds[0] = 90_000
    assert gate.next_end() == began + timedelta(hours=50), "the others were not used for a day"
    now.advance(hours=50)
    assert gate.next_end() is None, "it is over"


async def test_a_viewer_may_only_watch(keys: KeyStore, now: WallClock) -> None:
    text, _ = await create_key(keys, "a", Role.VIEWER, now())
    caller = await Gate(keys, MemoryAudit(), now).caller(f"Bearer {text}", HERE)
    caller.need(Right.OBSERVE)
    for right in (Right.BEGIN, Right.ASSESS):
        with pytest.raises(ForbiddenError):
            caller.need(right)


async def test_unknown_revoked_expired_and_malformed_keys_are_refused_alike(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    revoked, made = await create_key(keys, "a", Role.ADMIN, now())
    await keys.revoke(made.id, now())
    expired, _ = await create_key(keys, "a", Role.ADMIN, now(), now() + timedelta(hours=1))
    good, _ = await create_key(keys, "a", Role.ADMIN, now())
    assert (await gate.caller(f"Bearer {expired}", HERE)).site == "a"
    now.advance(hours=1)
    said = set()
    for header in (
        f"Bearer {revoked}", f"Bearer {expired}", f"Bearer {good[:-1]}", f"Bearer {good}x", f"Basic {good}", good,
        "Bearer", "Bearer ", "", f"Bearer {made.id}", "Bearer tq_" + "A" * 43, "Bearer " + "密" * 40,
    ):  # fmt: skip
        with pytest.raises(UnauthorizedError) as refused:
            await gate.caller(header, HERE)
        said.add((refused.value.code, refused.value.message))
    assert len(said) == 1


def watched(keys: KeyStore, now: WallClock, requests_per_minute: int = 600) -> Gate:
    return Gate(keys, MemoryAudit(), now, requests_per_minute=requests_per_minute, monotonic=lambda: now().timestamp())


async def guess(gate: Gate, times: int, address: str = HERE) -> None:
    for number in range(times):
        with pytest.raises(UnauthorizedError):
            await gate.caller(f"Bearer tq_{number:043}", address)


async def test_who_guesses_has_to_wait_between_tries_and_nobody_else(keys: KeyStore, now: WallClock) -> None:
    await create_key(keys, "a", Role.ADMIN, now())
    gate = watched(keys, now)
    await guess(gate, WRONG_AT_ONCE)
    with pytest.raises(TooManyRequestsError) as refused:
        await gate.caller("Bearer nonsense", HERE)
    assert refused.value.retry_after_s == pytest.approx(3)
    await guess(gate, 1, "192.0.2.2")
    now.advance(seconds=3)
    await guess(gate, 1)
    with pytest.raises(TooManyRequestsError):
        await gate.caller("Bearer nonsense", HERE)


async def test_a_right_key_is_let_in_whoever_guesses_at_its_address(keys: KeyStore, now: WallClock) -> None:
    text, made = await create_key(keys, "a", Role.ADMIN, now())
    gate = watched(keys, now)
    await guess(gate, WRONG_AT_ONCE)
    assert (await gate.caller(f"Bearer {text}", HERE)).site == "a"
    await keys.revoke(made.id, now())
    with pytest.raises(TooManyRequestsError):
        await gate.caller(f"Bearer {text}", HERE)


async def test_a_guesser_is_its_whole_ipv6_network(keys: KeyStore, now: WallClock) -> None:
    await create_key(keys, "a", Role.ADMIN, now())
    gate = watched(keys, now)
    for host in range(WRONG_AT_ONCE):
        await guess(gate, 1, f"2001:db8:0:1::{host:x}")
    with pytest.raises(TooManyRequestsError):
        await gate.caller("Bearer nonsense", "2001:db8:0:1:ffff::1")
    await guess(gate, 1, "2001:db8:0:2::1")


async def test_each_key_has_its_own_rate(keys: KeyStore, now: WallClock) -> None:
    busy, calm = [(await create_key(keys, "a", Role.ADMIN, now()))[0] for _ in range(2)]
    gate = watched(keys, now, requests_per_minute=60)
    for _ in range(60):
        await gate.caller(f"Bearer {busy}", HERE)
    with pytest.raises(TooManyRequestsError) as refused:
        await gate.caller(f"Bearer {busy}", HERE)
    assert refused.value.retry_after_s == pytest.approx(1)
    assert (await gate.caller(f"Bearer {calm}", HERE)).site == "a"
    now.advance(seconds=1)
    await gate.caller(f"Bearer {busy}", HERE)
    with pytest.raises(TooManyRequestsError):
        await gate.caller(f"Bearer {busy}", HERE)


async def test_a_server_without_keys_writes_down_nobody_not_even_who_holds_a_token(
    keys: KeyStore, now: WallClock
) -> None:
    audit = MemoryAudit()
    gate = Gate(keys, audit, now)
    token = await gate.tokens.issue(Scope.OBSERVE, "a" * 32, "local", timedelta(hours=1), key_id=None)
    guest, _ = await gate.guest(token, {Scope.OBSERVE}, "a" * 32)
    await gate.note(guest, Act.SESSION_OBSERVED, "a" * 32, HERE)
    assert await audit.latest(10) == []
    await create_key(keys, "a", Role.ADMIN, now())
    await gate.note(guest, Act.SESSION_OBSERVED, "a" * 32, HERE)
    assert [entry.act for entry in await audit.latest(10)] == [Act.SESSION_OBSERVED]
