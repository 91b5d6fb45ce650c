"""The tables as the code sees them; ``migrations/`` makes them. Times are UTC, without a zone in the column."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """SQLite keeps no zones: what goes in is turned to UTC, what comes out says so."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From an aware time."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """To an aware time."""
        return None if value is None else value.replace(tzinfo=UTC)


api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("site", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(16), primary_key=True),
    Column("secret", LargeBinary(32), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", String(64), nullable=False),
    Column("site", String(64), nullable=False),
    Column("act", String(32), nullable=False),
    Column("about", String(64), nullable=False),
    Column("address", String(64), nullable=False),
)

running_sessions = Table(
    "running_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(16)),
    Column("wanted_by", String(16)),
    Column("head", LargeBinary, nullable=False),
    Column("core", LargeBinary),
)

running_rows = Table(
    "running_rows",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("rows", LargeBinary, nullable=False),
)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("collected", Boolean, nullable=False),
    Column("resume_digest", String(64)),
    Column("farewell", LargeBinary),
)

announced_sessions = Table(
    "announced_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Column("begun_by", String(16)),
)
