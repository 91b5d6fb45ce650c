"""How numbers are written on the report's page and on a terminal; a dash for ``None``."""

from server.evaluation.statistics import Interval


def interval(one: Interval | None) -> str:
    """``.958 (.91–1.00)``; a dash without a value."""
    if one is None:
        return "–"
    return f"{one.value:.3f}" + ("" if one.low is None or one.high is None else f" ({one.low:.2f}–{one.high:.2f})")


def with_range(one: Interval | None) -> str:
    """HTML: three decimals, and the confidence interval under them."""
    return "–" if one is None else f'<b>{one.value:.3f}</b><br><span class="range">{spread(one)}</span>'


def spread(one: Interval, *, percent: bool = False) -> str:
    """The confidence interval, or nothing if there were too few recordings for one."""
    if one.low is None or one.high is None:
        return ""
    return f"{100 * one.low:.0f}–{100 * one.high:.0f} %" if percent else f"{one.low:.2f}–{one.high:.2f}"


def percent(value: float) -> str:
    """A share 0..1 as a whole percentage."""
    return f"{100 * value:.0f} %"


def right_of(right: int, known: int) -> str:
    """How many of how many are right."""
    return f"{right}/{known}" if known else "–"


def share(value: float | None) -> str:
    """A share 0..1 with two decimals."""
    return "–" if value is None else f"{value:.2f}"


def short(value: float | None) -> str:
    """Four decimals, empty for None: for a table that programs read too."""
    return "" if value is None else f"{value:.4f}"
