"""The file of a data folder: whose it is, how it comes up to date, and what happens when it cannot be used."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from server.access.audit import Act, AuditEntry
from server.errors import SettingsError, StoreError
from server.store.audit import StoredAudit
from server.store.database import Database, Where, open_database
from server.store.sqlite import FILE
from server.store.tables import metadata


async def test_migrations_make_the_tables_that_the_code_sees(where: Where) -> None:
    def differences(connection: Connection) -> list[object]:
        lengths = isinstance(where, Path)  # on PostgreSQL texts have any
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": lengths}), metadata))

    async with open_database(where) as database, database.reading() as connection:
        assert await connection.run_sync(differences) == []
        if isinstance(where, Path):
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"


async def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    async with open_database(folder) as database, database.writing():
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(where: Where) -> None:
    async with open_database(where) as database:
        async with database.writing() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(SettingsError, match="newer Tingqing"):
            async with open_database(where):
                pass
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"


@pytest.mark.parametrize("what", ["a file in place of the folder", "not a database"])
async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "data"
    if what == "not a database":
        folder.mkdir()
        (folder / FILE).write_bytes(b"something else entirely" * 100)
    else:
        folder.write_text("")
    with pytest.raises(SettingsError, match="--data-dir"):
        async with open_database(folder):
            pass


async def test_a_block_that_fails_leaves_nothing_behind(where: Where) -> None:
    async def half(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(
                text("INSERT INTO api_keys VALUES ('1', 'secret', 'a', 'admin', '2026-01-01', NULL, NULL)")
            )
            await connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    async with open_database(where) as database:
        with pytest.raises(StoreError) as failed:
            await half(database)
        assert "secret" not in str(failed.value)
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM api_keys"))).scalar() == 0


async def test_a_reader_does_not_wait_for_a_writer(where: Where) -> None:
    async with open_database(where) as database, database.writing() as writer:
        await writer.execute(text("DELETE FROM api_keys"))
        async with asyncio.timeout(60), database.reading() as reader:
            assert (await reader.execute(text("SELECT count(*) FROM api_keys"))).scalar() == 0


async def test_a_reader_does_not_wait_for_a_crowd_of_writers(where: Where) -> None:
    entry = AuditEntry(datetime(2026, 3, 1, tzinfo=UTC), "key 1", "a", Act.SESSION_OBSERVED, "", "")
    async with open_database(where) as database:
        audit = StoredAudit(database)
        async with asyncio.TaskGroup() as crowd, database.writing() as writer:
            await writer.execute(text("DELETE FROM api_keys"))
            for _ in range(30):
                crowd.create_task(audit.add(entry))
            await asyncio.sleep(0)
            async with asyncio.timeout(60):
                seen = await audit.latest(100)
            # Writers of PostgreSQL do not wait for one another: some may be done.
            assert not seen or not isinstance(where, Path)
        assert len(await audit.latest(100)) == 30


async def test_a_file_that_everybody_could_read_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with open_database(folder):
        (folder / FILE).chmod(0o644)
    async with open_database(folder) as database, database.writing():
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {0o600}


def test_processes_that_open_a_new_folder_at_once_all_get_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\nfrom server.store.database import open_database\n"
        "async def main():\n    async with open_database(pathlib.Path(sys.argv[1])): pass\nasyncio.run(main())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") for _ in range(3)]
    for process in running:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said


async def test_an_opening_waits_for_the_one_that_turns_the_file_to_wal_mode(tmp_path: Path) -> None:
    """SQLite says at once that it is locked, whatever its busy timeout: that is no folder that cannot be used."""
    (tmp_path / FILE).touch(mode=0o600)
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE half_made (id)")
        opening = asyncio.create_task(_open_and_close(tmp_path))
        _, still_waiting = await asyncio.wait({opening}, timeout=0.3)
        assert still_waiting
        other.execute("ROLLBACK")
        async with asyncio.timeout(30):
            await opening


async def _open_and_close(folder: Path) -> None:
    async with open_database(folder):
        pass


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
async def test_the_audit_is_only_added_to(where: Where, change: str) -> None:
    entry = AuditEntry(datetime(2026, 3, 1, tzinfo=UTC), "key 1", "a", Act.SESSION_OBSERVED, "", "")

    async def tamper(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(text(change))

    async with open_database(where) as database:
        await StoredAudit(database).add(entry)
        with pytest.raises(StoreError):
            await tamper(database)
        assert await StoredAudit(database).latest(10) == [entry]
