"""From what was counted to what a hospital asks: how many recordings were good at once, and what was wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from server.records.counts import Counts
from server.records.kept import RecordKind
from server.records.ports import Day

Z_95 = 1.959964
WORST = 5
VERDICTS = ("accept", "re-record", "unusable", "none")
SOON_S = 10


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``total``, with the 95 % interval of the rate; ``None`` where there is nothing."""

    count: int
    total: int
    rate: float | None
    low: float | None
    high: float | None


def share(count: int, total: int) -> Share:
    """The Wilson score interval (Wilson 1927, J. Am. Stat. Assoc. 22:209), without continuity correction."""
    if total <= 0:
        return Share(max(count, 0), 0, None, None, None)
    count = min(max(count, 0), total)
    rate, squared = count / total, Z_95 * Z_95
    middle = (rate + squared / (2 * total)) / (1 + squared / total)
    half = Z_95 / (1 + squared / total) * sqrt(rate * (1 - rate) / total + squared / (4 * total * total))
    return Share(count, total, rate, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one group of records.

    ``first_pass``: first attempts that were accepted; ``in_the_end``: things that were accepted in whichever attempt;
    ``retried``: things that were recorded more than once. ``followed``: prompts that the patient followed, of those
    that were raised. ``usable_soon``: sessions in which the sound was good enough within 10 s;
    ``usable_median_s``: when it was in half of them, in whole seconds, ``None`` if in fewer. ``worst``: label id and
    how many recordings failed it, of those in which it was judged; first the one whose interval begins highest.
    """

    results: int
    verdicts: dict[str, int]
    hours: float
    first_pass: Share
    in_the_end: Share
    retried: Share
    followed: Share
    usable_soon: Share
    usable_median_s: int | None
    worst: tuple[tuple[str, Share], ...]


def figures(parts: Iterable[Counts]) -> Figures:
    """Of all these together."""
    counts: Counter[str] = Counter(_summed(parts))
    firsts = counts["first"]
    waits = _waits(counts)
    heard = sum(waits.values()) + counts["usable.never"]
    soon = sum(number for seconds, number in waits.items() if seconds <= SOON_S)
    return Figures(
        results=counts["results"],
        verdicts={verdict: counts[f"verdict.{verdict}"] for verdict in VERDICTS},
        hours=counts["seconds"] / 3600,
        first_pass=share(counts["first.accept"], firsts),
        in_the_end=share(counts["end.accept"], firsts),
        retried=share(counts["retried"], firsts),
        followed=share(counts["followed"], counts["raised"]),
        usable_soon=share(soon, heard),
        usable_median_s=_median(waits, heard),
        worst=_worst(counts),
    )


def _waits(counts: Counter[str]) -> dict[int, int]:
    found = [(name.removeprefix("usable."), number) for name, number in counts.items() if name.startswith("usable.")]
    return {int(seconds): number for seconds, number in found if seconds != "never"}


def _median(waits: dict[int, int], heard: int) -> int | None:
    passed = 0
    for seconds, number in sorted(waits.items()):
        passed += number
        if 2 * passed >= heard:
            return seconds
    return None


def _worst(counts: Counter[str]) -> tuple[tuple[str, Share], ...]:
    labels = [name.removeprefix("failed.") for name in counts if name.startswith("failed.")]
    found = [(label_id, share(counts[f"failed.{label_id}"], counts[f"judged.{label_id}"])) for label_id in labels]
    return tuple(sorted(found, key=lambda one: (-(one[1].low or 0.0), one[0]))[:WORST])


def over_days(days: Iterable[Day]) -> list[Day]:
    """Those of all days together, one for each kind, dictionary and department: what is grouped by these is then
    summed from a few. The first day stands for all."""
    cells: dict[tuple[RecordKind, str, str], list[Day]] = {}
    for day in days:
        cells.setdefault((day.bucket.kind, day.bucket.label_set, day.bucket.department), []).append(day)
    return [Day(each[0].bucket, _summed(day.counts for day in each)) for each in cells.values()]


def by(days: Sequence[Day], key: Callable[[Day], str]) -> list[tuple[str, Figures]]:
    """One for each value of ``key``, in its order."""
    groups: dict[str, list[Day]] = {}
    for day in days:
        groups.setdefault(key(day), []).append(day)
    return [(name, figures(day.counts for day in group)) for name, group in sorted(groups.items())]


def by_day(daily: Iterable[tuple[str, Counts]]) -> list[tuple[str, Figures]]:
    """One for each day, in order."""
    groups: dict[str, list[Counts]] = {}
    for day, counts in daily:
        groups.setdefault(day, []).append(counts)
    return [(day, figures(group)) for day, group in sorted(groups.items())]


def _summed(parts: Iterable[Counts]) -> dict[str, int]:
    """Without Counter.update, which takes three times as long."""
    total: dict[str, int] = {}
    for counts in parts:
        for name, number in counts.items():
            total[name] = total.get(name, 0) + number
    return total
