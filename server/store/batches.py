"""Batches in the database of the data folder."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.gate import utc_now
from server.batches.batch import (
    Batch,
    BatchPlace,
    BatchState,
    Fault,
    FileRow,
    FileState,
    Judgement,
    NewFile,
    TakenFile,
)
from server.batches.repeats import Answered
from server.errors import CapacityError
from server.notify.events import REJECTED, Event, assessment_events, assessment_refused, batch_completed
from server.records.kept import KeptRecord
from server.records.making import record_of
from server.store import batch_rows, outbox_rows, record_rows
from server.store.database import Database, Where, open_database
from server.store.locking import alone
from server.store.presence import open_process, place_of
from server.store.processes import Process
from server.store.repeat_rows import forget_works, packed, write_answer
from server.store.tables import batch_files as files
from server.store.tables import batches

FULL_AFTER_S = 60.0
SOME = 20
"""Batches that are deleted in one transaction."""

RESULTS = 20
"""That are deleted in one transaction: some ten statements each, and nobody else of the site keeps one meanwhile."""

VALUES = 500
"""In one statement."""


class StoredBatches:
    """A ``BatchStore``. Who judges a file stands in its row; whether that process lives is told by its lock."""

    def __init__(self, database: Database, lock: Process, *, keep: bool = True, place: str | None = None) -> None:
        """``keep``: of each result a record is kept, as of a file that came alone. ``place``: of the folder where this
        process has files, if others that share the database have other folders."""
        self._database = database
        self._lock = lock
        self._keep = keep
        self._place = place

    @property
    def shared(self) -> bool:
        """See BatchStore."""
        return self._place is not None

    async def add(
        self,
        batch: Batch,
        new: Sequence[NewFile],
        most_waiting: int,
        most_bytes: int | None = None,
        answered: Answered | None = None,
    ) -> None:
        """See BatchStore."""
        answer = None if answered is None else await asyncio.to_thread(packed, answered.kept)
        coming = [each.size for each in new if each.fault is None]
        async with self._database.writing() as connection:
            await alone(connection, "waiting files", batch.site)
            count, size = await batch_rows.waiting_of(connection, batch.site)
            if coming and count + len(coming) > most_waiting:
                raise _full(f"{most_waiting} files", f"{most_waiting} 个文件")
            if coming and most_bytes is not None and size + sum(coming) > most_bytes:
                raise _full(*[f"{most_bytes / 1e6:g} MB"] * 2)
            await batch_rows.add(connection, batch, new, self._place)
            events = [
                _refused(batch.id, position, batch.site, batch.created_at, each.fault, each.reference, each.attempt_of)
                for position, each in enumerate(new, 1)
                if each.fault is not None
            ]
            if not coming:
                found = await batch_rows.find(connection, batch.site, batch.id)
                assert found is not None
                events.append(_completed(found, batch.created_at))
            await outbox_rows.tell(connection, events, batch.created_at)
            if answered is not None and answer is not None:
                await write_answer(connection, answered.digest, answer)

    async def find(self, site: str, batch_id: str) -> Batch | None:
        """See BatchStore."""
        async with self._database.reading() as connection:
            return await batch_rows.find(connection, site, batch_id)

    async def page(
        self, site: str, state: BatchState | None, limit: int, after: BatchPlace | None = None
    ) -> Sequence[Batch]:
        """See BatchStore."""
        async with self._database.reading() as connection:
            return await batch_rows.page(connection, site, state, limit, after)

    async def rows(
        self, batch_id: str, *, after: int = 0, limit: int = 100, results: bool = False
    ) -> Sequence[FileRow]:
        """See BatchStore."""
        columns = files.c if results else batch_rows.WITHOUT_RESULT
        query = select(*columns).where(files.c.batch_id == batch_id, files.c.position > after)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(files.c.position).limit(limit))).all()
        return [batch_rows.file_of(row) for row in rows]

    async def settled_since(self, batch_id: str, settled: int, limit: int = 200) -> Sequence[FileRow]:
        """See BatchStore."""
        query = select(*batch_rows.WITHOUT_RESULT).where(files.c.batch_id == batch_id, files.c.settled > settled)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(files.c.settled).limit(limit))).all()
        return [batch_rows.file_of(row) for row in rows]

    async def delete(self, site: str, batch_id: str) -> bool:
        """See BatchStore. Its results first, a few in one transaction, so that others of its site write in between; a
        deletion that is broken off goes on when it is asked for again."""
        while await self._delete_some(site, batch_id) == RESULTS:
            pass
        async with self._database.writing() as connection:
            if await batch_rows.find(connection, site, batch_id) is None:
                return False
            refused = await batch_rows.refused_of(connection, [batch_id])
            results = await batch_rows.remove(connection, [batch_id])
            await _forget_about(connection, [batch_id, *results, *refused])
            for result_id in results:
                await record_rows.remove(connection, site, result_id)
            await forget_works(connection, site, [batch_id])
        await self._database.forget()
        return True

    async def _delete_some(self, site: str, batch_id: str) -> int:
        """Results of it, in the order in which whoever deletes one alone takes the rows. How many."""
        async with self._database.writing() as connection:
            results = await batch_rows.some_results(connection, site, batch_id, RESULTS)
            if results:
                await batch_rows.forget_results(connection, site, results)
                await outbox_rows.forget_about(connection, results)
            for result_id in results:
                await record_rows.remove(connection, site, result_id)
        return len(results)

    async def known(self) -> dict[str, set[str]]:
        """See BatchStore."""
        wait = select(files.c.batch_id, files.c.path).where(files.c.state == FileState.WAITING.value)
        async with self._database.reading() as connection:
            known: dict[str, set[str]] = {
                one: set() for one in (await connection.execute(select(batches.c.id))).scalars()
            }
            for batch_id, path in await connection.execute(wait):
                known.setdefault(batch_id, set()).add(path)
        return known

    async def waiting(self) -> bool:
        """See BatchStore."""
        async with self._database.reading() as connection:
            dead = await self._lock.dead(connection, await batch_rows.owners(connection))
            return await batch_rows.any_free(connection, dead, self._place)

    async def take(self) -> TakenFile | None:
        """See BatchStore."""
        async with self._database.writing() as connection:
            dead = await self._lock.dead(connection, await batch_rows.owners(connection))
            return await batch_rows.take(connection, dead, self._place, self._lock.id, utc_now())

    async def held(self) -> set[int]:
        """See BatchStore."""
        where = files.c.state == FileState.WAITING.value, files.c.owner == self._lock.id
        async with self._database.reading() as connection:
            return set((await connection.execute(select(files.c.number).where(*where))).scalars())

    async def judged(self, file: TakenFile, judgement: Judgement) -> None:
        """See BatchStore."""
        result, now = judgement.result, utc_now()
        verdict = result.overall.verdict
        values = {
            "state": FileState.JUDGED.value,
            "verdict": verdict,
            "score": result.overall.score,
            "result_id": result.identity.id,
            "result": batch_rows.packed(judgement.text),
        }
        counts = {"judged": 1, "accepted": int(verdict == "accept"), "rejected": int(verdict in REJECTED)}
        record = None
        if self._keep:
            record = await asyncio.to_thread(record_of, result, file.site, started_at=judgement.began, ended_at=now)
        events = assessment_events(result, file.site, now, file.batch_id)
        await self._settle(file, now, values, counts, events, record)

    async def refused(self, file: TakenFile, fault: Fault) -> None:
        """See BatchStore."""
        values = {"state": FileState.REFUSED.value, "code": fault.code, "en": fault.en, "zh": fault.zh}
        now = utc_now()
        told = _refused(file.batch_id, file.position, file.site, now, fault, file.reference, file.attempt_of)
        await self._settle(file, now, values, {"refused": 1}, [told])

    async def _settle(
        self,
        file: TakenFile,
        now: datetime,
        values: dict[str, Any],
        counts: dict[str, int],
        events: Sequence[Event],
        record: KeptRecord | None = None,
    ) -> None:
        try:
            async with self._database.writing() as connection:
                last = await batch_rows.settle(connection, file, self._lock.id, now, values, counts)
                done = [] if last is None else [_completed(last, now)]
                await outbox_rows.tell(connection, [*events, *done], now)
                if record is not None:
                    await record_rows.add(connection, [record])
        except LookupError:
            return  # it was deleted meanwhile, or another process has it: nothing of it is kept

    async def ended(self, process_id: str) -> None:
        """See BatchStore."""
        its = files.c.state == FileState.WAITING.value, files.c.owner == process_id
        async with self._database.writing() as connection:
            await connection.execute(update(files).where(*its).values(owner=None, tries=files.c.tries + 1))

    async def forget(self, before: datetime) -> Sequence[str]:
        """See BatchStore."""
        old = select(batches.c.id).where(batches.c.finished_at < before).limit(SOME)
        async with self._database.writing() as connection:
            ids = list((await connection.execute(old)).scalars())
            refused = await batch_rows.refused_of(connection, ids)
            results = await batch_rows.remove(connection, ids)
            await _forget_about(connection, [*ids, *results, *refused])
        if ids:
            await self._database.forget()
        return ids


def _full(most: str, most_zh: str) -> CapacityError:
    return CapacityError(
        f"More than {most} of this site would wait. Send them when others are judged.",
        zh=f"本站点等待评估的录音将超过 {most_zh}。请等前面的评估完再发送。",
        retry_after_s=FULL_AFTER_S,
    )


async def _forget_about(connection: AsyncConnection, about: Sequence[str]) -> None:
    """In parts: a statement of SQLite has at most 32,766 values, and a batch may have thousands of results."""
    for start in range(0, len(about), VALUES):
        await outbox_rows.forget_about(connection, about[start : start + VALUES])


def _refused(
    batch_id: str,
    position: int,
    site: str,
    now: datetime,
    fault: Fault,
    reference: str | None,
    attempt_of: str | None,
) -> Event:
    said = {"code": fault.code, "en": fault.en, "zh": fault.zh}
    return assessment_refused(batch_id, position, site, now, said, reference, attempt_of)


def _completed(batch: Batch, now: datetime) -> Event:
    return batch_completed(batch.id, batch.site, batch.reference, now, batch.counts)


@asynccontextmanager
async def open_batches(
    where: Where, data_dir: Path, *, keep: bool, process_id: str | None = None
) -> AsyncIterator[StoredBatches]:
    """Those whose files lie in a data folder, for a process that judges them. ``keep``: as in StoredBatches;
    ``process_id``: as in ``open_process``. Raises SettingsError, OSError."""
    async with open_database(where) as database, open_process(database, data_dir, process_id) as process:
        yield StoredBatches(database, process, keep=keep, place=place_of(database, data_dir))
