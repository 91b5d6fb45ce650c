"""Who a caller is, and what a stranger learns: nothing."""

from datetime import timedelta

import pytest

from server.access.gate import Gate
from server.access.keys import KeyStore, create_key
from server.access.principal import ANYONE, Right, Role
from server.errors import ForbiddenError, UnauthorizedError
from tests.access.conftest import WallClock


async def test_without_keys_anyone_may_do_everything(keys: KeyStore, now: WallClock) -> None:
    caller = await Gate(keys, now).caller(None)
    assert caller == ANYONE
    for right in Right:
        caller.need(right)


async def test_the_first_key_closes_a_running_server_and_revoking_it_does_not_open_it(
    keys: KeyStore, now: WallClock
) -> None:
    gate = Gate(keys, now)
    assert await gate.caller(None) == ANYONE
    _, made = await create_key(keys, "a", Role.ADMIN, now())
    await keys.revoke(made.id, now())
    for each in (gate, Gate(keys, now)):
        with pytest.raises(UnauthorizedError):
            await each.caller(None)


async def test_a_key_names_its_site_and_role_and_never_itself(keys: KeyStore, now: WallClock) -> None:
    text, made = await create_key(keys, "ward-3", Role.INTEGRATOR, now())
    caller = await Gate(keys, now).caller(f"Bearer {text}")
    assert (caller.site, caller.role) == ("ward-3", Role.INTEGRATOR)
    assert made.id in caller.who
    assert text not in repr(caller)
    assert await Gate(keys, now).caller(f"bearer  {text} ") == caller


async def test_a_viewer_may_only_watch(keys: KeyStore, now: WallClock) -> None:
    text, _ = await create_key(keys, "a", Role.VIEWER, now())
    caller = await Gate(keys, now).caller(f"Bearer {text}")
    caller.need(Right.OBSERVE)
    for right in (Right.BEGIN, Right.ASSESS):
        with pytest.raises(ForbiddenError):
            caller.need(right)


async def test_unknown_revoked_expired_and_malformed_keys_are_refused_alike(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, now)
    revoked, made = await create_key(keys, "a", Role.ADMIN, now())
    await keys.revoke(made.id, now())
    expired, _ = await create_key(keys, "a", Role.ADMIN, now(), now() + timedelta(hours=1))
    good, _ = await create_key(keys, "a", Role.ADMIN, now())
    assert (await gate.caller(f"Bearer {expired}")).site == "a"
    now.advance(hours=1)
    said = set()
    for header in (
        f"Bearer {revoked}", f"Bearer {expired}", f"Bearer {good[:-1]}", f"Bearer {good}x", f"Basic {good}", good,
        "Bearer", "Bearer ", "", f"Bearer {made.id}", "Bearer tq_" + "A" * 43, "Bearer " + "密" * 40,
    ):  # fmt: skip
        with pytest.raises(UnauthorizedError) as refused:
            await gate.caller(header)
        said.add((refused.value.code, refused.value.message))
    assert len(said) == 1
