"""Kept results in the database of the data folder."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

from sqlalchemy import select

from server.errors import StoreError
from server.live.clock import Clock, pause
from server.records.kept import KeptRecord
from server.records.ports import Day, Place, Sums, Wanted
from server.records.words import DoctorsWords
from server.store import batch_rows, outbox_rows, pruned_rows, record_rows, repeat_rows, review_rows, sum_rows
from server.store.database import Database
from server.store.locking import alone
from server.store.session_writer import Change, SessionWriter
from server.store.tables import assessments

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Records in one transaction of a long work, so that sessions get their turn in between."""

PRUNE_EVERY_S = 3600.0


class StoredRecords:
    """A ``RecordStore``. ``writer``: through which new records come, in one queue with the sessions'; ``None`` where
    nothing new is kept."""

    def __init__(
        self,
        database: Database,
        writer: SessionWriter | None = None,
        forget: Callable[[str], None] = lambda record_id: None,
    ) -> None:
        """``forget``: told of what is deleted on request, which this process may still remember for latecomers."""
        self._database = database
        self._writer = writer
        self._forget = forget

    @property
    def keeps(self) -> bool:
        """See RecordStore."""
        return self._writer is not None

    async def keep(self, record: KeptRecord) -> None:
        """See RecordStore. Bounded as the writer is. Returns when it is written, or when the database fails."""
        if self._writer is None:
            return
        self._writer.change(record.id, Change(over=True, record=record))
        await self._writer.written(record.id)

    async def find(self, site: str, record_id: str) -> KeptRecord | None:
        """See RecordStore."""
        async with self._database.reading() as connection:
            return await record_rows.find(connection, site, record_id)

    async def page(self, site: str, wanted: Wanted, limit: int, after: Place | None = None) -> Sequence[KeptRecord]:
        """See RecordStore."""
        async with self._database.reading() as connection:
            return await record_rows.page(connection, site, wanted, limit, after)

    async def delete(self, site: str, record_id: str) -> bool:
        """See RecordStore."""
        async with self._database.writing() as connection:
            there = await record_rows.find(connection, site, record_id) is not None
            if there:  # in the order in which whoever deletes its batch takes the rows
                await batch_rows.forget_results(connection, site, [record_id])
                await outbox_rows.forget_about(connection, [record_id])
                there = await record_rows.remove(connection, site, record_id)
                await repeat_rows.forget_works(connection, site, [record_id])
        if there:
            self._forget(record_id)
            await self._database.forget()
        return there

    async def doubtful(self, site: str, limit: int, *, said: bool = False) -> Sequence[tuple[KeptRecord, DoctorsWords]]:
        """See RecordStore."""
        async with self._database.reading() as connection:
            found = await review_rows.doubtful(connection, site, limit, said=said)
            words = await review_rows.words(connection, site, [one.id for one in found])
        return [(one, words.get(one.id, DoctorsWords())) for one in found]

    async def reviews(self, site: str, *, said: bool = False) -> tuple[int, int]:
        """See RecordStore."""
        async with self._database.reading() as connection:
            return await review_rows.numbers(connection, site, said=said)

    async def review(self, site: str, record_id: str, heard: bool | None, by: str, at: datetime) -> bool:
        """See RecordStore."""
        async with self._database.writing() as connection:
            return await review_rows.review(connection, site, record_id, heard, by, at)

    async def reviewed(self, site: str, limit: int) -> Sequence[tuple[KeptRecord, bool | None, DoctorsWords]]:
        """See RecordStore."""
        async with self._database.reading() as connection:
            return await review_rows.reviewed(connection, site, limit)

    async def prune(self, before: datetime) -> int:
        """See RecordStore. With what waits to be told of them. A few at a time: others write in between."""
        pruned = 0
        while True:
            async with self._database.writing() as connection:
                # In the order in which whoever deletes one record takes the rows.
                await outbox_rows.forget_about(connection, await record_rows.old(connection, before, AT_ONCE))
                some = await record_rows.prune(connection, before, AT_ONCE)
            pruned += some
            if some < AT_ONCE:
                break
        # Also for what was deleted otherwise, and for a deletion while somebody read an older state.
        await self._database.forget()
        return pruned

    async def add(self, records: Sequence[KeptRecord]) -> tuple[int, int]:
        """For an import: those that are not there yet, in one transaction; how many. And how many more are not there
        and are passed over: they may have been counted here and pruned since, and would count twice. Raises
        StoreError."""
        if not records:
            return 0, 0
        async with self._database.writing() as connection:
            await alone(connection, "records", *{one.site for one in records})
            new = await pruned_rows.missing(connection, records)
            whole = await pruned_rows.whole(connection, new)
            return await record_rows.add(connection, whole), len(new) - len(whole)

    async def vacuum(self) -> None:
        """Give free space back to the disk. The database is locked meanwhile. Raises StoreError."""
        await self._database.vacuum()

    async def all_days(self, sites: Sequence[str] | None, since: str, until: str) -> list[Day]:
        """As ``days``, of these sites or of all."""
        async with self._database.reading() as connection:
            rows = await record_rows.day_rows(connection, sites, since, until)
        return await asyncio.to_thread(record_rows.days_of, rows)

    async def days(
        self, site: str, since: str, until: str, *, department: str | None = None, label_set: str | None = None
    ) -> Sequence[Day]:
        """What was counted, day by day, from ``since`` to ``until``: the truth, which ``sums`` follow."""
        async with self._database.reading() as connection:
            rows = await record_rows.day_rows(connection, [site], since, until, department, label_set)
        return await asyncio.to_thread(record_rows.days_of, rows)

    async def sums(
        self, site: str, first: date, last: date, *, department: str | None = None, label_set: str | None = None
    ) -> Sums:
        """See RecordStore."""
        async with self._database.reading() as connection:
            rows = await sum_rows.of_range(connection, site, first, last, department, label_set)
        return await asyncio.to_thread(sum_rows.read, rows)

    async def everything(self, sites: Sequence[str] | None = None) -> AsyncIterator[KeptRecord]:
        """See RecordStore. What comes while it runs may be in it or not."""
        table = assessments.c
        query = select(*record_rows.ROW).order_by(table.ended_at, table.id).limit(AT_ONCE)
        if sites is not None:
            query = query.where(table.site.in_(sites))
        last: Place | None = None
        while True:
            following = query if last is None else query.where(record_rows.later(last))
            async with self._database.reading() as connection:
                rows = (await connection.execute(following)).all()
                records = await record_rows.with_results(connection, rows)
            for record in records:
                yield record
            if len(records) < AT_ONCE:
                return
            last = Place(records[-1].ended_at, records[-1].id)


@asynccontextmanager
async def open_records(
    database: Database,
    writer: SessionWriter | None,
    clock: Clock,
    retain_days: int,
    forget: Callable[[str], None] = lambda record_id: None,
) -> AsyncIterator[StoredRecords]:
    """While the block runs, records are deleted ``retain_days`` after they ended. ``writer``, ``forget``: as in
    StoredRecords."""
    records = StoredRecords(database, writer, forget)
    async with asyncio.TaskGroup() as group:
        pruning = group.create_task(_prune_on(records, clock, timedelta(days=retain_days)), name="prune records")
        try:
            yield records
        finally:
            pruning.cancel()


async def _prune_on(records: StoredRecords, clock: Clock, kept: timedelta) -> None:
    while True:
        try:
            pruned = await records.prune(clock.wall_time() - kept)
        except StoreError:
            log.warning("old records could not be deleted; they will be later")
        else:
            if pruned:
                log.info("%d records were older than %d days and are deleted", pruned, kept.days)
        await pause(clock, PRUNE_EVERY_S)
