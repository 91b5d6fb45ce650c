"""A database of every earlier version opens, with what is in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from server.access.audit import Act
from server.store.audit import StoredAudit
from server.store.database import Engines, Where, open_database
from server.store.keys import StoredKeys
from server.store.migrating import migrate, newest
from server.store.postgresql.engines import PostgresEngines
from server.store.sqlite import SqliteEngines, file_of
from server.store.tables import metadata
from tests.postgres import PostgresServer

DATE = datetime(2026, 3, 1, 9, tzinfo=UTC)
ROWS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "0001": ("api_keys", ("1f0c9a2e", "d" * 64, "ward-3", "viewer", DATE, None, None)),
    "0002": ("signing_keys", ("kid1", b"s" * 32, DATE)),
    "0003": ("audit", (1, DATE, "key 1", "ward-3", "session.observed", "5b0c" * 8, "192.0.2.1")),
    "0004": ("ended_sessions", ("a" * 32, "ward-3", DATE, True, None, None)),
    "0005": ("announced_sessions", ("b" * 32, "ward-3", DATE, b"{}", None)),
    "0006": ("assessment_days", ("ward-3", "2026-03-01", "session", "telemedicine", "心内科", '{"results":1}')),
    "0007": (
        "webhook_endpoints",
        ("wh_1", "ward-3", "https://a.example/", "session.ended", "s", None, None, True, DATE),
    ),
    "0008": ("batch_files", (7, "c" * 32, "ward-3", 1, "1.wav", "1", 100, None, None, "waiting", None, 0)),
    "0009": ("batch_files", (7, "c" * 32, "ward-3", 1, "1.wav", "1", 100, None, None, "waiting", None, 0)),
    "0010": ("assessment_sums", ("ward-3", "2026-03-01", "session", "telemedicine", "心内科", '{"results":1}')),
    "0011": ("idempotency_keys", ("e" * 64, "f" * 64, None, DATE, 200, b"{}", "ward-3")),
    "0012": (
        "assessments",
        (
            "d" * 32,
            "ward-3",
            "session",
            DATE,
            DATE,
            "2026-03-01",
            "case 7",
            None,
            None,
            "d" * 32,
            1,
            "telemedicine",
            "心内科",
            "visit",
            "accept",
            "clear",
            0.9,
            61.2,
            40.5,
            "client",
            1,
            1,
            4.0,
            0.1,
            None,
            None,
            None,
        ),
    ),
}
"""By version: a table that came with it, and the first columns of a row of it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    if request.param == "sqlite":
        yield tmp_path
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database("template0") as url:
        yield url


@pytest.mark.parametrize("version", list(ROWS))
async def test_a_database_of_an_earlier_version_opens_with_what_is_in_it(empty: Where, version: str) -> None:
    older = {table: row for since, (table, row) in ROWS.items() if since <= version}
    await made_by(empty, version, older)
    async with open_database(empty) as database:
        assert [key.id for key in await StoredKeys(database).listed()] == ["1f0c9a2e"]
        acts = [entry.act for entry in await StoredAudit(database).latest(9)]
        assert acts == ([Act.SESSION_OBSERVED] if version >= "0003" else [])
        async with database.reading() as connection:
            for table, row in older.items():
                found = (await connection.execute(select(metadata.tables[table]))).one()
                assert tuple(found)[: len(row)] == row


def test_every_version_but_this_one_has_its_row() -> None:
    assert [f"{int(version) + 1:04}" for version in ROWS][-1] == newest()


async def made_by(where: Where, version: str, rows: dict[str, tuple[Any, ...]]) -> None:
    engines: Engines = SqliteEngines(file_of(where)) if isinstance(where, Path) else PostgresEngines(where)
    async with engines.writing.begin() as connection:
        await connection.run_sync(migrate, version)
        for name, row in rows.items():
            table = metadata.tables[name]
            await connection.execute(insert(table).values(dict(zip(table.c.keys(), row, strict=False))))
    await engines.writing.dispose()
    await engines.reading.dispose()
