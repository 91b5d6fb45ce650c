"""Results of sessions that have just ended, for patients and doctors who come late, perhaps to another process."""

import asyncio
import base64
import json
import zlib

from sqlalchemy import select, update

from server.live.outcome import Farewell, Outcome, Remembered, ResultSink
from server.store.checkpoint_parts import LEVEL
from server.store.database import Database
from server.store.session_rows import EndedRow
from server.store.session_writer import Change, SessionWriter
from server.store.tables import ended_sessions


class StoredResults:
    """A ``ResultSink``: first in this process, as ``recent``, then in the database, in the transaction that removes the
    running session. So each session ends once, and the result of one that another process took is not kept.

    Bounded as ``recent`` is: by bytes and by time.
    """

    def __init__(self, recent: ResultSink, database: Database, writer: SessionWriter) -> None:
        self._recent = recent
        self._database = database
        self._writer = writer

    async def ended(self, outcome: Outcome) -> None:
        """See ResultSink. If the database fails, only this process has the result."""
        await self._recent.ended(outcome)
        farewell = outcome.farewell
        packed = None if farewell is None else await asyncio.to_thread(_packed, farewell)
        digest = None if farewell is None else farewell.resume_digest
        row = EndedRow(outcome.session_id, outcome.site, outcome.at, digest, packed)
        self._writer.change(outcome.session_id, Change(over=True, ended=row))
        await self._writer.written(outcome.session_id)

    async def find(self, session_id: str, site: str) -> Remembered | None:
        """See ResultSink. Raises StoreError."""
        found = await self._recent.find(session_id, site)
        if found is not None:
            return found
        table = ended_sessions.c
        query = select(ended_sessions).where(table.id == session_id, table.site == site)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if row.farewell is None or row.resume_digest is None:
            return Remembered(session_id, None, collected=True)
        farewell = await asyncio.to_thread(_unpacked, row.farewell, row.resume_digest)
        return Remembered(session_id, farewell, row.collected)

    async def collected(self, session_id: str) -> None:
        """See ResultSink. Raises StoreError."""
        await self._recent.collected(session_id)
        if not self._writer.failing:
            change = update(ended_sessions).where(ended_sessions.c.id == session_id).values(collected=True)
            async with self._database.writing() as connection:
                await connection.execute(change)

    async def close(self) -> None:
        """See ResultSink. The database keeps what it has for those who ask another process."""
        await self._recent.close()


def _packed(farewell: Farewell) -> bytes:
    pages = [base64.b64encode(page).decode() for page in farewell.pages]
    return zlib.compress(json.dumps([farewell.ended, farewell.snapshot, pages]).encode(), LEVEL)


def _unpacked(packed: bytes, resume_digest: str) -> Farewell:
    ended, snapshot, *more = json.loads(zlib.decompress(packed))
    pages = more[0] if more else []  # of a version that sent everything at once
    return Farewell(ended, snapshot, resume_digest, tuple(base64.b64decode(page) for page in pages))
