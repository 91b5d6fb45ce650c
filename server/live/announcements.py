"""Announced sessions that outlive the process which announced them, each begun once, whichever process begins it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from server.live.clock import Clock
from server.live.limits import LiveLimits
from server.live.pending import Moving, PendingSessions, SessionTerms, token_used
from server.live.port_calls import PortCalls


@dataclass(frozen=True, slots=True)
class Announced:
    """A session that was announced. ``begun``: its socket came, so no other can begin it."""

    site: str
    terms: SessionTerms
    begun: bool


class AnnouncementStore(Protocol):
    """Announced sessions, for every process that shares the store. Every method raises StoreError."""

    async def add(self, session_id: str, site: str, terms: SessionTerms, until: datetime) -> None:
        """Keep it, at least until ``until``, UTC."""
        ...

    async def find(self, session_id: str) -> Announced | None:
        """``None``: it was never announced, or so long ago that no token opens it."""
        ...

    async def begin(self, session_id: str) -> bool:
        """Whether this process begins it: true once, for all processes. One that died before its session was kept has
        begun nothing."""
        ...

    async def give_back(self, session_id: str) -> None:
        """Nothing came of its beginning here: another socket may begin it."""
        ...


class Announcements(PendingSessions):
    """Those of this process, and behind them those of ``store``. Without a store it is as its base.

    Call ``recall`` before anything is asked of a session that came with a token. How long an announced session waits is
    counted here by a clock that does not jump; elsewhere its token tells.
    """

    def __init__(
        self,
        clock: Clock,
        limits: LiveLimits,
        store: AnnouncementStore | None = None,
        elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(clock, limits.claim_s, limits.max_sessions, elsewhere)
        self._dates = clock
        self._lasts = timedelta(seconds=limits.claim_s)
        self._store = store
        self._calls = PortCalls(clock, limits)

    async def keep(self, session_id: str, site: str, terms: SessionTerms) -> str:
        """Its id, once it is kept. A store that fails costs only that it does not outlive this process."""
        if self._store is not None:
            until = self._dates.wall_time() + self._lasts
            await self._calls.tell(
                self._store.add(session_id, site, terms, until), "an announced session could not be kept"
            )
        return session_id

    async def recall(self, session_id: str) -> None:
        """Know of this session what the store knows. Raises StoreError, CapacityError."""
        if self._store is None:
            return
        found = await self._calls.ask(self._store.find(session_id))
        if found is not None:
            self.learn(session_id, found.site, found.terms, claimed=found.begun)

    async def redeem(self, session_id: str, site: str) -> Moving:
        """Its socket is there: no other socket begins it, in whatever process, unless it is given back.

        Raises TokenUsedError if one came meanwhile, StoreError, CapacityError.
        """
        self.terms(session_id, site)
        claimed = self.claim(session_id)
        if self._store is None:
            return claimed
        try:
            begun = await self._calls.ask(self._store.begin(session_id))
            # Where the store failed when it was announced, this process alone knows it.
            used = not begun and await self._calls.ask(self._store.find(session_id)) is not None
        except BaseException:
            self.unclaim(session_id, claimed)
            raise
        if used:
            self.unclaim(session_id, claimed)
            self.learn(session_id, site, claimed.terms, claimed=True)
            raise token_used()
        return claimed

    async def give_back(self, session_id: str, redeemed: Moving) -> None:
        """Its socket is refused after all: another one may begin it, in whatever process."""
        if self._store is not None:
            await self._calls.tell(self._store.give_back(session_id), "a link could not be given back")
        self.unclaim(session_id, redeemed)

    async def awaited(self, session_id: str, site: str) -> bool:
        """Whether its socket may still come, to whatever process. Raises StoreError, CapacityError."""
        found = None if self._store is None else await self._calls.ask(self._store.find(session_id))
        return self.awaits(session_id, site) if found is None else found.site == site and not found.begun
