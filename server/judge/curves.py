"""Piecewise linear calibration curves, from a measure to evidence."""

from bisect import bisect_right

from server.judge.labels import Curve


def evaluate(curve: Curve, x: float) -> float:
    """Evidence 0..1 at measure ``x`` (in the measure's unit): linear between the points, flat outside.

    ``x`` may be infinite but not NaN: a measure that does not exist is ``None`` and has no evidence.
    """
    assert x == x, "a measure is a number or None, never NaN"  # noqa: PLR0124 - NaN alone differs from itself
    points = curve.points
    right = bisect_right(points, x, key=lambda point: point[0])
    if right == 0:
        return points[0][1]
    if right == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    y = y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    return min(max(y, min(y0, y1)), max(y0, y1))
