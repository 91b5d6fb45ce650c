"""A folder of every earlier version opens, with what is in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from server.access.audit import Act
from server.store.audit import StoredAudit
from server.store.database import open_database
from server.store.keys import StoredKeys
from server.store.sqlite import FILE

DATE = "2026-03-01 09:00:00.000000"
ROWS = {
    "0001": ("api_keys", ("1f0c9a2e", "d" * 64, "ward-3", "viewer", DATE, None, None)),
    "0002": ("signing_keys", ("kid1", b"s" * 32, DATE)),
    "0003": ("audit", (1, DATE, "key 1", "ward-3", "session.observed", "5b0c" * 8, "192.0.2.1")),
    "0004": ("ended_sessions", ("a" * 32, "ward-3", DATE, 1, None, None)),
    "0005": ("announced_sessions", ("b" * 32, "ward-3", DATE, b"{}", None)),
}
"""By version: a table that came with it, and a row of it."""


@pytest.mark.parametrize("version", list(ROWS))
async def test_a_folder_of_an_earlier_version_opens_with_what_is_in_it(tmp_path: Path, version: str) -> None:
    made_by(tmp_path, version)
    older = [(table, row) for since, (table, row) in ROWS.items() if since <= version]
    with closing(sqlite3.connect(tmp_path / FILE)) as plain:
        for table, row in older:
            plain.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        plain.commit()
    async with open_database(tmp_path) as database:
        assert [key.id for key in await StoredKeys(database).listed()] == ["1f0c9a2e"]
        acts = [entry.act for entry in await StoredAudit(database).latest(9)]
        assert acts == ([Act.SESSION_OBSERVED] if version >= "0003" else [])
        async with database.reading() as connection:
            for table, row in older:
                assert tuple((await connection.execute(text(f"SELECT * FROM {table}"))).one()) == row


def made_by(folder: Path, version: str) -> None:
    engine = create_engine(f"sqlite:///{folder / FILE}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "server.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
