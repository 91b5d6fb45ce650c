"""Tokens: what a genuine one says, and that nothing else passes for one."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from server.access.audit import Act, MemoryAudit
from server.access.gate import Gate
from server.access.keys import KeyStore, create_key
from server.access.principal import Role
from server.access.throttle import WRONG_AT_ONCE
from server.access.tokens import ALGORITHM, AUDIENCE, Claim, Scope, Tokens, rotate
from server.errors import ForeignTokenError, InvalidTokenError, TokenExpiredError, TooManyRequestsError
from tests.access.conftest import WallClock

QUARTER = timedelta(minutes=15)


@pytest.fixture
def tokens(keys: KeyStore, now: WallClock) -> Tokens:
    return Tokens(keys, now)


async def issued(tokens: Tokens, scope: Scope = Scope.PUBLISH, key_id: str | None = None) -> str:
    return await tokens.issue(scope, "session-1", "ward-3", QUARTER, key_id=key_id, resumes=timedelta(hours=2))


async def test_a_token_says_its_session_site_and_scope(tokens: Tokens) -> None:
    grant = await tokens.read(await issued(tokens, Scope.OBSERVE))
    assert (grant.scope, grant.session_id, grant.site, grant.live) == (Scope.OBSERVE, "session-1", "ward-3", True)


async def test_a_token_lives_for_its_time_and_the_difference_of_two_clocks(tokens: Tokens, now: WallClock) -> None:
    token = await issued(tokens)
    now.advance(minutes=15, seconds=29)
    assert (await tokens.read(token)).live
    now.advance(seconds=2)
    assert not (await tokens.read(token)).live


async def test_a_token_of_a_server_whose_clock_is_ahead_counts(tokens: Tokens, now: WallClock) -> None:
    token = await issued(tokens)
    now.advance(hours=-1)
    assert (await tokens.read(token)).live


async def test_revoking_the_key_ends_the_tokens_it_asked_for_and_no_others(
    tokens: Tokens, keys: KeyStore, now: WallClock
) -> None:
    (_, stolen), (_, other) = [await create_key(keys, "ward-3", Role.INTEGRATOR, now()) for _ in range(2)]
    of_stolen, of_other = [await issued(tokens, key_id=key.id) for key in (stolen, other)]
    await keys.revoke(stolen.id, now())
    assert not (await tokens.read(of_stolen)).live
    assert (await tokens.read(of_other)).live


@pytest.mark.parametrize("later_s", [0.0, 60.0, -60.0], ids=["at once", "later", "after the clock was put back"])
async def test_a_rotation_drops_nobody(tokens: Tokens, keys: KeyStore, now: WallClock, later_s: float) -> None:
    before = await issued(tokens)
    now.advance(seconds=later_s)
    await rotate(keys, now())
    after = await issued(tokens)
    kids = {jwt.get_unverified_header(token)["kid"] for token in (before, after)}
    assert len(kids) == 2
    for token in (before, after):
        assert (await tokens.read(token)).live


async def test_an_old_signing_key_goes_with_a_rotation_a_day_after_its_successor_came(
    tokens: Tokens, keys: KeyStore, now: WallClock
) -> None:
    first = await issued(tokens)
    now.advance(days=30)
    await rotate(keys, now())
    assert (await tokens.read(first)).session_id == "session-1", "its successor has just come"
    now.advance(hours=23)
    await rotate(keys, now())
    assert len(await keys.signing_keys()) == 3
    now.advance(hours=1)
    await rotate(keys, now())
    with pytest.raises(InvalidTokenError):
        await tokens.read(first)
    assert len(await keys.signing_keys()) == 3


async def test_drop_old_ends_every_token_that_is_out(tokens: Tokens, keys: KeyStore, now: WallClock) -> None:
    before = await issued(tokens)
    await rotate(keys, now(), drop_old=True)
    with pytest.raises(InvalidTokenError):
        await tokens.read(before)
    assert (await tokens.read(await issued(tokens))).live


async def test_a_signing_key_is_not_shown_by_its_repr(keys: KeyStore, now: WallClock) -> None:
    key = await rotate(keys, now())
    assert repr(key.secret) not in repr(key)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def forgeries(tokens: Tokens, keys: KeyStore) -> dict[str, str]:
    genuine = await issued(tokens)
    head, body, signature = genuine.split(".")
    claims = jwt.decode(genuine, options={"verify_signature": False})
    (signing,) = await keys.signing_keys()

    def signed(claims: dict[str, Any], secret: bytes = signing.secret, kid: object = signing.kid) -> str:
        return jwt.encode(claims, secret, ALGORITHM, headers={"kid": kid} if isinstance(kid, str) else None)

    other = part(claims | {"sub": "session-2"})
    return {
        "empty": "",
        "no token": "nonsense",
        "another session": f"{head}.{other}.{signature}",
        "a changed signature": f"{head}.{body}.{'A' * len(signature)}",
        "cut short": genuine[:-1],
        "unsigned": f"{part({'alg': 'none', 'typ': 'JWT', 'kid': signing.kid})}.{body}.",
        "another algorithm": jwt.encode(claims, signing.secret * 2, "HS512", headers={"kid": signing.kid}),
        "signed by another": signed(claims, secret=b"x" * 32),
        "a kid of nobody": signed(claims, kid="00000000"),
        "no kid": signed(claims, kid=None),
        "a kid that is a list": f"{part({'alg': ALGORITHM, 'kid': ['a']})}.{body}.{signature}",
        "for another audience": signed(claims | {"aud": "elsewhere"}),
        "no audience": signed({name: value for name, value in claims.items() if name != "aud"}),
        "no expiry": signed({name: value for name, value in claims.items() if name != "exp"}),
        "no last moment": signed({name: value for name, value in claims.items() if name != "until"}),
        "no scope": signed({name: value for name, value in claims.items() if name != "scope"}),
        "an unknown scope": signed(claims | {"scope": "everything"}),
        "too long": signed(claims | {"more": "x" * 4000}),
        "nested deep": "." .join([base64.urlsafe_b64encode(b"[" * 1400).decode(), "", ""]),
        "not ASCII": "密.钥.匙",
        "a lone surrogate": "\ud800.a.b",
    }  # fmt: skip


async def test_nothing_but_a_genuine_token_passes_and_all_refusals_are_alike(tokens: Tokens, keys: KeyStore) -> None:
    said = set()
    for what, forged in (await forgeries(tokens, keys)).items():
        with pytest.raises(InvalidTokenError) as refused:
            pytest.fail(f"{what}: {await tokens.read(forged)}")
        said.add((refused.value.code, refused.value.message))
        assert AUDIENCE not in refused.value.message
    assert len(said) == 1


async def test_a_token_opens_its_own_kind_of_socket_of_its_own_session(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    publish, observe = [await issued(gate.tokens, scope) for scope in (Scope.PUBLISH, Scope.OBSERVE)]
    principal, claim = await gate.guest(publish, {Scope.PUBLISH})
    assert claim == Claim("session-1")
    assert principal.site == "ward-3"
    assert (await gate.guest(observe, {Scope.OBSERVE}, "session-1"))[0].site == "ward-3"
    for token, scope, session_id in [
        (publish, Scope.OBSERVE, "session-1"),
        (observe, Scope.PUBLISH, None),
        (observe, Scope.OBSERVE, "session-2"),
    ]:
        with pytest.raises(ForeignTokenError):
            await gate.guest(token, {scope}, session_id)


async def test_an_expired_token_watches_nothing_and_leaves_a_patient_the_resume(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    publish, observe = [await issued(gate.tokens, scope) for scope in (Scope.PUBLISH, Scope.OBSERVE)]
    now.advance(hours=1)
    with pytest.raises(TokenExpiredError):
        await gate.guest(observe, {Scope.OBSERVE}, "session-1")
    assert (await gate.guest(publish, {Scope.PUBLISH}))[1] == Claim("session-1", live=False)


async def test_a_patients_token_is_of_no_use_once_its_session_must_be_over(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now)
    publish = await issued(gate.tokens)
    now.advance(hours=2, minutes=15, seconds=29)
    assert not (await gate.guest(publish, {Scope.PUBLISH}))[1].live
    now.advance(seconds=2)
    with pytest.raises(TokenExpiredError):
        await gate.guest(publish, {Scope.PUBLISH})


async def test_who_opens_a_link_again_and_again_has_to_wait(keys: KeyStore, now: WallClock) -> None:
    gate = Gate(keys, MemoryAudit(), now, monotonic=lambda: now().timestamp())
    publish = await issued(gate.tokens)
    for _ in range(60):
        await gate.guest(publish, {Scope.PUBLISH})
    with pytest.raises(TooManyRequestsError):
        await gate.guest(publish, {Scope.PUBLISH})
    now.advance(seconds=1)
    await gate.guest(publish, {Scope.PUBLISH})


async def test_looking_at_a_link_takes_nothing_from_its_sockets_and_is_counted_too(
    keys: KeyStore, now: WallClock
) -> None:
    gate = Gate(keys, MemoryAudit(), now, monotonic=lambda: now().timestamp())
    publish = await issued(gate.tokens)
    for _ in range(60):
        assert (await gate.look(publish, Scope.PUBLISH, "192.0.2.1"))[1] == Claim("session-1")
    with pytest.raises(TooManyRequestsError):
        await gate.look(publish, Scope.PUBLISH, "192.0.2.1")
    await gate.guest(publish, {Scope.PUBLISH})
    now.advance(seconds=1)
    await gate.look(publish, Scope.PUBLISH, "192.0.2.1")


async def test_who_guesses_at_links_has_to_wait_and_a_right_one_does_not(keys: KeyStore, now: WallClock) -> None:
    audit = MemoryAudit()
    gate = Gate(keys, audit, now, monotonic=lambda: now().timestamp())
    publish = await issued(gate.tokens)
    for _ in range(WRONG_AT_ONCE):
        with pytest.raises(InvalidTokenError):
            await gate.look("a.b.c", Scope.PUBLISH, "192.0.2.1")
    with pytest.raises(TooManyRequestsError):
        await gate.look("a.b.c", Scope.PUBLISH, "192.0.2.1")
    with pytest.raises(InvalidTokenError):
        await gate.look("a.b.c", Scope.PUBLISH, "192.0.2.2")
    await gate.look(publish, Scope.PUBLISH, "192.0.2.1")
    assert [entry.act for entry in await audit.latest(10)] == [Act.GUESSES_REFUSED]
