"""What ``tingqing bench soak`` compares was looked at in the same way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.cli import bench_soaking
from server.cli.bench_soaking import Soak

HELD = {"rss_mb": 600.0, "tasks": 5, "threads": 9, "descriptors": 14, "live": 0, "waiting": 0, "observers": 0}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each look at the server waited; no server, no patients."""
    waited: list[float] = []

    async def held(server: object, settle_s: float) -> dict[str, Any]:
        waited.append(settle_s)
        return HELD

    async def nothing(*_: object, **__: object) -> list[Any]:
        return []

    @asynccontextmanager
    async def running(*_: object) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(bench_soaking, "_held", held)
    monkeypatch.setattr(bench_soaking, "running", running)
    monkeypatch.setattr(bench_soaking, "_some", nothing)
    monkeypatch.setattr(bench_soaking, "_round", nothing)
    monkeypatch.setattr(bench_soaking, "warm", nothing)
    return waited


async def test_each_look_waits_until_the_sessions_before_it_are_forgotten(looks: list[float]) -> None:
    told = await bench_soaking.run(Soak(100, None, 8, 3.0, "fast", 300.0))
    assert looks == [300.0, 300.0, 300.0]
    assert told["left"] == {}
