"""Whether a session is in this process: asked by others that share its port."""

from enum import StrEnum

from server.live.outcome import ResultSink
from server.live.pending import Moving, PendingSessions
from server.live.registry import Registry


class Whereabouts(StrEnum):
    """``HERE``: it runs, waits for its patient, or ended in this process. ``ANNOUNCED``: it waits for its first
    socket."""

    UNKNOWN = "unknown"
    ANNOUNCED = "announced"
    HERE = "here"


class Known:
    """What this process knows of sessions."""

    def __init__(self, registry: Registry, pending: PendingSessions, sink: ResultSink) -> None:
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

    def give(self, session_id: str, site: str) -> Moving | None:
        """See PendingSessions."""
        return self._pending.give(session_id, site)

    def bring(self, session_id: str, moving: Moving) -> None:
        """See PendingSessions."""
        self._pending.bring(session_id, moving)
