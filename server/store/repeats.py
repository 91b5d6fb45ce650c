"""Answers that are given again, in the database of the data folder."""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.batches.repeats import LASTS, MOST, MOST_BYTES, Answered, Kept, Repeat, first_to_go
from server.errors import StoreError
from server.live.clock import Clock, pause
from server.store.database import Database
from server.store.locking import alone
from server.store.processes import Process
from server.store.repeat_rows import NOBODY, Packed, bound, packed, write_answer
from server.store.session_writer import Change, SessionWriter
from server.store.tables import idempotency_keys

log = logging.getLogger(__name__)

table = idempotency_keys.c

AGAIN_S = 2.0
"""The pause before what could not be written is tried again."""

FORGET_EVERY_S = 3600.0


class StoredRepeats:
    """A ``RepeatStore``. A request whose process died while it was answered came to nothing, and so did one of this
    process that ended without that being written.

    Ends that the database did not take wait here, bounded by ``MOST`` and ``MOST_BYTES``, the oldest dropped of the
    site that has most: then the next request with the key is the first again.
    """

    def __init__(self, database: Database, lock: Process, writer: SessionWriter) -> None:
        """``writer``: through which records and events of this process go."""
        self._database = database
        self._lock = lock
        self._writer = writer
        self._answering: dict[str, str] = {}
        self._with_work: dict[str, str] = {}
        self._late: dict[str, tuple[str, Packed | None]] = {}
        self._failed = asyncio.Event()

    async def begin(self, digest: str, site: str, body: str, now: datetime, before: datetime) -> Repeat:
        """See RepeatStore."""
        await self.write_late()
        async with self._database.writing() as connection:
            await alone(connection, "repeats")
            await connection.execute(delete(idempotency_keys).where(table.created_at < before))
            query = select(idempotency_keys).where(table.digest == digest).with_for_update()
            found = (await connection.execute(query)).one_or_none()
            repeat = await self._begun(connection, digest, site, body, now, found)
        if repeat.mine:
            self._answering[digest] = site
            self._with_work.pop(digest, None)
        if found is None or found.answer is None:
            return repeat
        answer = await asyncio.to_thread(zlib.decompress, found.answer)
        return Repeat(found.body, Kept(found.status, answer), mine=False, since=found.created_at)

    async def _begun(
        self,
        connection: AsyncConnection,
        digest: str,
        site: str,
        body: str,
        now: datetime,
        found: Row[tuple[object, ...]] | None,
    ) -> Repeat:
        if found is None:
            row = {"digest": digest, "site": site, "body": body, "owner": self._lock.id, "created_at": now}
            await connection.execute(insert(idempotency_keys).values(row))
            return Repeat(body, None, mine=True, since=now)
        ended = found.owner == NOBODY
        free = ended or (
            not self._under_way(digest)
            if found.owner == self._lock.id
            else bool(await self._lock.dead(connection, [found.owner]))
        )
        if found.answer is not None or not free or not (ended or found.body == body):
            return Repeat(found.body, None, mine=False, since=found.created_at)
        # With the same body it is the same work, which may have been done before the answer was lost.
        since = found.created_at if found.body == body else now
        mine = update(idempotency_keys).where(table.digest == digest)
        await connection.execute(mine.values(owner=self._lock.id, body=body, created_at=since))
        return Repeat(body, None, mine=True, since=since)

    def _under_way(self, digest: str) -> bool:
        """Also where the answer is given, but not written yet with the work that it tells of."""
        return digest in self._answering or self._writer.waits(self._with_work.get(digest, ""))

    def put(self, work_id: str, answered: Answered) -> None:
        """See RepeatStore. Bounded as the writer is: where that drops the answer, the work is done again, with the
        same id."""
        waiting = {digest: work for digest, work in self._with_work.items() if self._writer.waits(work)}
        self._with_work = waiting | {answered.digest: work_id}
        self._writer.change(work_id, Change(over=True, answered=answered))

    async def written(self, work_id: str) -> None:
        """See RepeatStore."""
        await self._writer.written(work_id)

    async def end(self, digest: str, kept: Kept | None) -> None:
        """See RepeatStore. Never raises StoreError: what was done is not undone because of it."""
        if digest in self._with_work:
            self._answering.pop(digest, None)
            return
        answer = None
        try:
            if kept is not None:
                answer = await asyncio.to_thread(packed, kept)
        finally:
            self._late[digest] = self._answering.pop(digest, ""), answer
            self._bound()
        try:
            await self.write_late()
        except StoreError:
            log.warning("the answer to a request with an Idempotency-Key could not be written; trying again")
            self._failed.set()

    def _bound(self) -> None:
        def sizes() -> list[tuple[str, str, int]]:
            return [(digest, site, len(one.answer) if one else 0) for digest, (site, one) in self._late.items()]

        while sum(size for *_, size in sizes()) > MOST_BYTES:
            del self._late[first_to_go(sizes())]
        while len(self._late) > MOST:
            del self._late[first_to_go((digest, site, 1) for digest, site, _ in sizes())]

    async def write_late(self) -> None:
        """What ended and is not written. Raises StoreError."""
        if not self._late:
            return
        late = dict(self._late)
        async with self._database.writing() as connection:
            await alone(connection, "repeats")
            for digest, (_, answer) in late.items():
                await self._write(connection, digest, answer)
            await bound(connection)
        for digest, ended in late.items():
            if self._late.get(digest) is ended:
                self._late.pop(digest, None)

    async def _write(self, connection: AsyncConnection, digest: str, answer: Packed | None) -> None:
        if answer is not None:
            await write_answer(connection, digest, answer, self._lock.id)
            return
        mine = table.digest == digest, table.owner == self._lock.id, table.answer.is_(None)
        await connection.execute(update(idempotency_keys).where(*mine).values(owner=NOBODY))

    async def forget(self, before: datetime) -> int:
        """Delete the keys that began before then, with their answers; how many. Raises StoreError."""
        async with self._database.writing() as connection:
            await alone(connection, "repeats")
            old = delete(idempotency_keys).where(table.created_at < before)
            forgotten = (await connection.execute(old)).rowcount
        if forgotten:
            await self._database.forget()
        return forgotten

    async def forget_on(self, clock: Clock) -> None:
        """Until cancelled: old keys go also where no other request with one comes."""
        while True:
            try:
                await self.forget(clock.wall_time() - LASTS)
            except StoreError:
                log.warning("old answers could not be deleted; they will be later")
            await pause(clock, FORGET_EVERY_S)

    async def run(self, clock: Clock) -> None:
        """Until cancelled: what could not be written is tried again, also where no other request comes."""
        while True:
            await self._failed.wait()
            await pause(clock, AGAIN_S)
            self._failed.clear()
            try:
                await self.write_late()
            except StoreError:
                self._failed.set()


@asynccontextmanager
async def open_repeats(
    database: Database, lock: Process, writer: SessionWriter, clock: Clock
) -> AsyncIterator[StoredRepeats]:
    """While the block runs, what could not be written is tried again, and what is old is deleted. ``writer``: as in
    StoredRepeats."""
    repeats = StoredRepeats(database, lock, writer)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(repeats.run(clock), name="late answers"),
            group.create_task(repeats.forget_on(clock), name="old answers"),
        ]
        try:
            yield repeats
        finally:
            for task in tasks:
                task.cancel()
