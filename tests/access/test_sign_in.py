"""What a cookie of our pages opens, for how long, and who gets one."""

from datetime import timedelta

import pytest

from server.access.audit import MemoryAudit
from server.access.gate import Gate
from server.access.keys import KeyStore, create_key
from server.access.principal import Right, Role
from server.access.sign_in import LASTS
from server.access.tokens import Scope, rotate
from server.errors import ForbiddenError, InvalidTokenError, TooManyRequestsError, UnauthorizedError
from tests.access.conftest import WallClock

HERE = "192.0.2.1"


async def signed_in(gate: Gate, keys: KeyStore, now: WallClock, role: Role = Role.VIEWER) -> tuple[str, str]:
    """The cookie, and the id of its key."""
    text, made = await create_key(keys, "ward-3", role, now(), now() + timedelta(days=2))
    return await gate.sign_ins.issue(await gate.caller(f"Bearer {text}", HERE)), made.id


async def test_a_cookie_is_its_keys_site_and_may_only_watch_and_read(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    cookie, key_id = await signed_in(gate, keys, now)
    who = await gate.signed_in(cookie)
    assert (who.site, who.role, who.key_id) == ("ward-3", Role.VIEWER, key_id)
    assert {right for right in Right if who.may(right)} == {Right.OBSERVE, Right.LIST, Right.READ, Right.REVIEW}


async def test_a_programs_key_gets_no_cookie(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    with pytest.raises(ForbiddenError):
        await signed_in(gate, keys, now, Role.INTEGRATOR)


async def test_a_cookie_of_an_admin_may_less_than_the_key(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    cookie, key_id = await signed_in(gate, keys, now, Role.ADMIN)
    who = await gate.signed_in(cookie)
    assert (who.site, who.role, who.key_id) == ("ward-3", Role.OPERATOR, key_id)
    of_viewer = {Right.OBSERVE, Right.LIST, Right.READ, Right.REVIEW}
    assert {right for right in Right if who.may(right)} == of_viewer | {Right.WEBHOOKS}


async def test_a_cookie_ends_with_its_time_its_key_or_the_secret(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    cookie, key_id = await signed_in(gate, keys, now)
    await rotate(keys, now())
    now.advance(seconds=LASTS.total_seconds() - 1)
    assert (await gate.signed_in(cookie)).key_id == key_id, "a rotation signs nobody out"
    now.advance(seconds=1)
    later, later_key = await signed_in(gate, keys, now)
    await keys.revoke(later_key, now())
    expiring, _ = await signed_in(gate, keys, now)
    dropped, _ = await signed_in(gate, keys, now)
    for one in (cookie, later, f"{expiring[:-4]}AAAA", "", "nonsense"):
        with pytest.raises(UnauthorizedError):
            await gate.signed_in(one)
    await rotate(keys, now(), drop_old=True)
    with pytest.raises(UnauthorizedError):
        await gate.signed_in(dropped)


async def test_neither_a_token_nor_a_cookie_is_taken_for_the_other(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    cookie, key_id = await signed_in(gate, keys, now)
    with pytest.raises(InvalidTokenError):
        await gate.guest(cookie, set(Scope))
    token = await gate.tokens.issue(Scope.OBSERVE, "a" * 32, "ward-3", timedelta(hours=1), key_id=key_id)
    with pytest.raises(UnauthorizedError):
        await gate.signed_in(token)


async def test_lists_that_are_open_all_day_keep_nobody_with_the_same_key_from_watching(
    keys: KeyStore, now: WallClock
) -> None:
    gate = Gate(keys, MemoryAudit(), now, requests_per_minute=60, monotonic=lambda: now().timestamp())
    cookie, key_id = await signed_in(gate, keys, now)
    for _ in range(60):
        await gate.signed_in(cookie, listing=True)
    with pytest.raises(TooManyRequestsError):
        await gate.signed_in(cookie, listing=True)
    assert (await gate.signed_in(cookie)).key_id == key_id
