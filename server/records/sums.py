"""Sums over days: of all that a day has, and of what a month has of one kind, so that a year is read in no time.

What is counted per day, kind, dictionary and department is the truth; these follow from it with every change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from server.records.counts import Bucket, Changes, Counts

TOTAL = ""
"""Kind, dictionary and department of a sum of all of them."""

MONTH = len("2026-03")


class SumKey(NamedTuple):
    """What is summed. ``period``: ``2026-03-01``, of all kinds, dictionaries and departments; or ``2026-03``, of one
    each."""

    site: str
    period: str
    kind: str
    label_set: str
    department: str


def rolled_up(counted: Iterable[tuple[Bucket, Counts]]) -> list[tuple[SumKey, dict[str, int]]]:
    """What is added to the sums where this is added to the days. In one order for all; without what is zero."""
    sums: dict[SumKey, dict[str, int]] = {}
    for bucket, counts in counted:
        month = SumKey(bucket.site, bucket.day[:MONTH], bucket.kind.value, bucket.label_set, bucket.department)
        for key in (SumKey(bucket.site, bucket.day, TOTAL, TOTAL, TOTAL), month):
            there = sums.setdefault(key, {})
            for name, number in counts.items():
                there[name] = there.get(name, 0) + number
    changed = ((key, {name: number for name, number in each.items() if number}) for key, each in sums.items())
    return sorted((key, each) for key, each in changed if each)


def changes_rolled_up(changes: Changes) -> list[tuple[SumKey, dict[str, int]]]:
    """The same of what changes."""
    return rolled_up(changes.items())


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of a range of days: the whole months in it, the first and the last of them, and the days at its edges."""

    months: tuple[str, str] | None
    edges: tuple[tuple[str, str], ...]


def pieces(first: date, last: date) -> Pieces:
    """Of the days from ``first`` to ``last``, both included; at most 30 at each edge, unless there is no month."""
    begin = first if first.day == 1 else _next_month(first)
    following = last + timedelta(days=1)
    end = following.replace(day=1)  # the first day after the months
    if begin >= end:
        return Pieces(None, ((first.isoformat(), last.isoformat()),))
    edges = []
    if first < begin:
        edges.append((first.isoformat(), (begin - timedelta(days=1)).isoformat()))
    if end <= last:
        edges.append((end.isoformat(), last.isoformat()))
    last_month = (end - timedelta(days=1)).isoformat()[:MONTH]
    return Pieces((begin.isoformat()[:MONTH], last_month), tuple(edges))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
