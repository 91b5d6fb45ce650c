"""Announced sessions that have no socket yet."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, TypeVar

from server.errors import TokenUsedError, UnknownSessionError
from server.live.clock import Clock, Timer
from server.live.fairness import gives_way
from server.wire.client import LabelsField, MetadataField, SessionStart

MAX_CLAIMED = 10_000

SETTLED = ("labels", "language", "reference", "metadata", "mode")
"""Fields of ``session.start`` that the terms override."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """What is settled before a socket comes; it overrides ``session.start``. ``None``: not settled.

    ``attempt_of``: the session that this one tries again; no ``session.start`` says that. ``since``: when it was
    announced, UTC; set by ``Admission``.
    """

    labels: LabelsField | None = None
    language: str | None = None
    reference: str | None = None
    metadata: MetadataField | None = None
    mode: Literal["recording", "visit"] | None = None
    attempt_of: str | None = None
    since: datetime | None = None

    def applied(self, start: SessionStart) -> SessionStart:
        """The start, with the settled values in place of the patient's."""
        settled = {name: getattr(self, name) for name in SETTLED}
        return start.model_copy(update={name: value for name, value in settled.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Moving:
    """An announced session on its way from one process to another, which has it from then on. ``left_s``: how long it
    still waits for its socket."""

    site: str
    terms: SessionTerms
    left_s: float


@dataclass(frozen=True, slots=True)
class _Pending:
    site: str
    terms: SessionTerms
    timer: Timer
    until: float


class PendingSessions:
    """Each waits ``claim_s`` seconds for its socket; they hold no audio. Of more than ``most`` the oldest of the site
    with most of them is dropped, so that no site's announcements shut out another's. ``elsewhere``: how many others
    wait in processes that share ``most``.

    Of those that were claimed, and of those whose time is over, the latest ``MAX_CLAIMED`` ids are remembered, to tell
    a second claim what it is.
    """

    def __init__(self, clock: Clock, claim_s: float, most: int, elsewhere: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._elsewhere = elsewhere
        self._most = most
        self._claim_s = claim_s
        self._pending: dict[str, _Pending] = {}
        self._claimed: dict[str, str] = {}
        self._begun_elsewhere: dict[str, str] = {}
        self._over: dict[str, None] = {}
        self._given: dict[str, tuple[str, Moving]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def full_for(self, site: str) -> bool:
        """Whether as many wait as may, and no other site has more of them than ``site``."""
        of_site = Counter(pending.site for pending in self._pending.values())
        return self._full and of_site[site] >= max(of_site.values(), default=0)

    def announce(self, site: str, terms: SessionTerms) -> str:
        """The new session's id, 128 random bits. Ask ``full_for`` before, without awaiting in between."""
        if self._full and self._pending:
            self.withdraw(gives_way(self._pending, lambda each: self._pending[each].site))
        session_id = new_session_id()
        self.bring(session_id, Moving(site, terms, self._claim_s))
        return session_id

    def bring(self, session_id: str, moving: Moving) -> None:
        """Another process announced it and gave it up: its socket came here."""
        self._over.pop(session_id, None)
        self._given.pop(session_id, None)
        if session_id in self._pending:
            self._taken_out(session_id)
        timer = self._clock.call_later(moving.left_s, partial(self.withdraw, session_id))
        self._pending[session_id] = _Pending(moving.site, moving.terms, timer, self._clock.now() + moving.left_s)

    def give(self, session_id: str, site: str, to: str = "") -> Moving | None:
        """It is the other process's from now on: no socket can claim it here. ``None``: it does not wait here. ``to``:
        who asks, and asks again if the answer was lost on the way: it gets the same one."""
        if self.awaits(session_id, site):
            given = self._taken_out(session_id)
            _remember(self._given, session_id, (to, given))
            return given
        again = self._given.get(session_id)
        return again[1] if again is not None and again[0] == to and again[1].site == site else None

    def _taken_out(self, session_id: str) -> Moving:
        pending = self._pending.pop(session_id)
        pending.timer.cancel()
        return Moving(pending.site, pending.terms, max(0.0, pending.until - self._clock.now()))

    @property
    def _full(self) -> bool:
        return len(self._pending) + self._elsewhere() >= self._most

    def learn(self, session_id: str, site: str, terms: SessionTerms, *, claimed: bool) -> None:
        """What is known elsewhere of a session. One that was claimed here stays so, and one whose time is over here is
        not known again."""
        if session_id in self._claimed:
            return
        if claimed:
            if session_id in self._pending:
                self._taken_out(session_id)
            _remember(self._begun_elsewhere, session_id, site)
            return
        self._begun_elsewhere.pop(session_id, None)
        if session_id not in self._pending and session_id not in self._over:
            self.bring(session_id, Moving(site, terms, self._claim_s))

    def terms(self, session_id: str, site: str) -> SessionTerms:
        """What was settled for it. Call ``claim`` next, without awaiting in between.

        Raises TokenUsedError if it was already claimed, UnknownSessionError for one of another site or out of time.
        """
        if site in (self._claimed.get(session_id), self._begun_elsewhere.get(session_id)):
            raise token_used()
        pending = self._pending.get(session_id)
        if pending is None or pending.site != site:
            raise UnknownSessionError("There is no such session, or nobody came for it in time.")
        return pending.terms

    def claim(self, session_id: str) -> Moving:
        """Its socket is there: no other socket can claim it, unless it is given to ``unclaim``."""
        claimed = self._taken_out(session_id)
        _remember(self._claimed, session_id, claimed.site)
        return claimed

    def unclaim(self, session_id: str, claimed: Moving) -> None:
        """Nothing came of its claim: another socket may come, in what was left of its time."""
        self._claimed.pop(session_id, None)
        self._begun_elsewhere.pop(session_id, None)
        self.bring(session_id, claimed)

    def withdraw(self, session_id: str) -> None:
        """Nobody will come for it. One that was claimed or is forgotten is ignored."""
        if (pending := self._pending.pop(session_id, None)) is not None:
            pending.timer.cancel()
            _remember(self._over, session_id, None)

    def claimed(self, session_id: str, site: str) -> bool:
        """Whether its socket came, and came here."""
        return self._claimed.get(session_id) == site

    def awaits(self, session_id: str, site: str) -> bool:
        """Whether its socket may still come."""
        pending = self._pending.get(session_id)
        return pending is not None and pending.site == site

    def of_site(self, site: str) -> list[tuple[str, SessionTerms]]:
        """Id and terms of those of ``site``."""
        return [(session_id, each.terms) for session_id, each in self._pending.items() if each.site == site]

    def close(self) -> None:
        """Forget them, and stop their timers."""
        for pending in self._pending.values():
            pending.timer.cancel()
        self._pending.clear()


def _remember(ids: dict[str, T], session_id: str, about: T) -> None:
    ids[session_id] = about
    if len(ids) > MAX_CLAIMED:
        del ids[next(iter(ids))]


def token_used() -> TokenUsedError:
    """For whoever comes after the first."""
    return TokenUsedError("This link was already used. Ask for a new one.", param="token")


def new_session_id() -> str:
    """32 hex digits that nobody can guess."""
    return secrets.token_hex(16)
