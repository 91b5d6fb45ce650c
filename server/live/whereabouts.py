"""Whether a session is in this process: asked by others that share its port."""

import asyncio
from enum import StrEnum

from server.access.tokens import Claim
from server.errors import SessionExpiredError, TokenUsedError, UnknownSessionError
from server.live.announcements import Announcements
from server.live.outcome import ResultSink
from server.live.pending import Moving
from server.live.registry import Registry


class Whereabouts(StrEnum):
    """``HERE``: it runs, waits for its patient, or ended in this process. ``ANNOUNCED``: it waits for its first
    socket."""

    UNKNOWN = "unknown"
    ANNOUNCED = "announced"
    HERE = "here"


class Known:
    """What this process knows of sessions."""

    def __init__(self, registry: Registry, pending: Announcements, sink: ResultSink) -> None:
        self._registry = registry
        self._pending = pending
        self._sink = sink

    async def where(self, session_id: str, site: str) -> Whereabouts:
        """A session of another site is unknown. Raises StoreError."""
        if self._registry.running(session_id, site) is not None or self._pending.claimed(session_id, site):
            return Whereabouts.HERE
        if self._pending.awaits(session_id, site):
            return Whereabouts.ANNOUNCED
        ended = await self._sink.find(session_id, site) is not None
        return Whereabouts.HERE if ended else Whereabouts.UNKNOWN

    def runs(self, claim: Claim | None, site: str) -> bool:
        """Whether the session of this token is here: its patient begins anew in it."""
        return claim is not None and self._registry.running(claim.session_id, site) is not None

    async def check_link(self, session_id: str, site: str) -> None:
        """Whether a patient could begin this announced session now; nothing is begun.

        Raises what its ``session.start`` would meet: TokenUsedError, unless nothing was said in it yet,
        UnknownSessionError, StoreError, CapacityError.
        """
        await self._pending.recall(session_id)
        try:
            self._pending.terms(session_id, site)
        except TokenUsedError:
            running = self._registry.running(session_id, site)
            if running is None or not running.session.unheard:
                raise

    async def windows(self, session_id: str, site: str, at: int) -> tuple[str, int | None]:
        """Page ``at`` of the windows of a session that ended, as a JSON array, and the number of the page after it.

        Raises UnknownSessionError, also for one that goes on and for a page that is not there; SessionExpiredError,
        StoreError.
        """
        found = await self._sink.find(session_id, site)
        if found is None:
            raise UnknownSessionError("There is no such session that has ended.")
        if found.farewell is None:
            raise SessionExpiredError("This session ended too long ago; its windows are not kept any more.")
        try:
            page = await asyncio.to_thread(found.farewell.page, at)
        except IndexError:
            raise UnknownSessionError("The session has no such page of windows.", param="cursor") from None
        return page, at + 1 if at + 1 < len(found.farewell.pages) else None

    def give(self, session_id: str, site: str, to: str) -> Moving | None:
        """See PendingSessions."""
        return self._pending.give(session_id, site, to)

    def bring(self, session_id: str, moving: Moving) -> None:
        """See PendingSessions."""
        self._pending.bring(session_id, moving)
