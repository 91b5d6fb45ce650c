"""How a session ended, and the port to everyone who is told."""

import json
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from server.assessment.result import Result
from server.live.clock import Clock, Timer
from server.live.course import Course
from server.wire.server import EndReason

TOMBSTONES = 10_000
"""Ended sessions whose id is remembered, so that they are reported as expired instead of unknown."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The messages for latecomers, as JSON, each written once: ``session.ended``, and the snapshot that contains it.

    ``resume_digest``: of the token whose holder may collect a result that never reached the patient. ``pages``: all
    windows, where the messages do not have them, each page a JSON array, compressed (zlib).
    """

    ended: str
    snapshot: str
    resume_digest: str
    pages: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.ended.encode()) + len(self.snapshot.encode()) + sum(map(len, self.pages))

    def page(self, at: int) -> str:
        """The windows of page ``at`` as a JSON array. Raises IndexError."""
        if self.pages:
            return zlib.decompress(self.pages[at]).decode()
        return json.dumps([json.loads(self.ended)["result"]["windows"]][at])

    def result_text(self) -> str:
        """The result as JSON, cut out of ``ended``: reading and writing 700 kB again would hold up other threads."""
        return self.ended[self.ended.index('"result":') + len('"result":') : self.ended.rindex(',"windows":')]

    def for_observers(self) -> str:
        """The snapshot with ``session.ended`` in it."""
        return f'{self.snapshot[:-1]},"ended":{self.ended}}}'


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session that ended, ``at`` UTC. ``result`` and ``farewell`` are ``None`` if no result could be built.

    ``began``: when its patient came, ``None`` if nobody knows. ``course``: what came of its prompts."""

    session_id: str
    site: str
    reference: str | None
    reason: EndReason
    at: datetime
    result: Result | None
    farewell: Farewell | None
    began: datetime | None = None
    course: Course = field(default_factory=Course)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a sink still knows of a session. ``farewell``: ``None`` once forgotten. ``collected``: the patient stayed
    away too long to get the result."""

    session_id: str
    farewell: Farewell | None
    collected: bool


class ResultSink(Protocol):
    """Where outcomes go. It takes and returns values, so that it can be in another process."""

    async def ended(self, outcome: Outcome) -> None:
        """A session is over. A second outcome of the same session replaces the first."""
        ...

    async def find(self, session_id: str, site: str) -> Remembered | None:
        """``None`` for an unknown session, or one of another site."""
        ...

    async def collected(self, session_id: str) -> None:
        """The patient stayed away too long: only observers get the result. An unknown session is ignored."""
        ...

    async def close(self) -> None:
        """Nothing more will be asked."""
        ...


@dataclass(slots=True)
class _Kept:
    site: str
    farewell: Farewell
    timer: Timer
    collected: bool = False


class RecentResults:
    """In this process, for ``keep_s`` seconds. Bounded by ``max_bytes``: the oldest are forgotten, never the last one.
    The ids of forgotten sessions are kept for a while."""

    def __init__(self, clock: Clock, keep_s: float, max_bytes: int) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._tombstones: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        """Number of sessions whose result is still kept."""
        return len(self._kept)

    async def ended(self, outcome: Outcome) -> None:
        """Keep the farewell for a while; of a session without one, only that it existed."""
        if outcome.session_id in self._kept:
            self._forget(outcome.session_id)
        if outcome.farewell is None:
            self._bury(outcome.session_id, outcome.site)
            return
        # A lambda would keep the outcome with its result alive as long as the timer.
        timer = self._clock.call_later(self._keep_s, partial(self._forget, outcome.session_id))
        self._kept[outcome.session_id] = _Kept(outcome.site, outcome.farewell, timer)
        self._bytes += outcome.farewell.size
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    async def find(self, session_id: str, site: str) -> Remembered | None:
        """None for a session that is unknown or of another site; of a forgotten one only that it ended."""
        kept = self._kept.get(session_id)
        if kept is not None and kept.site == site:
            return Remembered(session_id, kept.farewell, kept.collected)
        return Remembered(session_id, None, True) if self._tombstones.get(session_id) == site else None

    async def collected(self, session_id: str) -> None:
        """See ResultSink."""
        if (kept := self._kept.get(session_id)) is not None:
            kept.collected = True

    def drop(self, session_id: str) -> None:
        """It did not end here: another process had taken it. Nothing of it is remembered."""
        if session_id in self._kept:
            self._forget(session_id)
        self._tombstones.pop(session_id, None)

    async def close(self) -> None:
        """Forget every farewell, and cancel its timer."""
        for session_id in list(self._kept):
            self._forget(session_id)

    def _forget(self, session_id: str) -> None:
        kept = self._kept.pop(session_id)
        kept.timer.cancel()
        self._bytes -= kept.farewell.size
        self._bury(session_id, kept.site)

    def _bury(self, session_id: str, site: str) -> None:
        self._tombstones[session_id] = site
        if len(self._tombstones) > TOMBSTONES:
            self._tombstones.popitem(last=False)
