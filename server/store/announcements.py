"""Announced sessions in the database: their links outlive a restart, and each is used once."""

from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.live.announcements import Announced
from server.live.clock import Clock
from server.live.pending import SessionTerms
from server.store.database import Database
from server.store.locking import alone
from server.store.processes import Process
from server.store.tables import announced_sessions, ended_sessions, running_sessions

KEPT_LONGER = timedelta(days=1)
"""A link whose row is gone opens nothing, so this is for the date alone, which may jump: by less it deletes nothing
that could still be opened."""

MOST = 20_000
PRUNE_EVERY = 50

_terms = TypeAdapter(SessionTerms)


class StoredAnnouncements:
    """An ``AnnouncementStore``. Of more than ``MOST`` the oldest are forgotten."""

    def __init__(self, database: Database, lock: Process, clock: Clock) -> None:
        self._database = database
        self._lock = lock
        self._clock = clock
        self._added = 0

    async def add(self, session_id: str, site: str, terms: SessionTerms, until: datetime) -> None:
        """See AnnouncementStore."""
        row = {"id": session_id, "site": site, "until": until, "terms": _terms.dump_json(terms)}
        async with self._database.writing() as connection:
            await connection.execute(insert(announced_sessions).values(row))
            if self._added % PRUNE_EVERY == 0:
                await self._prune(connection)
        self._added += 1

    async def _prune(self, connection: AsyncConnection) -> None:
        await alone(connection, "old links")
        table = announced_sessions.c
        latest = select(table.id).order_by(table.until.desc()).limit(MOST)
        old = table.until < self._clock.wall_time() - KEPT_LONGER
        await connection.execute(delete(announced_sessions).where(or_(old, table.id.not_in(latest))))

    async def find(self, session_id: str) -> Announced | None:
        """See AnnouncementStore."""
        query = select(announced_sessions).where(announced_sessions.c.id == session_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            begun = await self._begun(connection, session_id, row.begun_by)
        return Announced(row.site, _terms.validate_json(row.terms), begun)

    async def begin(self, session_id: str) -> bool:
        """See AnnouncementStore."""
        where = announced_sessions.c.id == session_id
        async with self._database.writing() as connection:
            row = (
                await connection.execute(select(announced_sessions.c.begun_by).where(where).with_for_update())
            ).one_or_none()
            if row is None or await self._begun(connection, session_id, row.begun_by):
                return False
            await connection.execute(update(announced_sessions).where(where).values(begun_by=self._lock.id))
        return True

    async def _begun(self, connection: AsyncConnection, session_id: str, begun_by: str | None) -> bool:
        """A process that was killed before it kept the session, or told its patient of it, has begun nothing."""
        if begun_by is None:
            return False
        if not await self._lock.dead(connection, [begun_by]):
            return True
        known = [exists().where(table.c.id == session_id) for table in (running_sessions, ended_sessions)]
        return bool((await connection.execute(select(or_(*known)))).scalar())

    async def give_back(self, session_id: str) -> None:
        """See AnnouncementStore."""
        ours = announced_sessions.c.id == session_id, announced_sessions.c.begun_by == self._lock.id
        async with self._database.writing() as connection:
            await connection.execute(update(announced_sessions).where(*ours).values(begun_by=None))
