"""Answers that are given again, in the database of the data folder."""

import zlib
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from server.batches.repeats import Kept, Repeat
from server.store.checkpoint_parts import LEVEL
from server.store.database import Database
from server.store.processes import ProcessLock
from server.store.tables import idempotency_keys

table = idempotency_keys.c


class StoredRepeats:
    """A ``RepeatStore``. A request whose process died while it was answered came to nothing."""

    def __init__(self, database: Database, lock: ProcessLock) -> None:
        self._database = database
        self._lock = lock

    async def begin(self, digest: str, body: str, now: datetime, before: datetime) -> Repeat:
        """See RepeatStore."""
        async with self._database.writing() as connection:
            await connection.execute(delete(idempotency_keys).where(table.created_at < before))
            found = (await connection.execute(select(idempotency_keys).where(table.digest == digest))).one_or_none()
            if found is None:
                row = {"digest": digest, "body": body, "owner": self._lock.id, "created_at": now}
                await connection.execute(insert(idempotency_keys).values(row))
                return Repeat(body, None, mine=True)
            if found.answer is not None:
                return Repeat(found.body, Kept(found.status, zlib.decompress(found.answer)), mine=False)
            if found.body == body and self._lock.dead(found.owner):
                again = update(idempotency_keys).where(table.digest == digest)
                await connection.execute(again.values(owner=self._lock.id, created_at=now))
                return Repeat(body, None, mine=True)
        return Repeat(found.body, None, mine=False)

    async def end(self, digest: str, kept: Kept | None) -> None:
        """See RepeatStore."""
        mine = table.digest == digest, table.owner == self._lock.id
        async with self._database.writing() as connection:
            if kept is None:
                await connection.execute(delete(idempotency_keys).where(*mine))
            else:
                answer = zlib.compress(kept.answer, LEVEL)
                change = update(idempotency_keys).where(*mine).values(status=kept.status, answer=answer)
                await connection.execute(change)
