"""The statements on batches and their files. Each works in the caller's transaction."""

import json
import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.batches.batch import (
    Batch,
    BatchPlace,
    BatchState,
    Fault,
    FileRow,
    FileState,
    NewFile,
    Options,
    TakenFile,
)
from server.notify.events import about_file
from server.store.checkpoint_parts import LEVEL
from server.store.locking import alone
from server.store.tables import batch_files as files
from server.store.tables import batch_sites as sites
from server.store.tables import batches

WITHOUT_RESULT = [column for column in files.c if column.name != "result"]


_open = batches.c.files > batches.c.judged + batches.c.refused
IN_STATE = {
    BatchState.WAITING: (_open, batches.c.begun_at.is_(None)),
    BatchState.JUDGING: (_open, batches.c.begun_at.is_not(None)),
    BatchState.DONE: (~_open,),
}
"""As ``Batch.state`` has it."""


async def waiting_of(connection: AsyncConnection, site: str) -> tuple[int, int]:
    """Files of ``site`` that wait, and their bytes."""
    where = files.c.state == FileState.WAITING.value, files.c.site == site
    row = (await connection.execute(select(func.count(), func.coalesce(func.sum(files.c.size), 0)).where(*where))).one()
    return row[0], int(row[1])  # PostgreSQL sums to a Decimal


async def add(connection: AsyncConnection, batch: Batch, new: Sequence[NewFile], place: str | None) -> None:
    """A batch with its files, which lie at ``place``; those that are refused already are settled."""
    refused = [each for each in new if each.fault is not None]
    row = {
        "id": batch.id,
        "site": batch.site,
        "reference": batch.reference,
        "created_at": batch.created_at,
        "options": json.dumps(batch.options.plain(), ensure_ascii=False),
        "files": len(new),
        "judged": 0,
        "refused": len(refused),
        "accepted": 0,
        "rejected": 0,
        "bytes_all": sum(each.size for each in new if each.fault is None),
        "bytes_done": 0,
        "finished_at": batch.created_at if len(refused) == len(new) else None,
    }
    await connection.execute(insert(batches), row)
    settled = 0
    rows = []
    for position, each in enumerate(new, 1):
        settled += each.fault is not None
        rows.append(_new_row(batch, position, each, settled if each.fault is not None else None) | {"place": place})
    await connection.execute(insert(files), rows)


def _new_row(batch: Batch, position: int, new: NewFile, settled: int | None) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "site": batch.site,
        "position": position,
        "name": new.name,
        "path": new.path,
        "size": new.size,
        "reference": new.reference,
        "attempt_of": new.attempt_of,
        "state": (FileState.WAITING if new.fault is None else FileState.REFUSED).value,
        "tries": 0,
        "settled": settled,
        "code": new.fault and new.fault.code,
        "en": new.fault and new.fault.en,
        "zh": new.fault and new.fault.zh,
    }


def _free(dead: Collection[str], place: str | None) -> ColumnElement[bool]:
    """Not "of nobody alive": who has taken one just now may be unknown here."""
    here = files.c.place.is_not_distinct_from(place)
    return and_(files.c.state == FileState.WAITING.value, here, or_(files.c.owner.is_(None), files.c.owner.in_(dead)))


async def owners(connection: AsyncConnection) -> set[str]:
    """Processes that judge something."""
    where = files.c.state == FileState.WAITING.value, files.c.owner.is_not(None)
    return set((await connection.execute(select(files.c.owner).where(*where).distinct())).scalars())


async def any_free(connection: AsyncConnection, dead: Collection[str], place: str | None) -> bool:
    """Whether a file that lies at ``place`` can be taken: nobody has it, or one of ``dead``."""
    return (await connection.execute(select(files.c.number).where(_free(dead, place)).limit(1))).first() is not None


async def take(
    connection: AsyncConnection, dead: Collection[str], place: str | None, owner: str, now: datetime
) -> TakenFile | None:
    """The next file of those that are free, as in ``any_free``, is ``owner``'s from now on."""
    await alone(connection, "turns of sites")
    oldest = (
        select(files.c.site, func.min(files.c.number).label("number")).where(_free(dead, place)).group_by(files.c.site)
    )
    free = oldest.subquery()
    turn = func.coalesce(sites.c.turn, 0)  # of one that was never served: now
    first = select(free.c.site, free.c.number).outerjoin(sites, sites.c.site == free.c.site)
    found = (await connection.execute(first.order_by(turn, free.c.number).limit(1))).one_or_none()
    if found is None:
        return None
    site, number = found
    # Its batch's row first, as whoever deletes or settles does.
    of = select(batches.c.id).where(
        batches.c.id == select(files.c.batch_id).where(files.c.number == number).scalar_subquery()
    )
    await connection.execute(of.with_for_update())
    claim = update(files).where(files.c.number == number, _free(dead, place))
    if not (await connection.execute(claim.values(owner=owner))).rowcount:
        return None  # it was deleted just now
    last = (await connection.execute(select(func.coalesce(func.max(sites.c.turn), 0)))).scalar_one()
    await connection.execute(delete(sites).where(sites.c.site == site))
    await connection.execute(insert(sites).values(site=site, turn=last + 1))
    row = (await connection.execute(select(*WITHOUT_RESULT).where(files.c.number == number))).one()
    begun = update(batches).where(batches.c.id == row.batch_id, batches.c.begun_at.is_(None))
    await connection.execute(begun.values(begun_at=now))
    options = (await connection.execute(select(batches.c.options).where(batches.c.id == row.batch_id))).scalar_one()
    return TakenFile(
        row.number, row.batch_id, row.site, row.name, row.reference, row.attempt_of, row.path, row.size,
        Options.of_plain(json.loads(options)), row.tries, row.position,
    )  # fmt: skip


