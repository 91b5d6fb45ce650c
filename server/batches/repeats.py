"""Answers that are given again, and the port to what keeps them."""

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

LASTS = timedelta(days=1)
"""For so long a key is known, and its answer given again."""

ID_DIGITS = 32

MOST = 1000
MOST_BYTES = 64_000_000
"""Of all sites together. Who has less than an even share of it loses nothing to those that have more."""


def work_of(digest: str, body: str, since: datetime) -> str:
    """The id of what a request makes. ``digest``: of its key, ``body``: of what came with it; ``since``: as in
    ``Repeat``."""
    return hashlib.sha256(f"{digest}\0{body}\0{since.isoformat()}".encode()).hexdigest()[:ID_DIGITS]


def fair_share(sizes: Iterable[int], most: int) -> float:
    """What each may have so that all have at most ``most`` in all and nobody less than needed: infinity where there
    is enough for everyone."""
    left, rest = float(most), sorted(sizes)
    for place, size in enumerate(rest):
        even = left / (len(rest) - place)
        if size > even:
            return even
        left -= size
    return float("inf")


def first_to_go(held: Iterable[tuple[str, str, int]]) -> str:
    """The oldest of the site that has most. ``held``: digest, site and size of each, the oldest first; not empty."""
    each = list(held)
    of_sites: Counter[str] = Counter()
    for _, site, size in each:
        of_sites[site] += size
    greediest = max(of_sites, key=of_sites.__getitem__)
    return next(digest for digest, site, _ in each if site == greediest)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer."""

    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the request whose key has this ``digest``, to be written with the work that it tells of."""

    digest: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Repeat:
    """``body``: digest of the first request with this key; ``kept``: its answer; ``mine``: whether this is the first,
    or the one before it came to nothing. ``since``: when this work began first; with key and body it says which work
    it is, also when it is taken up again after an end that nobody knows of."""

    body: str
    kept: Kept | None
    mine: bool
    since: datetime


class RepeatStore(Protocol):
    """``begin`` raises StoreError."""

    async def begin(self, digest: str, site: str, body: str, now: datetime, before: datetime) -> Repeat:
        """``digest``: of the key. What began before ``before`` is forgotten."""
        ...

    def put(self, work_id: str, answered: Answered) -> None:
        """Write the answer in the transaction that writes what is kept and told of ``work_id``, if that was put a
        moment ago, before anything was awaited. ``end`` follows all the same, and has nothing to write then."""
        ...

    async def written(self, work_id: str) -> None:
        """Wait until what was ``put`` is written, or the database fails: it is written later then."""
        ...

    async def end(self, digest: str, kept: Kept | None) -> None:
        """``None``: there is no answer to keep; the next request with the key is the first again. Call it once for each
        ``begin`` that said ``mine``."""
        ...


@dataclass(slots=True)
class _Known:
    site: str
    body: str
    since: datetime
    kept: Kept | None = None

    @property
    def size(self) -> int:
        return len(self.kept.answer) if self.kept else 0


class MemoryRepeats:
    """Of one process, for a server without a data folder. Bounded: of the site that has most, the oldest is
    forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def begin(self, digest: str, site: str, body: str, now: datetime, before: datetime) -> Repeat:
        """See RepeatStore."""
        found = self._known.get(digest)
        if found is not None and found.since >= before:
            return Repeat(found.body, found.kept, mine=False, since=found.since)
        self._known.pop(digest, None)
        self._known[digest] = _Known(site, body, now)
        if len(self._known) > MOST:
            del self._known[first_to_go((key, one.site, 1) for key, one in self._known.items())]
        return Repeat(body, None, mine=True, since=now)

    def put(self, work_id: str, answered: Answered) -> None:
        """See RepeatStore: nothing lasts here, and ``end`` keeps it."""

    async def written(self, work_id: str) -> None:
        """See RepeatStore."""

    async def end(self, digest: str, kept: Kept | None) -> None:
        """See RepeatStore."""
        found = self._known.get(digest)
        if found is None:
            return
        if kept is None:
            del self._known[digest]
            return
        found.kept = kept
        while sum(one.size for one in self._known.values()) > MOST_BYTES and len(self._known) > 1:
            del self._known[first_to_go((key, one.site, one.size) for key, one in self._known.items())]
