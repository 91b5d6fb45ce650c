"""Numbers that come back from a store: a damaged checkpoint is refused before anything is counted on from it."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn


def read_json(data: str | bytes) -> Any:
    """The value of a JSON text in which every number is finite.

    ``json.loads`` takes NaN, Infinity and 1e999. Raises ValueError for these, and for what is no JSON.
    """
    return json.loads(data, parse_constant=_refused, parse_float=_finite)


def number(value: Any) -> float:
    """``value`` as a finite number. Raises TypeError or ValueError for anything else."""
    return _finite(value)


def amount(value: Any) -> float:
    """``value`` as a finite number of at least 0. Raises TypeError or ValueError for anything else."""
    found = _finite(value)
    if found < 0.0:
        raise ValueError(f"{found} where nothing is negative")
    return found


def count(value: Any) -> int:
    """``value`` as a whole number of at least 0. Raises TypeError or ValueError for anything else."""
    found = amount(value)
    if found != int(found):
        raise ValueError(f"{found} where whole things are counted")
    return int(value)


def counts(values: Iterable[Any]) -> list[int]:
    """Each of ``values`` as a ``count``. Raises TypeError or ValueError."""
    return [count(value) for value in values]


def amounts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields``, of which those that are numbers are an ``amount``. Raises ValueError."""
    for value in fields.values():
        if isinstance(value, int | float):
            amount(value)
    return dict(fields)


def _finite(value: Any) -> float:
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError("a number that is too large") from error
    if not math.isfinite(found):
        raise ValueError(f"{value} where a number is finite")
    return found


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} where a number is finite")
