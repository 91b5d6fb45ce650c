"""The search of ``bench/live_capacity.py``, on machines whose limit is known."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tools.capacity import search, sustained


def machine(limit: int, tried: list[int]) -> Callable[[int], Awaitable[bool]]:
    async def probe(number: int) -> bool:
        tried.append(number)
        return number <= limit

    return probe


@pytest.mark.parametrize(("limit", "first"), [(27, 20), (4, 20), (1, 2), (2, 2), (3, 2), (60, 20), (96, 20)])
async def test_search_ends_below_the_limit_and_near_it(limit: int, first: int) -> None:
    tried: list[int] = []
    found = await search(machine(limit, tried), first, 8, 96)
    assert found <= limit
    assert found >= limit - max(1, limit // 8)
    assert found in tried


async def test_search_tries_no_more_than_it_may_and_none_twice() -> None:
    tried: list[int] = []
    await search(machine(37, tried), 20, 4, 96)
    assert len(tried) == len(set(tried)) <= 4


async def test_a_machine_that_sustains_nothing_has_none() -> None:
    assert await search(machine(0, []), 2, 8, 96) == 0


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, True),
        ({"lag_ms": {"p95": 1001.0}}, False),
        ({"windows_replaced": 9}, False),
        ({"errors": ["scoring_failed"]}, False),
        ({"updates": 300}, False),
    ],
)
def test_a_number_of_streams_is_sustained_only_if_its_scores_came_and_came_in_time(
    change: dict[str, Any], verdict: bool
) -> None:
    seen = {
        "sessions": 20,
        "seconds": 25,
        "updates": 460,
        "windows_replaced": 0,
        "errors": [],
        "lag_ms": {"p95": 420.0},
    }
    assert sustained(seen | change) is verdict
