"""The statements on what people said of kept results. Each works in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.audit import Act
from server.records.kept import KeptRecord
from server.records.words import DoctorsWords
from server.store.record_rows import ROW, record_of_row, with_results
from server.store.tables import HEARD, SAID, UNHEARD, assessments, audit

_table = assessments.c
AT_ONCE = 500
"""Ids in one statement."""


def _by_doctors(site: str) -> ColumnElement[bool]:
    """Of which a doctor of ``site`` said something: few, so they are looked up first, and not asked of each result."""
    return _table.id.in_(select(audit.c.about).where(audit.c.site == site, SAID))


async def doubtful(connection: AsyncConnection, site: str, limit: int, *, said: bool = False) -> list[KeptRecord]:
    """Those that nobody has reviewed, the smallest doubt first; with labels. ``said``: by doctors, those alone."""
    query = select(*ROW).where(_table.site == site, UNHEARD, *([_by_doctors(site)] if said else []))
    rows = (await connection.execute(query.order_by(_table.doubt, _table.id).limit(limit))).all()
    return await with_results(connection, rows)


async def words(connection: AsyncConnection, site: str, ids: Sequence[str]) -> dict[str, DoctorsWords]:
    """What doctors said of these, the last word of each; without those of which nobody did. A few hundred at a time."""
    column = audit.c
    query = select(column.about, column.who, column.act).where(column.site == site, column.about.in_(ids), SAID)
    last: dict[str, dict[str, bool]] = {}
    for about, who, act in await connection.execute(query.order_by(column.id)):
        last.setdefault(about, {})[who] = act == Act.HEARD_CLEARLY.value
    return {about: DoctorsWords(sum(each.values()), len(each) - sum(each.values())) for about, each in last.items()}


async def numbers(connection: AsyncConnection, site: str, *, said: bool = False) -> tuple[int, int]:
    """How many could be reviewed, and how many are. ``said``: of those that could, as in ``doubtful``."""
    counting = select(func.count()).select_from(assessments).where(_table.site == site)
    left = (await connection.execute(counting.where(UNHEARD, *([_by_doctors(site)] if said else [])))).scalar_one()
    return left, (await connection.execute(counting.where(HEARD))).scalar_one()


async def review(
    connection: AsyncConnection, site: str, record_id: str, heard: bool | None, by: str, at: datetime
) -> bool:
    """Whether it is there."""
    said = {"heard": None, "heard_at": None, "heard_by": None} if heard is None else {
        "heard": heard, "heard_at": at, "heard_by": by[:64],
    }  # fmt: skip
    done = await connection.execute(
        update(assessments).where(_table.id == record_id, _table.site == site).values(**said)
    )
    return done.rowcount > 0


async def reviewed(
    connection: AsyncConnection, site: str, limit: int
) -> list[tuple[KeptRecord, bool | None, DoctorsWords]]:
    """The latest reviewed first, then those of which doctors alone said something, the latest first."""
    columns = select(*ROW).where(_table.site == site)
    query = columns.where(HEARD).order_by(_table.heard_at.desc()).limit(limit)
    rows = list((await connection.execute(query)).all())
    others = columns.where(_table.heard.is_(None), _by_doctors(site)).order_by(_table.ended_at.desc(), _table.id)
    rows += (await connection.execute(others.limit(limit - len(rows)))).all()
    said: dict[str, DoctorsWords] = {}
    for start in range(0, len(rows), AT_ONCE):
        said |= await words(connection, site, [row.id for row in rows[start : start + AT_ONCE]])
    return [(record_of_row(row), row.heard, said.get(row.id, DoctorsWords())) for row in rows]
