"""The contract of every store of keys."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from server.access.keys import ApiKey, KeyStore, MemoryKeys, create_key, digest_of
from server.access.principal import Role
from server.errors import SettingsError
from server.store.database import open_database
from server.store.keys import StoredKeys
from tests.access.conftest import WallClock
from tests.conftest import database_of


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeys()
        return
    with database_of(request, tmp_path) as where:
        async with open_database(where) as database:
            yield StoredKeys(database)


async def test_a_key_is_found_by_its_digest_as_it_was_added(keys: KeyStore, now: WallClock) -> None:
    text, made = await create_key(keys, "ward-3", Role.VIEWER, now(), now() + timedelta(days=90))
    assert await keys.find(digest_of(text)) == made
    assert made.expires_at == now() + timedelta(days=90)
    assert await keys.find(digest_of(text + "x")) is None


async def test_a_key_has_256_random_bits_and_can_be_told_by_its_prefix(keys: KeyStore, now: WallClock) -> None:
    texts = {(await create_key(keys, "a", Role.ADMIN, now()))[0] for _ in range(20)}
    assert len(texts) == 20
    assert all(re.fullmatch(r"tq_[A-Za-z0-9_-]{43}", text) for text in texts)


async def test_times_of_another_zone_come_back_as_the_same_moment(keys: KeyStore, now: WallClock) -> None:
    local = now().astimezone(timezone(timedelta(hours=8)))
    text, _ = await create_key(keys, "a", Role.ADMIN, local, local)
    found = await keys.find(digest_of(text))
    assert found is not None
    assert found.expires_at == now()
    assert not found.valid(now()), "the moment of expiry is not valid any more"


async def test_keys_are_listed_from_the_oldest_on(keys: KeyStore, now: WallClock) -> None:
    made: list[ApiKey] = []
    for site in ("b", "a", "c"):
        made.append((await create_key(keys, site, Role.ADMIN, now()))[1])
        now.advance(seconds=1)
    assert await keys.listed() == made


async def test_a_revoked_key_stays_known_with_the_time_of_the_first_revocation(keys: KeyStore, now: WallClock) -> None:
    text, made = await create_key(keys, "a", Role.ADMIN, now())
    assert await keys.revoke(made.id, now())
    first = now()
    now.advance(hours=1)
    assert await keys.revoke(made.id, now())
    found = await keys.find(digest_of(text))
    assert found is not None
    assert found.revoked_at == first
    assert not await keys.revoke("nothing", now())


async def test_a_store_had_keys_even_if_all_are_revoked(keys: KeyStore, now: WallClock) -> None:
    assert not await keys.any()
    _, made = await create_key(keys, "a", Role.ADMIN, now())
    await keys.revoke(made.id, now())
    assert await keys.any()


@pytest.mark.parametrize("site", ["", "Ward", "a b", "../a", "-a", "a" * 65, "病房"])
async def test_a_site_is_a_plain_name(keys: KeyStore, now: WallClock, site: str) -> None:
    with pytest.raises(SettingsError, match="--site"):
        await create_key(keys, site, Role.ADMIN, now())
    assert not await keys.any()
