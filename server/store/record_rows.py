"""The statements on kept results. Each works in the caller's transaction."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.counts import Attempt, Bucket, Changes, bucket_of, judged, own_counts, summed
from server.records.kept import KeptRecord, RecordKind
from server.records.ports import Day, Place, Wanted
from server.store import sum_rows
from server.store.departments import bounded
from server.store.locking import alone
from server.store.tables import assessment_days, assessment_results, assessments, ended_sessions

_table = assessments.c
OWN = ("site", "started_at", "ended_at", "day", "reference", "name", "attempt_of", "label_set", "department", "mode",
       "verdict", "grade", "score", "duration_s", "speech_s", "reason", "prompts_raised", "prompts_followed",
       "first_usable_s", "doubt", "heard", "heard_at", "heard_by", "basis")  # fmt: skip
"""Columns that are fields of a record."""

ROW = [_table.id, _table.kind, *(_table[name] for name in OWN)]


async def add(connection: AsyncConnection, records: Sequence[KeptRecord]) -> int:
    """Add and count those that are not there yet, in this order: an attempt comes after what it tries again. How
    many. A few hundred at a time."""
    if not records:
        return 0
    await alone(connection, "records", *{one.site for one in records})
    ids = {one.id: one for one in reversed(records)}
    there = set((await connection.execute(select(_table.id).where(_table.id.in_(ids)))).scalars())
    new = [one for one in records if one.id not in there and ids[one.id] is one]
    if not new:
        return 0
    new = await bounded(connection, new)
    places = await _places(connection, new)
    chains = await attempts_of(connection, {*places, *(chain for chain, _ in places.values())})
    changes = Changes()
    joined = _Joined()
    for record in new:
        chain, number = joined.place(record.site, *places[record.id])
        before = chains.get((record.site, chain), [])
        # Attempts that came before what they try again: with it they belong to the chain of that.
        late = [] if chain == record.id else chains.pop((record.site, record.id), [])
        if chain != record.id:
            joined.join(record.site, record.id, chain, number - 1)
        late = [replace(one, number=one.number + number - 1) for one in late]
        chains[record.site, chain] = [*before, _attempt(record, number), *late]
        changes.add(bucket_of(record), own_counts(record))
        changes.chain(before, chains[record.site, chain])
    places = {one.id: joined.place(one.site, *places[one.id]) for one in new}
    await joined.write(connection)
    await connection.execute(insert(assessments), [_row(one, *places[one.id]) for one in new])
    await connection.execute(insert(assessment_results), [_result(one) for one in new])
    await count(connection, changes)
    return len(new)


class _Joined:
    """Chains that turned out to be the end of others: of an attempt that came before the one that it tries again."""

    def __init__(self) -> None:
        self._to: dict[tuple[str, str], tuple[str, int]] = {}

    def join(self, site: str, chain: str, to: str, further: int) -> None:
        """The attempts of ``chain`` are those of ``to``, so many numbers further."""
        self._to[site, chain] = (to, further)

    def place(self, site: str, chain: str, number: int) -> tuple[str, int]:
        """Where an attempt stands now."""
        while (site, chain) in self._to:
            chain, further = self._to[site, chain]
            number += further
        return chain, number

    async def write(self, connection: AsyncConnection) -> None:
        """Of those that are kept already."""
        for (site, chain), (to, further) in self._to.items():
            those = update(assessments).where(_table.site == site, _table.chain == chain)
            await connection.execute(those.values(chain=to, attempt=_table.attempt + further))


def _row(record: KeptRecord, chain: str, number: int) -> dict[str, Any]:
    own = {name: getattr(record, name) for name in OWN}
    return {"id": record.id, "kind": record.kind.value, "chain": chain, "attempt": number, **own}


def _result(record: KeptRecord) -> dict[str, Any]:
    labels = json.dumps({label_id: int(passed) for label_id, passed in record.labels.items()})
    return {"id": record.id, "labels": labels, "body": record.body, "levels": record.levels}


async def _places(connection: AsyncConnection, new: Sequence[KeptRecord]) -> dict[str, tuple[str, int]]:
    """By id: the chain, and the number in it. One that tries again what its site does not know is a second attempt."""
    former = [one.attempt_of for one in new if one.attempt_of is not None]
    query = select(_table.id, _table.site, _table.chain, _table.attempt).where(_table.id.in_(former))
    known = {(row.site, row.id): (row.chain, row.attempt) for row in await connection.execute(query)}
    places = {}
    for one in new:
        if one.attempt_of is None or one.attempt_of == one.id:
            place = (one.id, 1)
        elif (one.site, one.attempt_of) in known:
            chain, number = known[one.site, one.attempt_of]
            place = (chain, number + 1)
        else:
            place = (one.attempt_of, 2)
        places[one.id] = known[one.site, one.id] = place
    return places


async def attempts_of(connection: AsyncConnection, chains: Collection[str]) -> dict[tuple[str, str], list[Attempt]]:
    """The records of chains, by site and chain: ids are given by whoever asks, and two sites may name the same."""
    columns = (_table.id, _table.site, _table.chain, _table.attempt, _table.kind, _table.label_set, _table.department)
    query = select(*columns, _table.day, _table.ended_at, _table.verdict, _table.duration_s).where(
        _table.chain.in_(chains)
    )
    found: defaultdict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for row in await connection.execute(query):
        bucket = Bucket(row.site, row.day, RecordKind(row.kind), row.label_set, row.department)
        one = Attempt(row.id, row.attempt, bucket, row.ended_at, judged(row.verdict, row.duration_s))
        found[row.site, row.chain].append(one)
    return found


def _attempt(record: KeptRecord, number: int) -> Attempt:
    verdict = judged(record.verdict, record.duration_s)
    return Attempt(record.id, number, bucket_of(record), record.ended_at, verdict)


async def count(connection: AsyncConnection, changes: Changes) -> None:
    """Add to what was counted. Buckets are taken in one order, so that two who do it never wait for each other."""
    for bucket, change in changes.items():
        where = _is(bucket)
        query = select(assessment_days.c.counts).where(where).with_for_update()
        found = (await connection.execute(query)).scalar_one_or_none()
        if found is None:
            values = {**_key(bucket), "counts": json.dumps(summed({}, change))}
            await connection.execute(insert(assessment_days).values(values))
            continue
        left = summed(json.loads(found), change)
        if left:
            await connection.execute(update(assessment_days).where(where).values(counts=json.dumps(left)))
        else:
            await connection.execute(delete(assessment_days).where(where))
    await sum_rows.change(connection, changes)


def _key(bucket: Bucket) -> dict[str, str]:
    return {
        "site": bucket.site,
        "day": bucket.day,
        "kind": bucket.kind.value,
        "label_set": bucket.label_set,
        "department": bucket.department,
    }


def _is(bucket: Bucket) -> Any:
    return and_(*(assessment_days.c[name] == value for name, value in _key(bucket).items()))


async def find(connection: AsyncConnection, site: str, record_id: str) -> KeptRecord | None:
    """With labels and body."""
    query = select(*ROW).where(_table.id == record_id, _table.site == site)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (await with_results(connection, [row]))[0]


async def with_results(connection: AsyncConnection, rows: Sequence[Row[Any, Any]]) -> list[KeptRecord]:
    """The records of these rows, with labels and bodies."""
    table = assessment_results.c
    query = select(table.id, table.labels, table.body, table.levels).where(table.id.in_([row.id for row in rows]))
    results = {row.id: row for row in await connection.execute(query)}
    return [record_of_row(row, results.get(row.id)) for row in rows]


def record_of_row(row: Any, result: Any = None) -> KeptRecord:
    """``row``: of the columns ``ROW``. ``result``: its labels and body."""
    labels: Mapping[str, bool] = {}
    if result is not None:
        labels = {label_id: bool(passed) for label_id, passed in json.loads(result.labels).items()}
    return KeptRecord(
        id=row.id,
        kind=RecordKind(row.kind),
        labels=labels,
        body=None if result is None else result.body,
        levels=None if result is None else result.levels,
        **{name: getattr(row, name) for name in OWN},
    )


def matching(site: str, wanted: Wanted) -> Select[Any]:
    """The rows of ``site`` that are wanted."""
    equal = {name: getattr(wanted, name) for name in ("verdict", "label_set", "department", "reference")}
    where = [_table.site == site, *(_table[name] == value for name, value in equal.items() if value is not None)]
    if wanted.kind is not None:
        where.append(_table.kind == wanted.kind.value)
    if wanted.since is not None:
        where.append(_table.ended_at >= wanted.since)
    if wanted.until is not None:
        where.append(_table.ended_at < wanted.until)
    return select(*ROW).where(*where)


async def page(
    connection: AsyncConnection, site: str, wanted: Wanted, limit: int, after: Place | None
) -> list[KeptRecord]:
    """The latest first."""
    query = matching(site, wanted).order_by(_table.ended_at.desc(), _table.id.desc()).limit(limit)
    if after is not None:
        same = and_(_table.ended_at == after.ended_at, _table.id < after.id)
        query = query.where(_table.ended_at <= after.ended_at, or_(_table.ended_at < after.ended_at, same))
    return [record_of_row(row) for row in await connection.execute(query)]


def later(place: Place) -> ColumnElement[bool]:
    """Records that ended after the one of ``place``; those of the same moment by id."""
    same = and_(_table.ended_at == place.ended_at, _table.id > place.id)
    return and_(_table.ended_at >= place.ended_at, or_(_table.ended_at > place.ended_at, same))


async def remove(connection: AsyncConnection, site: str, record_id: str) -> bool:
    """Delete it, also where latecomers find it, and count it no more. Whether it was there."""
    await alone(connection, "records", site)
    record = await find(connection, site, record_id)
    if record is None:
        return False
    chain = (await connection.execute(select(_table.chain).where(_table.id == record_id))).scalar_one()
    before = (await attempts_of(connection, [chain]))[site, chain]
    changes = Changes()
    changes.add(bucket_of(record), own_counts(record), -1)
    changes.chain(before, [one for one in before if one.id != record_id])
    await _delete(connection, [record_id])
    late = ended_sessions.c.id == record_id
    await connection.execute(update(ended_sessions).where(late).values(farewell=None, resume_digest=None))
    await count(connection, changes)
    return True


async def _delete(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Their rows first: ``prune`` holds those when it comes here."""
    await connection.execute(delete(assessments).where(_table.id.in_(ids)))
    await connection.execute(delete(assessment_results).where(assessment_results.c.id.in_(ids)))


