"""Departments are whatever clients write; of those that are counted apart there are so many and no more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.kept import KeptRecord
from server.store.tables import assessment_days

MOST = 50
"""Of one site on one day."""

OTHER = "other"
"""Department of the records beyond; what was written stays in their results."""


async def bounded(connection: AsyncConnection, records: Sequence[KeptRecord]) -> list[KeptRecord]:
    """The same records, those of a department too many as of ``OTHER``."""
    table = assessment_days.c
    sites, days = {one.site for one in records}, {one.day for one in records}
    query = select(table.site, table.day, table.department).distinct().where(table.site.in_(sites), table.day.in_(days))
    known: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for site, day, department in await connection.execute(query):
        known[site, day].add(department)
    found = []
    for one in records:
        there = known[one.site, one.day]
        if one.department not in there and len(there - {OTHER}) >= MOST:
            found.append(replace(one, department=OTHER))
        else:
            found.append(one)
        there.add(found[-1].department)
    return found
