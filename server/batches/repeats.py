"""Answers that are given again, and the port to what keeps them."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MOST = 1000
MOST_BYTES = 64_000_000


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

    async def begin(self, digest: str, body: str, now: datetime, before: datetime) -> Repeat:
        """``digest``: of the key. What began before ``before`` is forgotten."""
        ...

    async def end(self, digest: str, kept: Kept | None) -> None:
        """``None``: there is no answer to keep; the next request with the key is the first again. Call it once for each
        ``begin`` that said ``mine``."""
        ...


class MemoryRepeats:
    """Of one process, for a server without a data folder. Bounded: the oldest are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, datetime, Kept | None]] = OrderedDict()
        self._bytes = 0

    async def begin(self, digest: str, body: str, now: datetime, before: datetime) -> Repeat:
        """See RepeatStore."""
        found = self._known.get(digest)
        if found is not None and found[1] >= before:
            return Repeat(found[0], found[2], mine=False, since=found[1])
        self._drop(digest)
        self._known[digest] = (body, now, None)
        while len(self._known) > MOST or (self._bytes > MOST_BYTES and len(self._known) > 1):
            self._drop(next(iter(self._known)))
        return Repeat(body, None, mine=True, since=now)

    async def end(self, digest: str, kept: Kept | None) -> None:
        """See RepeatStore."""
        found = self._known.get(digest)
        if found is None:
            return
        if kept is None:
            self._drop(digest)
            return
        self._known[digest] = (found[0], found[1], kept)
        self._bytes += len(kept.answer)

    def _drop(self, digest: str) -> None:
        found = self._known.pop(digest, None)
        if found is not None and found[2] is not None:
            self._bytes -= len(found[2].answer)
