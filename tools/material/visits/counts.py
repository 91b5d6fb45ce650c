"""Counts, shares and times of judged visits, with their intervals, as JSON values."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from scipy.stats import chi2

from server.evaluation.statistics import wilson
from tools.material.visits.outcome import Outcome, Told
from tools.material.visits.truth import Expected, Stretch

Figures = dict[str, Any]


def share(right: int, n: int) -> Figures:
    """A count with its share and Wilson's interval; null of none."""
    if not n:
        return {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    found = wilson(right, n)
    return {"count": right, "of": n, "share": found.value, "low": found.low, "high": found.high}


def rate(count: int, hours: float) -> Figures:
    """Per hour, with the exact Poisson interval of 95 %."""
    if not hours:
        return {"count": count, "hours": 0.0, "per_hour": None, "low": None, "high": None}
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    return {
        "count": count,
        "hours": hours,
        "per_hour": count / hours,
        "low": float(low) / hours,
        "high": float(high) / hours,
    }


def seconds(values: Sequence[float | None]) -> Figures:
    """Median and 90th percentile, where never (``None``) is later than all else; null if that is never. Of two that are
    as good, the later."""
    ordered = sorted(math.inf if value is None else value for value in values)

    def at(fraction: float) -> float | None:
        value = ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else math.inf
        return None if math.isinf(value) else round(value, 1)

    return {"n": len(ordered), "never": values.count(None), "median_s": at(0.5), "p90_s": at(0.9)}


def raised(outcome: Outcome) -> list[Told]:
    return [told for told in outcome.prompts if told.raised]


def false_prompts(outcome: Outcome) -> list[Told]:
    return [told for told in raised(outcome) if not outcome.truth.allows(told.id, told.at_s)]


def false_spans(outcome: Outcome) -> list[tuple[Stretch, str]]:
    return [(span, why) for span, why in outcome.spans if outcome.truth.is_false_span(span)]


def told_after_s(outcome: Outcome, wanted: Expected) -> float | None:
    """From where it is wanted to its prompt; ``None`` if that never came while it was wanted."""
    at = (told.at_s for told in raised(outcome) if told.id in wanted.ids)
    return next((when - wanted.at.start_s for when in at if wanted.at.start_s < when <= wanted.at.end_s), None)


def cleared_after_s(outcome: Outcome, wanted: Expected) -> float | None:
    """From the end of the trouble to the clearing of a prompt that was up then; ``None`` if none was, or it stayed."""
    up = None
    for told in outcome.prompts:
        if told.at_s > wanted.at.end_s:
            break
        if told.id in wanted.ids:
            up = told.id if told.raised else None
    later = (told.at_s for told in outcome.prompts if told.id == up and not told.raised)
    return next((when - wanted.at.end_s for when in later if when > wanted.at.end_s), None)


def of(outcomes: Iterable[Outcome], kind: str, *, with_far_end: bool = False) -> list[Outcome]:
    return [one for one in outcomes if one.kind == kind and one.with_far_end == with_far_end]


def good(outcomes: Sequence[Outcome]) -> Figures:
    """Of visits in which nothing is wrong."""
    n = len(outcomes)
    return {
        "accepted_no_prompt": share(sum(one.verdict == "accept" and not raised(one) for one in outcomes), n),
        "accepted": share(sum(one.verdict == "accept" for one in outcomes), n),
        "no_prompt": share(sum(not raised(one) for one in outcomes), n),
        "false_prompt": share(sum(bool(false_prompts(one)) for one in outcomes), n),
        "false_span": share(sum(bool(false_spans(one)) for one in outcomes), n),
    }
