"""Both stores of keys, and a wall clock that tests turn."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.access.keys import KeyStore, MemoryKeys
from server.store.database import open_database
from server.store.keys import StoredKeys


class WallClock:
    """Call it for the time; ``advance`` turns it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 9, 30, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


@pytest.fixture
def now() -> WallClock:
    return WallClock()


@pytest.fixture(params=["memory", "sqlite"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeys()
    else:
        async with open_database(tmp_path / "data") as database:
            yield StoredKeys(database)
