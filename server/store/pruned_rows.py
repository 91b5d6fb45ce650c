"""What was counted and then deleted by age leaves no row: an import must not count it a second time.

A bucket that counts more results than it has rows lost some to ``prune``. Which, nobody knows any more.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.counts import Bucket, bucket_of
from server.records.kept import KeptRecord, RecordKind
from server.store.departments import bounded
from server.store.tables import assessment_days, assessments

AROUND = timedelta(days=2)
"""A bucket's day is local: its records ended at most so long before or after any of them, in UTC."""


async def missing(connection: AsyncConnection, records: Sequence[KeptRecord]) -> list[KeptRecord]:
    """Those that are not there, in their order, each once."""
    first = {one.id: one for one in reversed(records)}
    there = set((await connection.execute(select(assessments.c.id).where(assessments.c.id.in_(first)))).scalars())
    return [one for one in records if one.id not in there and first[one.id] is one]


async def whole(connection: AsyncConnection, records: Sequence[KeptRecord]) -> list[KeptRecord]:
    """Those of buckets that lost none, in their order: what is not there of them was never counted. A few hundred at a
    time, by whoever has the lock "records" of their sites."""
    records = await bounded(connection, records)
    lost = await _lost(connection, records)
    return [one for one in records if bucket_of(one) not in lost]


async def _lost(connection: AsyncConnection, records: Sequence[KeptRecord]) -> set[Bucket]:
    """Buckets of these records of which fewer are there than were counted."""
    if not records:
        return set()
    places = {(one.site, one.day) for one in records}
    table, rows = assessment_days.c, assessments.c
    those = or_(*(and_(table.site == site, table.day == day) for site, day in sorted(places)))
    query = select(assessment_days).where(those)
    counted = {
        Bucket(row.site, row.day, RecordKind(row.kind), row.label_set, row.department): json.loads(row.counts)
        for row in await connection.execute(query)
    }
    ended = [one.ended_at for one in records]
    columns = rows.site, rows.day, rows.kind, rows.label_set, rows.department
    numbers = (
        select(*columns, func.count().label("number"))
        .where(
            rows.site.in_({site for site, _ in places}),
            rows.ended_at.between(min(ended) - AROUND, max(ended) + AROUND),
            rows.day.in_({day for _, day in places}),
        )
        .group_by(*columns)
    )
    there: Counter[Bucket] = Counter()
    for row in await connection.execute(numbers):
        there[Bucket(row.site, row.day, RecordKind(row.kind), row.label_set, row.department)] = row.number
    return {bucket for bucket, counts in counted.items() if counts.get("results", 0) > there[bucket]}
