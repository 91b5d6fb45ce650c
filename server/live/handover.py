"""What other processes want of the sessions here, and the sessions that they left behind."""

import asyncio
import logging
from datetime import UTC, datetime

from server.assessment.engine import Engine, HeardAudio
from server.errors import SnapshotError, TingqingError
from server.live.checkpoint import SessionCheckpoint
from server.live.checkpointing import restore_session
from server.live.clock import Clock
from server.live.limits import LiveLimits
from server.live.outcome import Outcome
from server.live.registry import Registry
from server.logs import about_session

log = logging.getLogger(__name__)


class Handover:
    """A ``live.checkpoint.Holder``. Sessions whose patients did not come back are concluded, each once: the store gives
    a session to one process only. ``group`` owns the tasks."""

    def __init__(
        self, engine: Engine, registry: Registry, limits: LiveLimits, clock: Clock, group: asyncio.TaskGroup
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._clock = clock
        self._group = group
        self._closed = False

    def close(self) -> None:
        """This process stops: it takes no session any more."""
        self._closed = True

    def give_up(self, session_id: str) -> None:
        """See Holder."""
        self._registry.give_up(session_id)

    def lost(self, session_id: str) -> None:
        """See Holder."""
        self._registry.give_up(session_id, lost=True)

    def take_in(self, session_id: str) -> None:
        """Take the session and end it with the result so far; of one that cannot be read, only its end is kept."""
        if not self._closed:
            self._group.create_task(self._take_in(session_id))

    async def _take_in(self, session_id: str) -> None:
        about_session(session_id)
        try:
            checkpoint = await self._registry.take(session_id)
        except SnapshotError:
            log.warning("a session was left behind by another version; it has no result")
            await self._registry.bury(_ended(session_id, "", self._clock.wall_time()))
            return
        except TingqingError as error:
            log.warning("an abandoned session could not be taken: %s", error.code)
            return
        if checkpoint is None or self._registry.running(session_id, checkpoint.site) is not None:
            return
        await self._conclude(session_id, checkpoint)

    async def _conclude(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        try:
            session = restore_session(checkpoint, self._engine, self._limits, self._clock)
            core = self._engine.make_core(session.audio)
            if session.core is not None:
                core = self._engine.restore_core(bytes(session.core))
        except SnapshotError:
            log.warning("a session that was left behind cannot be read by this server; it has no result")
            await self._registry.bury(_ended(session_id, checkpoint.site, self._clock.wall_time()))
            return
        heard = HeardAudio.of(core)
        samples = max(heard.samples, session.furthest_sample)
        self._registry.take_in(session, HeardAudio(samples, heard.sample_rate, heard.speech_s, heard.totals))


def _ended(session_id: str, site: str, at: datetime) -> Outcome:
    return Outcome(session_id, site, None, "expired", at.astimezone(UTC), None, None)
