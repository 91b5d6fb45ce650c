"""The audit in the database."""

from datetime import datetime

from sqlalchemy import insert, select

from server.access.audit import Act, AuditEntry
from server.store.database import Database
from server.store.tables import audit


class StoredAudit:
    """An ``AuditLog``. Triggers of the database refuse to change or delete an entry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        row = {
            "at": entry.at,
            "who": entry.who,
            "site": entry.site,
            "act": str(entry.act),
            "about": entry.about,
            "address": entry.address,
        }
        async with self._database.writing() as connection:
            await connection.execute(insert(audit).values(row))

    async def has_since(self, entry: AuditEntry, since: datetime) -> bool:
        """See AuditLog."""
        column = audit.c
        same = (
            column.at >= since,
            column.who == entry.who,
            column.site == entry.site,
            column.act == str(entry.act),
            column.about == entry.about,
            column.address == entry.address,
        )
        async with self._database.reading() as connection:
            return (await connection.execute(select(column.id).where(*same).limit(1))).first() is not None

    async def latest(self, count: int) -> list[AuditEntry]:
        """See AuditLog."""
        query = select(audit).order_by(audit.c.id.desc()).limit(count)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [AuditEntry(row.at, row.who, row.site, Act(row.act), row.about, row.address) for row in reversed(rows)]
