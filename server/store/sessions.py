"""Running sessions in the database, so that they outlive the process that has them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from server.errors import StoreError
from server.live.checkpoint import Holder, SessionCheckpoint
from server.live.clock import Clock, deadline, pause
from server.live.limits import LiveLimits
from server.live.outcome import RecentResults, ResultSink
from server.notify.changes import LabelChanges, RuleMatches
from server.notify.events import Event, label_changed, rule_matched
from server.store import session_rows
from server.store.announcements import StoredAnnouncements
from server.store.checkpoint_parts import joined, site_in
from server.store.database import Database
from server.store.health import StoreHealth
from server.store.locking import alone
from server.store.presence import open_process
from server.store.processes import Process
from server.store.results import StoredResults
from server.store.session_writer import Change, SessionWriter

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How soon a process learns that another one asks for a session."""

SWEEP_EVERY = 10
"""Polls from one look for abandoned sessions and old results to the next."""

HAND_OVER_S = 3.0
"""A process that does not let go of a session within this time loses it to the one to which its patient came."""

UNREACHED_S = 1800.0
"""On PostgreSQL a process that seems dead may be on a machine that is cut off from the database, with patients who go
on talking: what it has is concluded no sooner. A patient who comes here gets the session at once all the same."""

ASK_EVERY_S = 0.1
FLUSH_S = 5.0


class StoredSessions:
    """A ``CheckpointStore``. Which process has a session stands in its row: that process alone writes it. Whether a
    process is alive is told by its lock.

    A session goes to another process when its patient comes back there and the former one died, let go, or did not
    answer for ``HAND_OVER_S``; and to be concluded, when nobody has had it for ``resume_ttl_s``, on PostgreSQL for
    ``UNREACHED_S`` if its owner did not let go of it.
    """

    def __init__(
        self,
        database: Database,
        lock: Process,
        clock: Clock,
        health: StoreHealth,
        limits: LiveLimits,
        forget: Callable[[str], None],
    ) -> None:
        """``forget``: called with each session that another process took: it may have ended here meanwhile."""
        self._database = database
        self._lock = lock
        self._clock = clock
        self._limits = limits
        self.health = health
        self.writer = SessionWriter(database, lock.id, clock, health, limits.max_ended_bytes, self._lost)
        self._holder: Holder | None = None
        self._forget = forget
        self._unowned_since: dict[tuple[str, str | None], float] = {}
        self._ended_since: dict[str, float] = {}
        self._changes = LabelChanges()
        self._matches = RuleMatches()

    @property
    def lasting(self) -> bool:
        """See CheckpointStore."""
        return not self.writer.failing

    def serve(self, holder: Holder) -> None:
        """See CheckpointStore."""
        self._holder = holder

    def forget_result(self, session_id: str) -> None:
        """Latecomers to this process find nothing of it any more."""
        self._forget(session_id)

    def _lost(self, session_id: str) -> None:
        self._forget(session_id)
        self._forget_told(session_id)
        if self._holder is not None:
            self._holder.lost(session_id)

    async def put(self, session_id: str, checkpoint: SessionCheckpoint, *, at_once: bool = False) -> None:
        """See CheckpointStore."""
        self.writer.change(session_id, Change(checkpoint, events=self._told(session_id, checkpoint)))
        if at_once:
            await self.writer.written(session_id)

    def _told(self, session_id: str, checkpoint: SessionCheckpoint) -> tuple[Event, ...]:
        """Labels that changed sides, and rules that matched, for systems that asked to be told."""
        changed = self._changes.seen(session_id, checkpoint.passes, self._clock.now())
        matches = self._matches.seen(session_id, checkpoint.matches)
        if not changed and not matches:
            return ()
        site, state, now = checkpoint.site, checkpoint.state, self._clock.wall_time()
        reference = state["start"].get("reference")
        whose = {"id": session_id, "kind": "session", "reference": reference, "attempt_of": state.get("attempt_of")}
        told = [rule_matched(one, site, now, whose) for one in matches]
        return *told, *([label_changed(session_id, site, reference, now, changed)] if changed else [])

    def _forget_told(self, session_id: str) -> None:
        self._changes.forget(session_id)
        self._matches.forget(session_id)

    async def get(self, session_id: str, site: str | None = None) -> SessionCheckpoint | None:
        """See CheckpointStore."""
        async with self._database.reading() as connection:
            found = await session_rows.read(connection, session_id, site)
        if found is None:
            return None
        head, rows = found
        return await asyncio.to_thread(joined, head.head, head.core, rows)

    async def site_of(self, session_id: str) -> str | None:
        """See CheckpointStore."""
        async with self._database.reading() as connection:
            head = await session_rows.read_head(connection, session_id)
        return await asyncio.to_thread(site_in, head or b"")  # time must not tell whether there is one

    async def holds(self, session_id: str) -> bool:
        """See CheckpointStore."""
        async with self._database.reading() as connection:
            owners = await session_rows.owners(connection, [session_id])
            had = {session_id} if session_id in owners or self.writer.has_written(session_id) else set()
            return not await session_rows.taken_of(connection, self._lock.id, owners, had)

    async def take(self, session_id: str) -> SessionCheckpoint | None:
        """See CheckpointStore."""
        await self.writer.written(session_id)  # what this process left behind must not follow what it takes
        try:
            until = self._clock.now() + HAND_OVER_S
            while not await self._taken(session_id, forced=self._clock.now() >= until):
                await pause(self._clock, ASK_EVERY_S)
            checkpoint = await self.get(session_id)
        except BaseException:  # cut off, it may be this one's by now, and nobody would go on with it or conclude it
            self.writer.change(session_id, Change(release=True))
            raise
        if checkpoint is not None:
            self.writer.took(session_id, checkpoint)
        return checkpoint

    async def _taken(self, session_id: str, *, forced: bool) -> bool:
        """Whether it is this process's, or gone; otherwise its owner is asked for it."""
        async with self._database.writing() as connection:
            owners = await session_rows.locked_owners(connection, [session_id])
            if session_id not in owners:
                return True
            owner = owners[session_id]
            if owner is None or owner == self._lock.id or forced or await self._lock.dead(connection, [owner]):
                await session_rows.own(connection, session_id, self._lock.id)
                return True
            await session_rows.want(connection, session_id, self._lock.id)
            return False

    async def leave(self, session_id: str) -> None:
        """See CheckpointStore."""
        self._forget_told(session_id)
        self.writer.change(session_id, Change(release=True))
        await self.writer.written(session_id)

    async def delete(self, session_id: str) -> None:
        """See CheckpointStore."""
        self._forget_told(session_id)
        self.writer.change(session_id, Change(over=True))
        await self.writer.written(session_id)

    # -- what other processes do

    async def watch(self) -> None:
        """Until cancelled."""
        polls = 0
        while True:
            try:
                await self._poll(sweep=polls % SWEEP_EVERY == 0)
                self.health.worked("reading")
            except (StoreError, OSError):
                self.health.failed("reading")
            polls += 1
            await pause(self._clock, POLL_S)

    async def _poll(self, *, sweep: bool) -> None:
        before = self.writer.settled()
        async with self._database.reading() as connection:
            held = await session_rows.held_by(connection, self._lock.id)
            gone = before - held.keys()
            owners = await session_rows.owners(connection, gone) if gone else {}
            gone = await session_rows.taken_of(connection, self._lock.id, owners, gone)
        for session_id in gone & self.writer.settled():
            self.writer.forget(session_id)
            self._lost(session_id)
        for session_id, wanted_by in held.items():
            if wanted_by is not None and self._holder is not None:
                self._holder.give_up(session_id)
        if sweep:
            await self._take_in_abandoned()
            await self._forget_old_results()
            self._lock.sweep()

    async def _take_in_abandoned(self) -> None:
        """Counted from when this process first saw that nobody had it: no jump of the date ends a session."""
        async with self._database.reading() as connection:
            owners = await session_rows.owners(connection)
            dead = await self._lock.dead(connection, {owner for owner in owners.values() if owner is not None})
        now = self._clock.now()
        unowned = [each for each in owners.items() if each[1] is None or each[1] in dead]
        self._unowned_since = {each: self._unowned_since.get(each, now) for each in unowned}
        patience_s = self._limits.resume_ttl_s
        unreached_s = patience_s if self._database.url is None else max(patience_s, UNREACHED_S)
        for (session_id, owner), since in self._unowned_since.items():
            if now - since >= (patience_s if owner is None else unreached_s) and self._holder is not None:
                self._holder.take_in(session_id)

    async def _forget_old_results(self) -> None:
        """Counted in the same way: no jump of the date takes a result from who comes for it."""
        if not self.lasting:
            return
        now = self._clock.now()
        async with self._database.writing() as connection:
            await alone(connection, "old results")
            kept = await session_rows.with_results(connection)
            self._ended_since = {session_id: self._ended_since.get(session_id, now) for session_id in kept}
            old = [each for each, since in self._ended_since.items() if now - since >= self._limits.resume_ttl_s]
            await session_rows.forget_ended(connection, old, self._limits.max_ended_bytes)


