"""What is counted of results, per day: added when one is kept, taken away when one is deleted on request.

A count names no session, so it may stay when the results of its day are gone.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from server.records.kept import KeptRecord, RecordKind

LONGEST_WAIT_S = 60
"""Times to the first usable window are counted in whole seconds, rounded up; longer ones together."""

TOO_SHORT_S = 0.5
"""A patient who connected and left sent nothing that could be judged."""

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """What is counted together. ``day``: ``2026-03-01``, as of its records."""

    site: str
    day: str
    kind: RecordKind
    label_set: str
    department: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One record of a chain: recordings of one thing, each tried again by the next. ``number`` from 1, by
    ``attempt_of``."""

    id: str
    number: int
    bucket: Bucket
    ended_at: datetime
    verdict: str | None


def bucket_of(record: KeptRecord) -> Bucket:
    """Where the record is counted."""
    return Bucket(record.site, record.day, record.kind, record.label_set, record.department)


def judged(verdict: str | None, duration_s: float) -> str | None:
    """The verdict that counts; ``None`` where nothing was judged."""
    return verdict if duration_s >= TOO_SHORT_S else None


def own_counts(record: KeptRecord) -> Counter[str]:
    """What one record adds to its bucket, whatever was tried before."""
    verdict = judged(record.verdict, record.duration_s)
    counts = Counter({"results": 1, f"verdict.{verdict or 'none'}": 1, "seconds": round(record.duration_s)})
    if verdict is None:
        return +counts
    for label_id, passed in record.labels.items():
        counts[f"judged.{label_id}"] += 1
        if not passed:
            counts[f"failed.{label_id}"] += 1
    if record.kind is RecordKind.SESSION:
        counts["raised"] += record.prompts_raised
        counts["followed"] += record.prompts_followed
        counts[f"usable.{_wait(record.first_usable_s)}"] += 1
    return +counts


def _wait(first_usable_s: float | None) -> str:
    if first_usable_s is None:
        return "never"
    return str(min(math.ceil(first_usable_s), LONGEST_WAIT_S + 1))


def chain_counts(attempts: Iterable[Attempt]) -> dict[Bucket, Counter[str]]:
    """What a chain adds, all to the bucket of its first attempt in which something was judged.

    Nothing where the first is not known any more: it was counted when it was kept.
    """
    known = sorted(attempts, key=lambda one: (one.number, one.ended_at, one.id))
    if not known or known[0].number != 1:
        return {}
    tried = [one for one in known if one.verdict is not None]
    if not tried:
        return {}
    first = tried[0]
    counts = Counter({"first": 1})
    counts["first.accept"] = int(first.verdict == "accept")
    counts["retried"] = int(len(tried) > 1)
    counts["end.accept"] = int(any(one.verdict == "accept" for one in tried))
    return {first.bucket: +counts}


class Changes:
    """Sums of what to add to buckets, and to take away."""

    def __init__(self) -> None:
        self._by_bucket: dict[Bucket, Counter[str]] = {}

    def add(self, bucket: Bucket, counts: Counts, sign: int = 1) -> None:
        """``sign``: -1 takes away."""
        there = self._by_bucket.setdefault(bucket, Counter())
        for name, count in counts.items():
            there[name] += sign * count

    def chain(self, before: Iterable[Attempt], after: Iterable[Attempt]) -> None:
        """A chain grew or shrank."""
        for attempts, sign in ((before, -1), (after, 1)):
            for bucket, counts in chain_counts(attempts).items():
                self.add(bucket, counts, sign)

    def items(self) -> list[tuple[Bucket, dict[str, int]]]:
        """Buckets that change, in one order for all, with what is not zero."""
        changed = [(bucket, {name: n for name, n in each.items() if n}) for bucket, each in self._by_bucket.items()]
        return sorted((bucket, counts) for bucket, counts in changed if counts)


def summed(counts: Counts, change: Counts) -> dict[str, int]:
    """Both together; what is zero is left out."""
    total = Counter(counts)
    for name, count in change.items():
        total[name] += count
    return {name: count for name, count in sorted(total.items()) if count}