async def settle(
    connection: AsyncConnection,
    file: TakenFile,
    owner: str,
    now: datetime,
    values: dict[str, Any],
    counts: dict[str, int],
) -> Batch | None:
    """``values`` of the file, ``counts`` to add to its batch. The batch if this was its last file.

    Raises LookupError if the file was deleted, or another process has it.
    """
    mine = files.c.number == file.number, files.c.owner == owner, files.c.state == FileState.WAITING.value
    # The batch's row first: of two files that end together each counts the other.
    more = {name: batches.c[name] + count for name, count in (counts | {"bytes_done": file.size}).items()}
    if not (await connection.execute(update(batches).where(batches.c.id == file.batch_id).values(**more))).rowcount:
        raise LookupError(file.number)
    batch = await find(connection, file.site, file.batch_id)
    assert batch is not None
    settled = batch.judged + batch.refused
    change = update(files).where(*mine).values(owner=None, settled=settled, **values)
    if not (await connection.execute(change)).rowcount:
        raise LookupError(file.number)
    if batch.waiting:
        return None
    await connection.execute(update(batches).where(batches.c.id == batch.id).values(finished_at=now))
    return batch


async def find(connection: AsyncConnection, site: str, batch_id: str) -> Batch | None:
    """Of this site."""
    query = select(batches).where(batches.c.id == batch_id, batches.c.site == site)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else batch_of(row)


async def page(
    connection: AsyncConnection, site: str, state: BatchState | None, limit: int, after: BatchPlace | None
) -> list[Batch]:
    """See BatchStore."""
    query = select(batches).where(batches.c.site == site)
    if state is not None:
        query = query.where(*IN_STATE[state])
    if after is not None:
        same = and_(batches.c.created_at == after.created_at, batches.c.id < after.id)
        query = query.where(
            batches.c.created_at <= after.created_at, or_(batches.c.created_at < after.created_at, same)
        )
    ordered = query.order_by(batches.c.created_at.desc(), batches.c.id.desc()).limit(limit)
    return [batch_of(row) for row in await connection.execute(ordered)]


def batch_of(row: Row[Any]) -> Batch:
    """Of a row of the table."""
    return Batch(
        row.id, row.site, row.reference, row.created_at, Options.of_plain(json.loads(row.options)), row.files,
        row.judged, row.refused, row.accepted, row.rejected, row.bytes_all, row.bytes_done, row.begun_at,
        row.finished_at,
    )  # fmt: skip


def file_of(row: Row[Any]) -> FileRow:
    """Of a row, with its result if that was asked for."""
    result = getattr(row, "result", None)
    return FileRow(
        row.position, row.name, row.size, row.reference, FileState(row.state), row.settled, row.verdict, row.score,
        row.result_id, result,
        None if row.code is None else Fault(row.code, row.en, row.zh),
    )  # fmt: skip


def packed(text: str) -> bytes:
    """A result as it is kept."""
    return zlib.compress(text.encode(), LEVEL)


async def some_results(connection: AsyncConnection, site: str, batch_id: str, limit: int) -> list[str]:
    """Ids of results of a batch, whose files are locked, in one order."""
    query = select(files.c.result_id).where(
        files.c.batch_id == batch_id, files.c.site == site, files.c.result_id.is_not(None)
    )
    return list((await connection.execute(query.order_by(files.c.number).limit(limit).with_for_update())).scalars())


async def forget_results(connection: AsyncConnection, site: str, ids: Collection[str]) -> None:
    """They were deleted: of each file only its place and its verdict stay, which the counts of its batch tell."""
    change = update(files).where(files.c.result_id.in_(ids), files.c.site == site)
    blank = {"name": "", "attempt_of": None, "reference": None, "result": None, "result_id": None, "score": None}
    await connection.execute(change.values(**blank))


async def refused_of(connection: AsyncConnection, ids: Collection[str]) -> list[str]:
    """What is told of the refused files of these batches is about these."""
    query = select(files.c.batch_id, files.c.position).where(
        files.c.batch_id.in_(ids), files.c.state == FileState.REFUSED.value
    )
    return [about_file(batch_id, position) for batch_id, position in await connection.execute(query)]


async def remove(connection: AsyncConnection, ids: Collection[str]) -> list[str]:
    """Delete batches with their files; the ids of their results."""
    # Their rows first, as whoever settles a file does.
    await connection.execute(select(batches.c.id).where(batches.c.id.in_(ids)).order_by(batches.c.id).with_for_update())
    query = select(files.c.result_id).where(files.c.batch_id.in_(ids), files.c.result_id.is_not(None))
    results = list((await connection.execute(query)).scalars())
    await connection.execute(delete(files).where(files.c.batch_id.in_(ids)))
    await connection.execute(delete(batches).where(batches.c.id.in_(ids)))
    return results
