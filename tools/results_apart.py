"""How far two results are from each other."""

import math
from typing import Any


def apart(one: Any, other: Any) -> float:
    """The largest difference of two numbers at the same place; infinite if anything else differs, but the ``id``."""
    match one, other:
        case (dict(), dict()) if one.keys() == other.keys():
            return max((apart(value, other[key]) for key, value in one.items() if key != "id"), default=0.0)
        case (list(), list()) if len(one) == len(other):
            return max(map(apart, one, other), default=0.0)
        case (bool(), _) | (_, bool()):
            pass
        case int() | float(), int() | float():
            return abs(one - other)
    return 0.0 if one == other and type(one) is type(other) else math.inf