@asynccontextmanager
async def open_sessions(
    database: Database, data_dir: Path | None, clock: Clock, limits: LiveLimits, *, keep: bool = True
) -> AsyncIterator[tuple[StoredSessions, ResultSink, StoredAnnouncements, Process]]:
    """Sessions, results and announced sessions, written and watched while the block runs; at its end the rest is
    written. ``data_dir``: of the database, if it is in one. ``keep``: as in StoredResults. The last tells of processes
    which are alive.

    Raises SettingsError if the folder cannot be used, and StoreError.
    """
    async with open_process(database, data_dir) as lock:
        recent = RecentResults(clock, limits.resume_ttl_s, limits.max_ended_bytes)
        sessions = StoredSessions(database, lock, clock, StoreHealth(), limits, recent.drop)
        async with asyncio.TaskGroup() as group:
            writing, watching = group.create_task(sessions.writer.run()), group.create_task(sessions.watch())
            try:
                results = StoredResults(recent, database, sessions.writer, keep=keep)
                yield sessions, results, StoredAnnouncements(database, lock, clock), lock
            finally:
                watching.cancel()
                await _finish(sessions, writing, clock)


async def _finish(sessions: StoredSessions, writing: asyncio.Task[None], clock: Clock) -> None:
    """The batch in flight is not broken off: nobody could tell what of it was written."""
    sessions.writer.stop()
    try:
        async with deadline(clock, FLUSH_S):
            await asyncio.wait({writing})
    except TimeoutError:
        log.error("the last checkpoints could not be written in time")
    finally:
        writing.cancel()
