"""A copy that is made while the database is used, and brings everything back."""

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from server.access.audit import Act, AuditEntry
from server.access.gate import utc_now
from server.access.keys import SigningKey, create_key, digest_of
from server.access.principal import Role
from server.app import open_access, open_keys
from server.errors import SettingsError
from server.records.ports import Wanted
from server.settings import Settings
from server.store import backup, record_rows
from server.store.backup import back_up, restore
from server.store.database import open_database
from server.store.records import StoredRecords
from server.store.sqlite import FILE
from tests.records.builders import id_of, record


async def add_keys(folder: Path, count: int) -> list[str]:
    async with open_keys(Settings(data_dir=folder)) as keys:
        return [(await create_key(keys, "ward-3", Role.VIEWER, utc_now()))[0] for _ in range(count)]


async def has(folder: Path, key: str) -> bool:
    async with open_keys(Settings(data_dir=folder)) as keys:
        return await keys.find(digest_of(key)) is not None


async def test_a_backup_under_way_of_writes_holds_what_was_written_before_it(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    async with open_keys(Settings(data_dir=folder)) as keys:
        before = [(await create_key(keys, "ward-3", Role.VIEWER, utc_now()))[0] for _ in range(5)]
        assert (folder / f"{FILE}-wal").stat().st_size > 0, "a copy of the file alone would miss these"
        stop = asyncio.Event()

        async def write_on() -> int:
            written = 0
            while not stop.is_set():
                await create_key(keys, "elsewhere", Role.VIEWER, utc_now())
                written += 1
            return written

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write_on())
            for _ in range(5):
                await asyncio.to_thread(back_up, folder, target, replace=True)
            stop.set()
        assert writing.result() > 0
    restore(target, tmp_path / "again")
    for key in before:
        assert await has(tmp_path / "again", key)


async def test_a_backup_is_one_file_for_its_owner_and_says_its_schema(tmp_path: Path) -> None:
    await add_keys(tmp_path / "data", 1)
    target = tmp_path / "out" / "copy.db"
    target.parent.mkdir()
    assert back_up(tmp_path / "data", target).isdecimal()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]


async def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    await add_keys(tmp_path / "data", 1)
    target = tmp_path / "copy.db"
    back_up(tmp_path / "data", target)
    with pytest.raises(SettingsError, match="--force"):
        back_up(tmp_path / "data", target)
    with pytest.raises(SettingsError, match="--force"):
        restore(target, tmp_path / "data")


