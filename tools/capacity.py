"""The largest number of live streams that a machine sustains: the criterion and the search."""

from collections.abc import Awaitable, Callable
from typing import Any

LAG_MS = 1000.0
REPLACED = 0.01

Probe = Callable[[int], Awaitable[bool]]


async def search(probe: Probe, first: int, probes: int, most: int) -> int:
    """The largest number for which ``probe`` said yes, 0 for none; exact to a twelfth."""
    low, high, number = 0, most + 1, first
    for _ in range(probes):
        if await probe(number):
            low = number
        else:
            high = number
        if high - low <= max(1, low // 12):
            break
        number = min(most, low * 3 // 2 + (low < 2)) if high > most else (low + high) // 2
    return low


def sustained(seen: dict[str, Any]) -> bool:
    windows = seen["updates"] + seen["windows_replaced"]
    expected = seen["sessions"] * (seen["seconds"] - 2)
    return (
        not seen["errors"]
        and windows >= 0.98 * expected
        and seen["windows_replaced"] <= REPLACED * expected
        and seen["lag_ms"]["p95"] < LAG_MS
    )
