"""The statements on what people said of kept results. Each works in the caller's transaction."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.records.kept import KeptRecord
from server.store.record_rows import ROW, record_of_row, with_results
from server.store.tables import HEARD, UNHEARD, assessments

_table = assessments.c


async def doubtful(connection: AsyncConnection, site: str, limit: int) -> list[KeptRecord]:
    """Those that nobody has reviewed, the smallest doubt first; with labels."""
    query = select(*ROW).where(_table.site == site, UNHEARD).order_by(_table.doubt, _table.id).limit(limit)
    return await with_results(connection, (await connection.execute(query)).all())


async def numbers(connection: AsyncConnection, site: str) -> tuple[int, int]:
    """How many could be reviewed, and how many are."""
    counting = select(func.count()).select_from(assessments).where(_table.site == site)
    left = (await connection.execute(counting.where(UNHEARD))).scalar_one()
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


async def reviewed(connection: AsyncConnection, site: str, limit: int) -> list[tuple[KeptRecord, bool]]:
    """The latest first."""
    query = select(*ROW, _table.heard).where(_table.site == site, HEARD).order_by(_table.heard_at.desc()).limit(limit)
    return [(record_of_row(row), bool(row.heard)) for row in await connection.execute(query)]
