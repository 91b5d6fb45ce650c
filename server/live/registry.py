"""Every session of the process by its id: live, waiting for its patient, ended, and lately forgotten."""

import hmac
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from server.assessment.engine import HeardAudio
from server.errors import SessionExpiredError, UnknownSessionError
from server.live.clock import Clock, Timer
from server.live.limits import LiveLimits
from server.live.session import Session
from server.wire.server import EndReason, SessionEnded, Snapshot

if TYPE_CHECKING:
    from server.live.connection import Connection

log = logging.getLogger(__name__)

TOMBSTONES = 10_000
"""Ids remembered after everything else of a session is forgotten, to say expired instead of unknown."""


@dataclass(slots=True)
class Entry:
    """A session that goes on. ``connection``: ``None`` while it waits for its patient until ``timer``."""

    session: Session
    connection: "Connection | None" = None
    timer: Timer | None = None
    detached_at: float = 0.0


@dataclass(slots=True)
class Ended:
    """What is kept of an ended session, as JSON: its last snapshot and its ``session.ended``.

    ``undelivered``: the line broke before its patient had the result; they may come back for it.
    """

    resume_token: str
    snapshot: str
    text: str
    timer: Timer
    undelivered: bool

    def for_observers(self) -> Snapshot:
        ended = SessionEnded.model_validate_json(self.text)
        return Snapshot.model_validate_json(self.snapshot).model_copy(update={"ended": ended})

    @property
    def size(self) -> int:
        return len(self.snapshot) + len(self.text)


class Registry:
    """Bounded: patients by the manager, waiting sessions by ``max_sessions`` (the longest waiting is ended early),
    ended ones by their bytes (the oldest is forgotten)."""

    def __init__(self, clock: Clock, limits: LiveLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._entries: dict[str, Entry] = {}
        self._ended: OrderedDict[str, Ended] = OrderedDict()
        self._ended_bytes = 0
        self._tombstones: OrderedDict[str, None] = OrderedDict()

    @property
    def connections(self) -> list["Connection"]:
        return [entry.connection for entry in self._entries.values() if entry.connection is not None]

    @property
    def waiting(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.connection is None]

    @property
    def ended_count(self) -> int:
        return len(self._ended)

    def find(self, session_id: str) -> Entry | Ended:
        """Raises UnknownSessionError, SessionExpiredError."""
        found = self._entries.get(session_id) or self._ended.get(session_id)
        if found is not None:
            return found
        if session_id in self._tombstones:
            raise SessionExpiredError("This session ended, or waited too long for its patient.")
        raise UnknownSessionError("There is no such session.")

    def find_own(self, session_id: str, resume_token: str) -> Entry | Ended:
        """The same for whoever holds the resume token; without it a session is as good as unknown."""
        found = self.find(session_id)
        token = found.session.resume_token if isinstance(found, Entry) else found.resume_token
        if not hmac.compare_digest(token.encode(), resume_token.encode(errors="replace")):
            raise UnknownSessionError("There is no such session.")
        return found

    def attach(self, session: Session, connection: "Connection") -> None:
        entry = self._entries.setdefault(session.id, Entry(session))
        assert entry.connection is None, "one socket serves a session"
        if entry.timer is not None:
            entry.timer.cancel()
        entry.connection, entry.timer = connection, None

    def detach(self, session: Session, heard: HeardAudio) -> None:
        """The patient is gone; they have ``resume_ttl_s`` to come back."""
        entry = self._entries[session.id]
        entry.connection = None
        entry.detached_at = self._clock.now()
        session.detach(heard)
        entry.timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self.expire, session.id))
        waiting = self.waiting
        if len(waiting) > self._limits.max_sessions:
            self.expire(min(waiting, key=lambda one: one.detached_at).session.id)

    def expire(self, session_id: str, reason: EndReason = "expired") -> None:
        """Nobody came back: observers get the result so far."""
        session = self._entries[session_id].session
        assert session.heard is not None, "only a session without a socket expires"
        try:
            text = session.ended(reason, session.heard)
        except Exception:  # nobody waits for this result; the session must go all the same
            log.exception("a result could not be put together")
            del self._entries[session_id]
            session.end(None)
            self._bury(session_id)
        else:
            self.end(session, text, undelivered=False)

    def end(self, session: Session, text: str, *, undelivered: bool) -> None:
        """``text``: ``session.ended`` as JSON."""
        entry = self._entries.pop(session.id)
        if entry.timer is not None:
            entry.timer.cancel()
        session.end(text)
        # A lambda here would keep the whole session alive for as long as the timer.
        timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self._forget, session.id))
        snapshot = session.snapshot().model_dump_json()
        ended = self._ended[session.id] = Ended(session.resume_token, snapshot, text, timer, undelivered)
        self._ended_bytes += ended.size
        while self._ended_bytes > self._limits.max_ended_bytes and len(self._ended) > 1:
            self._forget(next(iter(self._ended)))

    def delivered(self, session_id: str) -> None:
        if (ended := self._ended.get(session_id)) is not None:
            ended.undelivered = False

    def _forget(self, session_id: str) -> None:
        ended = self._ended.pop(session_id)
        ended.timer.cancel()
        self._ended_bytes -= ended.size
        self._bury(session_id)

    def _bury(self, session_id: str) -> None:
        self._tombstones[session_id] = None
        if len(self._tombstones) > TOMBSTONES:
            self._tombstones.popitem(last=False)

    def close(self) -> None:
        """End those who wait, and stop every timer."""
        for entry in self.waiting:
            self.expire(entry.session.id, "drain")
        for session_id in list(self._ended):
            self._forget(session_id)
