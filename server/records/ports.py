"""The port to the store of results."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from server.records.counts import Bucket, Counts
from server.records.kept import KeptRecord, RecordKind
from server.records.words import DoctorsWords


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. ``None``: whichever. ``since`` counts, ``until`` does not."""

    since: datetime | None = None
    until: datetime | None = None
    kind: RecordKind | None = None
    verdict: str | None = None
    label_set: str | None = None
    department: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: the latest end first, then by id, backwards."""

    ended_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Day:
    """What was counted."""

    bucket: Bucket
    counts: Counts


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted in a range of days. ``daily``: by day, in order. ``parts``: together they are all of it, each of
    one kind, dictionary and department. ``before``: together all of as many days just before."""

    daily: Sequence[tuple[str, Counts]]
    parts: Sequence[Day]
    before: Sequence[Counts]


class RecordStore(Protocol):
    """Results that are kept. Every method but ``keep`` raises StoreError. What is asked of one site never depends on
    another's records."""

    @property
    def keeps(self) -> bool:
        """Whether new records are kept; if not, ``keep`` does nothing."""
        ...

    async def keep(self, record: KeptRecord) -> None:
        """Write it, at once if that is possible; otherwise later, while others wait for nothing. A second record of the
        same id is ignored."""
        ...

    async def find(self, site: str, record_id: str) -> KeptRecord | None:
        """With its body and labels. ``None``: unknown, or another site's."""
        ...

    async def page(self, site: str, wanted: Wanted, limit: int, after: Place | None = None) -> Sequence[KeptRecord]:
        """At most ``limit``, the latest first, those after ``after``; without bodies and labels."""
        ...

    async def delete(self, site: str, record_id: str) -> bool:
        """Delete it for good: no file of the store holds its text any more, and nothing counts it. Whether it was
        there."""
        ...

    async def doubtful(self, site: str, limit: int, *, said: bool = False) -> Sequence[tuple[KeptRecord, DoctorsWords]]:
        """Recordings that nobody has reviewed, the nearest to the other verdict first; with labels, and what doctors
        said of each in its session. ``said``: those alone of which they said something."""
        ...

    async def reviews(self, site: str, *, said: bool = False) -> tuple[int, int]:
        """How many could be reviewed, ``said`` as in ``doubtful``, and how many are."""
        ...

    async def review(self, site: str, record_id: str, heard: bool | None, by: str, at: datetime) -> bool:
        """A person could hear it, or not; ``None``: nobody said. Whether it is there."""
        ...

    async def reviewed(self, site: str, limit: int) -> Sequence[tuple[KeptRecord, bool | None, DoctorsWords]]:
        """At most ``limit`` recordings, the latest reviewed first, and whether a person could hear them, then those of
        which doctors alone said something; and what these said."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete those of every site that ended earlier; what was counted stays. How many."""
        ...

    async def sums(
        self, site: str, first: date, last: date, *, department: str | None = None, label_set: str | None = None
    ) -> Sums:
        """What was counted from day ``first`` to day ``last``, both included, and just before; ``None``: of all."""
        ...

    def everything(self, sites: Sequence[str] | None = None) -> AsyncIterator[KeptRecord]:
        """All records, with bodies, the earliest first: for an export."""
        ...
