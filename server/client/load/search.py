"""The search for the largest load that a server holds."""

from collections.abc import Awaitable, Callable

Probe = Callable[[int], Awaitable[bool]]


async def search(probe: Probe, first: int, probes: int, most: int) -> int:
    """The largest number for which ``probe`` said yes, 0 for none; exact to a twelfth. At most ``probes`` are tried."""
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
