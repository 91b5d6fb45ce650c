"""The statements on sums over days. Each works in the caller's transaction."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.counts import Bucket, Changes, summed
from server.records.kept import RecordKind
from server.records.ports import Day, Sums
from server.records.sums import TOTAL, Pieces, changes_rolled_up, pieces, rolled_up
from server.store.tables import assessment_days, assessment_sums

_days, _sums = assessment_days.c, assessment_sums.c
KEY = ("site", "day", "kind", "label_set", "department")
DAYS = f"SELECT {', '.join(KEY)}, counts FROM assessment_days"
COLUMNS = ("site", "period", "kind", "label_set", "department", "counts")

Plain = tuple[str, str, str, str, str, str]
"""Of the days: as ``DAYS`` selects them; of the sums: ``COLUMNS``."""


async def change(connection: AsyncConnection, changes: Changes) -> None:
    """What was counted changed so. As with the days, in one order for all."""
    for key, more in changes_rolled_up(changes):
        where = and_(*(_sums[name] == value for name, value in key._asdict().items()))
        found = (await connection.execute(select(_sums.counts).where(where).with_for_update())).scalar_one_or_none()
        if found is None:
            values = {**key._asdict(), "counts": json.dumps(summed({}, more))}
            await connection.execute(insert(assessment_sums).values(values))
            continue
        left = summed(json.loads(found), more)
        if left:
            await connection.execute(update(assessment_sums).where(where).values(counts=json.dumps(left)))
        else:
            await connection.execute(delete(assessment_sums).where(where))


def sums_of(days: Iterable[Plain]) -> list[Plain]:
    """All sums over these days, to be written anew."""
    counted = ((Bucket(*row[:2], RecordKind(row[2]), *row[3:5]), json.loads(row[5])) for row in days)
    return [(*key, json.dumps(counts)) for key, counts in rolled_up(counted)]


def rebuild(plain: sqlite3.Connection) -> None:
    """The sums of a database whose days were written by others."""
    plain.execute("DELETE FROM main.assessment_sums")
    marks = ", ".join("?" * len(COLUMNS))
    rows = sums_of(plain.execute(DAYS.replace("FROM ", "FROM main.")))
    plain.executemany(f"INSERT INTO main.assessment_sums ({', '.join(COLUMNS)}) VALUES ({marks})", rows)


Rows = tuple[list[tuple[str, str]], list[tuple[Bucket, str]], list[str]]
"""By day, by bucket, and of the days before; counts as JSON."""


async def of_range(
    connection: AsyncConnection, site: str, first: date, last: date, department: str | None, label_set: str | None
) -> Rows:
    """For ``read``: from ``first`` to ``last``, and as many days just before."""
    chosen = {"department": department, "label_set": label_set}
    narrow = {name: value for name, value in chosen.items() if value is not None}
    daily = await _daily(connection, site, first, last, narrow)
    parts = await _parts(connection, site, pieces(first, last), narrow)
    former = pieces(first - (last - first) - timedelta(days=1), first - timedelta(days=1))
    before = await _parts(connection, site, former, narrow)
    return daily, parts, [text for _, text in before]


async def _daily(
    connection: AsyncConnection, site: str, first: date, last: date, narrow: dict[str, str]
) -> list[tuple[str, str]]:
    """Each day once; where only some is wanted of it, several times."""
    span = (first.isoformat(), last.isoformat())
    if narrow:
        where = [_days.site == site, _days.day.between(*span), *(_days[name] == each for name, each in narrow.items())]
        query = select(_days.day, _days.counts).where(*where).order_by(_days.day)
    else:
        total = [_sums.kind == TOTAL, _sums.label_set == TOTAL, _sums.department == TOTAL]
        query = select(_sums.period, _sums.counts).where(_sums.site == site, _sums.period.between(*span), *total)
        query = query.order_by(_sums.period)
    return [(day, text) for day, text in await connection.execute(query)]


async def _parts(
    connection: AsyncConnection, site: str, of: Pieces, narrow: dict[str, str]
) -> list[tuple[Bucket, str]]:
    found: list[tuple[Bucket, str]] = []
    if of.months is not None:
        # A day is a longer text than its month, and of another kind.
        where = [_sums.site == site, _sums.period.between(*of.months), _sums.kind != TOTAL]
        query = select(_sums.period, _sums.kind, _sums.label_set, _sums.department, _sums.counts).where(*where)
        query = query.where(*(_sums[name] == each for name, each in narrow.items()))
        found += _buckets(site, (await connection.execute(query)).all())
    for edge in of.edges:
        within: list[ColumnElement[bool]] = [_days.site == site, _days.day.between(*edge)]
        columns = (_days.day, _days.kind, _days.label_set, _days.department, _days.counts)
        days = select(*columns).where(*within, *(_days[name] == each for name, each in narrow.items()))
        found += _buckets(site, (await connection.execute(days)).all())
    return found


def _buckets(site: str, rows: Sequence[Any]) -> list[tuple[Bucket, str]]:
    return [
        (Bucket(site, period, RecordKind(kind), label_set, department), text)
        for period, kind, label_set, department, text in rows
    ]


def read(rows: Rows) -> Sums:
    """Takes milliseconds: call it on a thread."""
    daily, parts, before = rows
    return Sums(
        [(day, json.loads(text)) for day, text in daily],
        [Day(bucket, json.loads(text)) for bucket, text in parts],
        [json.loads(text) for text in before],
    )