async def old(connection: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Ids of those that ``prune`` deletes."""
    query = select(_table.id).where(_table.ended_at < before).order_by(_table.ended_at).limit(limit)
    return list((await connection.execute(query)).scalars())


async def prune(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` of those that ended earlier, the earliest first. What was counted stays. How many."""
    query = select(_table.id).where(_table.ended_at < before).order_by(_table.ended_at).limit(limit)
    query = query.with_for_update(skip_locked=True)  # another process deletes the others
    ids = list((await connection.execute(query)).scalars())
    if ids:
        await _delete(connection, ids)
    return len(ids)


async def day_rows(
    connection: AsyncConnection,
    sites: Iterable[str] | None,
    since: str,
    until: str,
    department: str | None = None,
    label_set: str | None = None,
) -> Sequence[Row[Any]]:
    """For ``days_of``. ``None``: of all."""
    table = assessment_days.c
    query = select(assessment_days).where(table.day >= since, table.day <= until)
    if sites is not None:
        query = query.where(table.site.in_(list(sites)))
    if department is not None:
        query = query.where(table.department == department)
    if label_set is not None:
        query = query.where(table.label_set == label_set)
    ordered = query.order_by(table.site, table.day, table.kind, table.label_set, table.department)
    return (await connection.execute(ordered)).all()


def days_of(rows: Iterable[Row[Any]]) -> list[Day]:
    """Of a year it takes a tenth of a second: call it on a thread."""
    return [
        Day(Bucket(row.site, row.day, RecordKind(row.kind), row.label_set, row.department), json.loads(row.counts))
        for row in rows
    ]
