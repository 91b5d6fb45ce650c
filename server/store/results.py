"""Results of sessions that have just ended, for patients and doctors who come late, perhaps to another process."""

import asyncio
import base64
import json
import zlib

from sqlalchemy import select, update

from server.live.outcome import Farewell, Outcome, Remembered, ResultSink
from server.notify.events import session_events
from server.records.kept import KeptRecord, RecordKind, local_day
from server.records.making import plain_text, record_of
from server.store.checkpoint_parts import LEVEL
from server.store.database import Database
from server.store.session_rows import EndedRow
from server.store.session_writer import Change, SessionWriter
from server.store.tables import ended_sessions


class StoredResults:
    """A ``ResultSink``: first in this process, as ``recent``, then in the database, in the transaction that removes the
    running session. So each session ends once, and the result of one that another process took is not kept.

    Bounded as ``recent`` is: by bytes and by time. ``keep``: beside it a record is kept, until its own time is over.
    """

    def __init__(self, recent: ResultSink, database: Database, writer: SessionWriter, *, keep: bool = True) -> None:
        self._recent = recent
        self._keep = keep
        self._database = database
        self._writer = writer

    async def ended(self, outcome: Outcome) -> None:
        """See ResultSink. If the database fails, only this process has the result."""
        await self._recent.ended(outcome)
        farewell = outcome.farewell
        packed = None if farewell is None else await asyncio.to_thread(_packed, farewell)
        record = await asyncio.to_thread(_recorded, outcome) if self._keep else None
        digest = None if farewell is None else farewell.resume_digest
        told = session_events(
            outcome.session_id, outcome.site, outcome.reference, outcome.reason, outcome.at, outcome.result
        )
        row = EndedRow(outcome.session_id, outcome.site, outcome.at, digest, packed, told)
        self._writer.change(outcome.session_id, Change(over=True, ended=row, record=record))
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


def _recorded(outcome: Outcome) -> KeptRecord | None:
    """``None`` of a session of which nothing is known but that it was."""
    began, course = outcome.began, outcome.course
    if not outcome.site or began is None:
        return None
    if outcome.result is None:
        return KeptRecord(
            outcome.session_id,
            outcome.site,
            RecordKind.SESSION,
            began,
            outcome.at,
            local_day(outcome.at),
            plain_text(outcome.reference),
            reason=outcome.reason,
        )
    return record_of(
        outcome.result,
        outcome.site,
        started_at=began,
        ended_at=outcome.at,
        result_text=None if outcome.farewell is None else outcome.farewell.result_text(),
        reason=outcome.reason,
        prompts=(course.raised, course.followed),
        first_usable_s=course.first_usable_s,
    )


def _packed(farewell: Farewell) -> bytes:
    pages = [base64.b64encode(page).decode() for page in farewell.pages]
    return zlib.compress(json.dumps([farewell.ended, farewell.snapshot, pages]).encode(), LEVEL)


def _unpacked(packed: bytes, resume_digest: str) -> Farewell:
    ended, snapshot, *more = json.loads(zlib.decompress(packed))
    pages = more[0] if more else []  # of a version that sent everything at once
    return Farewell(ended, snapshot, resume_digest, tuple(base64.b64decode(page) for page in pages))
