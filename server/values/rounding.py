"""How numbers are rounded for readers: the same for live updates, files and results."""

import math

FLOOR_DB = -120.0
"""The lowest level reported, dB."""

DECIMALS = 7
"""Coarse enough for short JSON; fine enough that equal scores differ by less than 1e-6 across a rounding edge."""


def rounded(value: float | None) -> float | None:
    """``value`` to 7 decimals; ``None`` for what JSON cannot hold. Rounding twice changes nothing."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), DECIMALS)


def unit(value: float | None) -> float | None:
    """A score: rounded, within 0..1."""
    number = rounded(value)
    return None if number is None else min(1.0, max(0.0, number))


def decibels(value: float | None) -> float | None:
    """Rounded and floored at -120 dB."""
    if value is not None and value == -math.inf:
        return FLOOR_DB
    number = rounded(value)
    return None if number is None else max(FLOOR_DB, number)


def shown_score(score: float, threshold: float) -> str:
    """With two decimals; a failing one is not rounded up to the threshold."""
    rounded = f"{score:.2f}"
    return f"{math.floor(score * 100) / 100:.2f}" if score < threshold <= float(rounded) else rounded
