"""When windows end, and where they begin. Pure functions of the number of hops."""

from server.values.windows import FIRST_PARTIAL_S, HOP_S, TOO_SHORT_S, WINDOW_S

assert HOP_S == 1, "hop number and second are the same thing here"


def window_after(hops: int) -> tuple[int, bool] | None:
    """The window that ends after ``hops`` whole hops: (first hop, partial); ``None`` if none ends there.

    Windows end at 3, 4, … 9 s (from 0, partial) and then at 10, 11, … s (10 s long).
    """
    if hops < FIRST_PARTIAL_S:
        return None
    return max(0, hops - WINDOW_S), hops < WINDOW_S


def has_window_at_end(samples: int, sample_rate: int) -> bool:
    """Whether a whole recording of ``samples`` gets its only, partial, window at the end: 0.5 s to under 3 s."""
    return TOO_SHORT_S * sample_rate <= samples < FIRST_PARTIAL_S * sample_rate
