"""Answers that are given again, in the database of the data folder."""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.batches.repeats import MOST, MOST_BYTES, Kept, Repeat
from server.errors import StoreError
from server.live.clock import Clock, pause
from server.store.checkpoint_parts import LEVEL
from server.store.database import Database
from server.store.locking import alone
from server.store.processes import Process
from server.store.tables import idempotency_keys

log = logging.getLogger(__name__)

table = idempotency_keys.c

AGAIN_S = 2.0
"""The pause before what could not be written is tried again."""

NOBODY = ""
"""Owner of a key whose request came to an end without an answer."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer as it is kept."""

    status: int
    answer: bytes


def packed(kept: Kept) -> Packed:
    """Takes milliseconds: call it on a thread."""
    return Packed(kept.status, zlib.compress(kept.answer, LEVEL))


async def write_answer(connection: AsyncConnection, digest: str, answer: Packed, owner: str | None = None) -> None:
    """In the caller's transaction. ``owner``: only if the request is that process's."""
    where = [table.digest == digest, table.answer.is_(None), *([] if owner is None else [table.owner == owner])]
    change = update(idempotency_keys).where(*where).values(status=answer.status, answer=answer.answer)
    await connection.execute(change)


class StoredRepeats:
    """A ``RepeatStore``. A request whose process died while it was answered came to nothing, and so did one of this
    process that ended without that being written.

    Ends that the database did not take wait here, bounded by ``MOST`` and ``MOST_BYTES``, the oldest dropped: then the
    next request with the key is the first again.
    """

    def __init__(self, database: Database, lock: Process) -> None:
        self._database = database
        self._lock = lock
        self._answering: set[str] = set()
        self._late: dict[str, Packed | None] = {}
        self._failed = asyncio.Event()

    async def begin(self, digest: str, body: str, now: datetime, before: datetime) -> Repeat:
        """See RepeatStore."""
        await self.write_late()
        async with self._database.writing() as connection:
            await alone(connection, "repeats")
            await connection.execute(delete(idempotency_keys).where(table.created_at < before))
            query = select(idempotency_keys).where(table.digest == digest).with_for_update()
            found = (await connection.execute(query)).one_or_none()
            repeat = await self._begun(connection, digest, body, now, found)
        if repeat.mine:
            self._answering.add(digest)
        if found is None or found.answer is None:
            return repeat
        answer = await asyncio.to_thread(zlib.decompress, found.answer)
        return Repeat(found.body, Kept(found.status, answer), mine=False, since=found.created_at)

    async def _begun(
        self, connection: AsyncConnection, digest: str, body: str, now: datetime, found: Row[tuple[object, ...]] | None
    ) -> Repeat:
        if found is None:
            row = {"digest": digest, "body": body, "owner": self._lock.id, "created_at": now}
            await connection.execute(insert(idempotency_keys).values(row))
            return Repeat(body, None, mine=True, since=now)
        ended = found.owner == NOBODY
        free = ended or (
            digest not in self._answering
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

    async def end(self, digest: str, kept: Kept | None) -> None:
        """See RepeatStore. Never raises StoreError: what was done is not undone because of it."""
        answer = None
        try:
            if kept is not None:
                answer = await asyncio.to_thread(packed, kept)
        finally:
            self._late[digest] = answer
            self._answering.discard(digest)
            self._bound()
        try:
            await self.write_late()
        except StoreError:
            log.warning("the answer to a request with an Idempotency-Key could not be written; trying again")
            self._failed.set()

    def _bound(self) -> None:
        while len(self._late) > MOST or sum(len(one.answer) for one in self._late.values() if one) > MOST_BYTES:
            del self._late[next(iter(self._late))]

    async def write_late(self) -> None:
        """What ended and is not written. Raises StoreError."""
        if not self._late:
            return
        late = dict(self._late)
        async with self._database.writing() as connection:
            await alone(connection, "repeats")
            for digest, answer in late.items():
                await self._write(connection, digest, answer)
        for digest, answer in late.items():
            if self._late.get(digest) is answer:
                self._late.pop(digest, None)

    async def _write(self, connection: AsyncConnection, digest: str, answer: Packed | None) -> None:
        if answer is not None:
            await write_answer(connection, digest, answer, self._lock.id)
            await self._bound_bytes(connection)
            return
        mine = table.digest == digest, table.owner == self._lock.id, table.answer.is_(None)
        await connection.execute(update(idempotency_keys).where(*mine).values(owner=NOBODY))

    async def _bound_bytes(self, connection: AsyncConnection) -> None:
        """The oldest answers are forgotten beyond ``MOST_BYTES``; that there was one, and of which work, is not."""
        kept = table.answer.is_not(None)
        size = func.sum(func.length(table.answer)).over(order_by=(table.created_at.desc(), table.digest))
        sizes = select(table.digest, size.label("size")).where(kept).subquery()
        beyond = select(sizes.c.digest).where(sizes.c.size > MOST_BYTES)
        change = update(idempotency_keys).where(table.digest.in_(beyond))
        await connection.execute(change.values(status=None, answer=None, owner=NOBODY))

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
async def open_repeats(database: Database, lock: Process, clock: Clock) -> AsyncIterator[StoredRepeats]:
    """While the block runs, what could not be written is tried again."""
    repeats = StoredRepeats(database, lock)
    async with asyncio.TaskGroup() as group:
        trying = group.create_task(repeats.run(clock), name="late answers")
        try:
            yield repeats
        finally:
            trying.cancel()