async def test_a_restore_brings_back_the_moment_of_the_backup(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    (kept,) = await add_keys(folder, 1)
    back_up(folder, target)
    (later,) = await add_keys(folder, 1)
    restore(target, folder, replace=True)
    assert await has(folder, kept)
    assert not await has(folder, later)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


async def test_a_folder_that_a_server_uses_is_not_replaced(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    await add_keys(folder, 1)
    back_up(folder, target)
    async with open_keys(Settings(data_dir=folder)) as keys:
        key, _ = await create_key(keys, "ward-3", Role.VIEWER, utc_now())
        with pytest.raises(SettingsError, match="in use"):
            restore(target, folder, replace=True)
    assert await has(folder, key)


@pytest.mark.parametrize("content", [b"", b"no database", "other"])
def test_a_file_that_is_no_backup_changes_nothing(tmp_path: Path, content: bytes | str) -> None:
    source = tmp_path / "copy.db"
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        with closing(sqlite3.connect(source)) as other:
            other.execute("CREATE TABLE plants (name)")
    with pytest.raises(SettingsError, match="no intact database"):
        restore(source, tmp_path / "data")
    assert not (tmp_path / "data" / FILE).exists()


async def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    await add_keys(tmp_path / "data", 200)
    source = tmp_path / "copy.db"
    back_up(tmp_path / "data", source)
    damaged = bytearray(source.read_bytes())
    damaged[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    source.write_bytes(damaged)
    with pytest.raises(SettingsError, match="no intact database"):
        restore(source, tmp_path / "again")


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    asyncio.run(add_keys(tmp_path / "data", 1))
    with pytest.raises(SettingsError, match="nowhere"):
        back_up(tmp_path / "data", tmp_path / "nowhere" / "copy.db")
    with pytest.raises(SettingsError, match="no database"):
        back_up(tmp_path / "empty", tmp_path / "copy.db")


async def test_a_damaged_database_is_set_aside_and_not_taken_for_the_backup(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    (key,) = await add_keys(folder, 1)
    back_up(folder, target)
    (folder / FILE).write_bytes(b"no database" * 1000)
    (folder / f"{FILE}-wal").write_bytes(b"its log")
    done = restore(target, folder, replace=True)
    assert done.damaged == folder / f"{FILE}.damaged"
    assert done.damaged.read_bytes().startswith(b"no database")
    assert not done.carried
    assert not (folder / f"{FILE}-wal").exists()
    assert await has(folder, key)


async def test_a_damaged_backup_leaves_a_damaged_database_where_it_is(tmp_path: Path) -> None:
    folder, source = tmp_path / "data", tmp_path / "copy.db"
    folder.mkdir()
    (folder / FILE).write_bytes(b"no database" * 1000)
    source.write_bytes(b"no backup")
    with pytest.raises(SettingsError, match=r"copy\.db: no intact database"):
        restore(source, folder, replace=True)
    assert [path.name for path in folder.iterdir()] == [FILE]


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
async def test_the_database_is_no_place_for_its_own_backup(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "data"
    (kept,) = await add_keys(folder, 1)
    (tmp_path / "link").symlink_to(folder)
    for place in (folder, tmp_path / "link"):
        with pytest.raises(SettingsError, match="database itself"):
            back_up(folder, place / f"{FILE}{suffix}", replace=True)
    with pytest.raises(SettingsError, match="database itself"):
        restore(tmp_path / "link" / FILE, folder, replace=True)
    assert await has(folder, kept)


def test_patients_sessions_are_not_in_a_backup(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    asyncio.run(add_keys(folder, 1))
    with closing(sqlite3.connect(folder / FILE)) as there:
        there.execute("INSERT INTO running_sessions (id, head) VALUES ('a', 'case 7 of Wang')")
        there.execute("INSERT INTO running_rows VALUES ('a', 'words', 0, 'case 7 of Wang')")
        there.execute("INSERT INTO ended_sessions VALUES ('b', 'ward-3', '2026-01-01', 0, NULL, 'case 7 of Wang')")
        there.commit()
    back_up(folder, target)
    assert b"case 7 of Wang" not in target.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


async def test_what_was_revoked_since_the_backup_stays_revoked(tmp_path: Path) -> None:
    folder, target, now = tmp_path / "data", tmp_path / "copy.db", utc_now()
    async with open_access(Settings(data_dir=folder)) as stores:
        _, lost = await create_key(stores.keys, "ward-3", Role.VIEWER, now)
        _, good = await create_key(stores.keys, "ward-3", Role.VIEWER, now)
        await stores.keys.replace_signing_keys(SigningKey("before", b"0" * 32, now), ())
        await stores.audit.add(AuditEntry(now, "operator", "ward-3", Act.KEY_CREATED, lost.id, ""))
        back_up(folder, target)
        await stores.keys.revoke(lost.id, now)
        await stores.audit.add(AuditEntry(now, "operator", "ward-3", Act.KEY_REVOKED, lost.id, ""))
        await stores.keys.replace_signing_keys(SigningKey("after", b"1" * 32, now), ["before"])
    assert restore(target, folder, replace=True).carried
    async with open_access(Settings(data_dir=folder)) as stores:
        revoked = {key.id: key.revoked_at for key in await stores.keys.listed()}
        assert revoked == {lost.id: now, good.id: None}
        assert "before" not in [key.kid for key in await stores.keys.signing_keys()]
        acts = [entry.act for entry in await stores.audit.latest(10)]
    assert acts == [Act.KEY_CREATED, Act.KEY_REVOKED, Act.DATABASE_RESTORED]
    assert not restore(target, tmp_path / "elsewhere").carried


async def test_what_root_writes_belongs_to_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    await add_keys(folder, 1)
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        os, "chown", lambda path, user, group, *, follow_symlinks: given.append((Path(path).name, user, group))
    )
    back_up(folder, target)
    restore(target, folder, replace=True)
    owner = (folder.stat().st_uid, folder.stat().st_gid)
    assert [name.split("-")[0] for name, *_ in given] == [".copy.db", f".{FILE}"]
    assert {tuple(ids) for _, *ids in given} == {owner}


def test_the_database_that_root_makes_with_the_first_key_belongs_to_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        os, "chown", lambda path, user, group, *, follow_symlinks: given.append((Path(path).name, user, group))
    )
    asyncio.run(add_keys(tmp_path, 1))
    asyncio.run(add_keys(tmp_path, 1))
    assert given == [(FILE, tmp_path.stat().st_uid, tmp_path.stat().st_gid)]


def test_a_database_that_is_locked_is_told_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    asyncio.run(add_keys(folder, 1))
    monkeypatch.setattr(backup, "BUSY_S", 0.2)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SettingsError, match=r"locked for 0\.2 s.*锁定"):
            back_up(folder, target)
        assert list(tmp_path.iterdir()) == [folder]
    assert back_up(folder, target).isdecimal()


async def test_results_are_in_no_backup_and_stay_where_one_is_put_back(tmp_path: Path) -> None:
    folder, target = tmp_path / "data", tmp_path / "copy.db"

    async def keep(number: int) -> None:
        async with open_database(folder) as database, database.writing() as connection:
            await record_rows.add(connection, [record(number, reference="zebra-case")])

    await keep(1)
    back_up(folder, target)
    assert b"zebra-case" not in target.read_bytes()
    await keep(2)
    restore(target, folder, replace=True)
    async with open_database(folder) as database:
        records = StoredRecords(database)
        assert [row.id for row in await records.page("ward-3", Wanted(), 9)] == [id_of(2), id_of(1)]
        (day,) = await records.days("ward-3", "0000-00-00", "9999-99-99")
        assert day.counts["results"] == 2
    restore(target, tmp_path / "elsewhere")
    async with open_database(tmp_path / "elsewhere") as database:
        records = StoredRecords(database)
        assert await records.page("ward-3", Wanted(), 9) == []
        (day,) = await records.days("ward-3", "0000-00-00", "9999-99-99")
        assert day.counts["results"] == 1, "what was counted outlives a disk"
