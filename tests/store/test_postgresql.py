"""A real PostgreSQL server: how its database comes up to date, who counts as alive on it, what a deletion leaves, and
what an operator is told."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.audit import Act, AuditEntry
from server.errors import SettingsError, StoreError
from server.store import backup
from server.store.audit import StoredAudit
from server.store.database import Database, Where, open_database
from server.store.postgresql import connecting, presence
from server.store.postgresql.engines import OF_PATIENTS, PostgresEngines, unfitness
from server.store.postgresql.looking import look
from server.store.postgresql.presence import Presence
from server.store.postgresql.url import DatabaseUrl
from server.store.records import StoredRecords
from server.store.sqlite import SqliteEngines
from tests.cli.conftest import in_process
from tests.fakes import until
from tests.postgres import PostgresServer
from tests.processes import living
from tests.records.builders import id_of, record

OPEN = (
    "import asyncio, sys\nfrom server.store.database import open_database\n"
    "from server.store.postgresql.url import DatabaseUrl\n"
    "async def main():\n    async with open_database(DatabaseUrl.of(sys.argv[1])): pass\nasyncio.run(main())"
)
HOLD = (
    "import asyncio, sys\nfrom server.store.postgresql.presence import present\n"
    "from server.store.postgresql.url import DatabaseUrl\n"
    "async def main():\n    async with present(DatabaseUrl.of(sys.argv[1]), 'other'):\n"
    "        print(flush=True); await asyncio.sleep(600)\nasyncio.run(main())"
)
ENTRY = AuditEntry(datetime(2026, 3, 1, tzinfo=UTC), "key 1", "a", Act.SESSION_OBSERVED, "", "")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseUrl]:
    monkeypatch.setattr(presence, "GRACE_S", 0.0)  # the server has just begun
    with postgres.database() as found:
        yield found


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[DatabaseUrl]:
    with postgres.database("template0") as found:
        yield found


def test_servers_that_start_at_once_on_an_empty_database_all_get_it(empty: DatabaseUrl) -> None:
    command = [sys.executable, "-c", OPEN, empty.dsn]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") for _ in range(3)]
    for process in running:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said


async def test_a_transaction_that_stands_still_holds_its_locks_for_a_bounded_time(
    url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a process that is stopped, or of a machine that is gone."""
    async with open_database(url) as stuck, open_database(url) as other:

        async def stand_still() -> None:
            with monkeypatch.context() as short:  # for this one: a busy machine may take as long between two statements
                short.setitem(connecting.BOUNDS, "idle_in_transaction_session_timeout", "1000")
                await stuck._engines.writing.dispose()
                async with stuck.writing() as connection:
                    await connection.exec_driver_sql("LOCK TABLE audit")
                    short.undo()
                    async with asyncio.timeout(60):
                        await StoredAudit(other).add(ENTRY)
                    await connection.exec_driver_sql("SELECT 1")

        with pytest.raises(StoreError):
            await stand_still()
        assert await StoredAudit(other).latest(9) == [ENTRY]


async def test_who_waited_for_a_lock_sees_what_was_written_whatever_the_default_of_the_database(
    postgres: PostgresServer, url: DatabaseUrl
) -> None:
    postgres.execute(f"ALTER DATABASE {url.name} SET default_transaction_isolation = 'serializable'")
    async with open_database(url) as database, database.writing() as connection:
        level = (await connection.exec_driver_sql("SHOW transaction_isolation")).scalar_one()
    assert level == "read committed"


async def test_who_waits_for_a_lock_is_told_after_a_while(url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connecting.BOUNDS, "lock_timeout", "200")
    async with open_database(url) as holds, open_database(url) as waits, holds.writing() as connection:
        await connection.exec_driver_sql("LOCK TABLE audit")
        with pytest.raises(StoreError):
            await StoredAudit(waits).add(ENTRY)


# -- who is alive


async def _is_dead(database: Database, here: Presence, process_id: str) -> bool:
    async with database.reading() as connection:
        return await here.dead(connection, [process_id]) == {process_id}


async def _died(database: Database, here: Presence, process_id: str) -> None:
    async with asyncio.timeout(60):
        while not await _is_dead(database, here, process_id):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_process_that_is_killed_is_dead_at_once_and_one_that_stands_still_is_not(url: DatabaseUrl) -> None:
    async with open_database(url) as database, living(database, url) as here:
        assert isinstance(here, Presence)
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, url.dsn, stdout=subprocess.PIPE)
        try:
            assert other.stdout is not None
            await other.stdout.readline()
            assert not await _is_dead(database, here, "other")
            os.kill(other.pid, signal.SIGSTOP)
            assert not await _is_dead(database, here, "other")
        finally:
            other.kill()
            await other.wait()
        await _died(database, here, "other")
        assert not await _is_dead(database, here, here.id), "nobody tells that of itself"


async def test_a_process_whose_connection_was_cut_comes_back_and_trusts_no_absence_meanwhile(
    url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "AGAIN_S", 0.01)
    async with open_database(url) as database, living(database, url) as here, living(database, url) as other:
        assert isinstance(here, Presence)
        assert isinstance(other, Presence)
        assert await _is_dead(database, other, "nobody")
        monkeypatch.setattr(presence, "GRACE_S", 3600.0)
        connection = here._connection
        assert connection is not None
        async with database.writing() as cutting:
            await cutting.exec_driver_sql(f"SELECT pg_terminate_backend({connection.get_server_pid()})")
        await until(lambda: inf > here._steady_from > 0)  # it is back
        monkeypatch.setattr(presence, "GRACE_S", 0.0)  # of the server: its own time has begun
        assert here._connection is not connection
        assert not await _is_dead(database, here, "nobody"), "others may have lost theirs too"
        assert not await _is_dead(database, other, here.id)
        here._steady_from -= 3600.0
        await _died(database, here, "nobody")


async def test_for_a_while_after_the_server_began_nobody_is_dead(
    url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "GRACE_S", 3600.0)
    async with open_database(url) as database, living(database, url) as here:
        assert isinstance(here, Presence)
        assert not await _is_dead(database, here, "nobody")
        monkeypatch.setattr(presence, "GRACE_S", 0.0)
        assert await _is_dead(database, here, "nobody")


async def test_who_does_not_see_its_own_lock_takes_nobody_for_dead(url: DatabaseUrl) -> None:
    """A standby that took the place of the server has no locks, and began long ago."""
    async with open_database(url) as database, living(database, url) as here:
        assert isinstance(here, Presence)
        assert await _is_dead(database, here, "nobody")
        assert here._connection is not None
        await here._connection.execute("SELECT pg_advisory_unlock_all()")
        assert not await _is_dead(database, here, "nobody")


# -- several hosts

STANDBY, SILENT = 5499, 5498
"""Ports: the servers are in one folder."""


@pytest.fixture(scope="module")
def standby(postgres: PostgresServer) -> Iterator[None]:
    """A copy of the server that follows it, as of now, and takes no writes."""
    data = str(postgres.folder / "standby")
    postgres.run("pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "-h", str(postgres.folder), "-U",
                 "postgres")  # fmt: skip
    postgres.run("pg_ctl", "start", "-w", "-D", data, "-l", str(postgres.folder / "standby.log"),
                 "-o", f"-p {STANDBY}")  # fmt: skip
    try:
        yield
    finally:
        postgres.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)


def _at(postgres: PostgresServer, name: str, *ports: int, more: str = "") -> DatabaseUrl:
    hosts = ",".join([quote(str(postgres.folder), safe="")] * len(ports))
    return DatabaseUrl.of(f"postgresql://postgres@/{name}?host={hosts}&port={','.join(map(str, ports))}{more}")


@pytest.mark.parametrize("more", ["", "&target_session_attrs=read-write", "&target_session_attrs=any"])
@pytest.mark.usefixtures("standby")
async def test_of_several_hosts_the_one_that_takes_writes_is_found(
    postgres: PostgresServer, url: DatabaseUrl, more: str
) -> None:
    async with open_database(_at(postgres, url.name, STANDBY, 5432, more=more)) as database:
        await StoredAudit(database).add(ENTRY)
        assert await StoredAudit(database).latest(9) == [ENTRY]


@pytest.mark.usefixtures("standby")
async def test_a_standby_alone_is_refused_and_while_hosts_change_places_a_process_asks_again(
    postgres: PostgresServer,
) -> None:
    """As in the moment in which the former primary is one already, and the new one is not yet."""
    alone = _at(postgres, "postgres", STANDBY)
    assert "it is a standby" in await _refusal(alone)
    here = Presence(alone)
    with pytest.raises(StoreError):
        await here.begin()
    again = asyncio.create_task(here._again())
    await asyncio.sleep(0)
    here._url = _at(postgres, "postgres", 5432)
    async with asyncio.timeout(60):
        await again
    await here.end()


async def test_a_host_that_never_answers_takes_no_time_from_the_next(
    postgres: PostgresServer, url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "CONNECT_S", 3.0)  # a busy server that does answer has enough of it
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(postgres.folder / f".s.PGSQL.{SILENT}"))
        silent.listen()  # the system takes connections, and nobody answers
        connection = await connecting.connect(_at(postgres, url.name, SILENT, 5432))
        connection.terminate()
        with pytest.raises(TimeoutError):
            await connecting.connect(_at(postgres, url.name, SILENT))


# -- what a deletion leaves


async def test_after_prune_with_vacuum_no_file_of_a_table_holds_a_result_that_is_gone(
    postgres: PostgresServer, url: DatabaseUrl
) -> None:
    """The write-ahead log does, until the server writes over it: docs/operate.md says so."""
    words = [b"zebra-reference", b"zebra-name", b"zebra-body"]
    async with open_database(url) as database:
        records = StoredRecords(database)
        kept = record(1, reference="kept-reference")
        await records.add([kept, record(2, reference="zebra-reference", name="zebra-name", body=b"zebra-body" * 50)])
        await _checkpoint(url)
        assert all(_on_disk(postgres, word) for word in words)
        assert await records.delete("ward-3", id_of(2))
        await records.vacuum()
        await _checkpoint(url)
        assert not [word for word in words if _on_disk(postgres, word)]
        assert _on_disk(postgres, b"kept-reference"), "it looks where results are"
        assert await records.find("ward-3", id_of(1)) == kept


async def test_the_place_of_a_deleted_result_is_free_for_the_next(url: DatabaseUrl) -> None:
    for round_ in range(6):
        async with open_database(url) as database:  # its end waits for what a deletion has begun
            numbers = [round_ * 100 + number for number in range(100)]
            records = StoredRecords(database)
            day = f"2026-01-0{round_ + 1}"  # one that lost results takes none of an import
            await records.add([record(number, name="x" * 190, day=day) for number in numbers])
            assert await records.prune(record(numbers[-1] + 1).ended_at) == 100
    async with open_database(url) as database:
        async with database.reading() as connection:
            size = (await connection.exec_driver_sql("SELECT pg_relation_size('assessments')")).scalar_one()
        assert size < 3 * 100 * 500, "all six rounds would have 300 kB"


async def test_deletions_wait_for_no_vacuum_and_share_one_connection_for_it(
    url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, rounds = 0, 0, 0
    may_end = asyncio.Event()

    async def vacuum(*_: object) -> None:
        nonlocal running, most, rounds
        running, rounds = running + 1, rounds + 1
        most = max(most, running)
        await may_end.wait()
        running -= 1

    monkeypatch.setattr(PostgresEngines, "_alone", vacuum)
    async with asyncio.timeout(60), open_database(url) as database:
        records = StoredRecords(database)
        await records.add([record(number) for number in range(20)])
        done = await asyncio.gather(*(records.delete("ward-3", id_of(number)) for number in range(20)))
        assert all(done)
        assert running == 1
        may_end.set()
    assert (most, running) == (1, 0)
    assert rounds <= 2, "what came meanwhile shares the next"


async def test_a_deletion_that_is_done_is_told_as_done_whatever_becomes_of_the_vacuum(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def fails(*_: object) -> None:
        tried.append(1)
        raise StoreError("as the test asked")

    monkeypatch.setattr(PostgresEngines, "_alone", fails)
    monkeypatch.setattr(SqliteEngines, "forget", fails)
    async with open_database(where) as database:
        records = StoredRecords(database)
        await records.add([record(1)])
        assert await records.delete("ward-3", id_of(1))
    assert tried


async def _checkpoint(url: DatabaseUrl) -> None:
    connection = await asyncpg.connect(url.dsn)
    await connection.execute("CHECKPOINT")
    await connection.close()


def _on_disk(postgres: PostgresServer, word: bytes) -> bool:
    return any(word in path.read_bytes() for path in (postgres.data / "base").rglob("*") if path.is_file())


# -- what an operator is told


async def _refusal(url: DatabaseUrl) -> str:
    with pytest.raises(SettingsError) as refused:
        async with open_database(url):
            pass
    seen = await look(url)
    assert seen.trouble is not None
    assert seen.trouble.en in refused.value.message
    assert seen.trouble.zh in refused.value.message
    assert seen.trouble.command in refused.value.message
    return refused.value.message


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    word = "of-nobody"
    said = await _refusal(DatabaseUrl.of(f"postgresql://tq:{word}@/tingqing?host={tmp_path}"))
    assert "no server answers there" in said
    assert word not in said


async def test_a_database_or_user_that_is_not_there_is_named_with_the_command_that_makes_it(
    postgres: PostgresServer,
) -> None:
    assert "createdb --owner postgres" in await _refusal(postgres.url("nowhere"))
    assert "refuses the user nobody" in await _refusal(postgres.url("postgres", "nobody"))


async def test_a_user_without_rights_is_told_whose_the_database_must_be(
    postgres: PostgresServer, empty: DatabaseUrl
) -> None:
    postgres.execute("CREATE ROLE guest LOGIN")
    try:
        assert f'ALTER DATABASE "{empty.name}" OWNER TO "guest"' in await _refusal(postgres.url(empty.name, "guest"))
        postgres.execute(f'ALTER DATABASE "{empty.name}" OWNER TO guest')
        async with open_database(postgres.url(empty.name, "guest")):
            assert (await look(postgres.url(empty.name, "guest"))).trouble is None
    finally:
        postgres.execute(f'ALTER DATABASE "{empty.name}" OWNER TO postgres')
        postgres.execute("REASSIGN OWNED BY guest TO postgres", empty.name)
        postgres.execute("DROP OWNED BY guest", empty.name)
        postgres.execute("DROP ROLE guest")


async def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE latin ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    try:
        assert "not UTF8" in await _refusal(postgres.url("latin"))
    finally:
        postgres.execute("DROP DATABASE latin WITH (FORCE)")


async def test_a_pooler_in_between_is_named_whether_it_refuses_the_settings_of_a_session_or_drops_them(
    url: DatabaseUrl,
) -> None:
    connection = await asyncpg.connect(url.dsn)  # as one whose settings were dropped
    try:
        dropped = await unfitness(connection, url)
    finally:
        await connection.close()
    error = asyncpg.ProtocolViolationError("unsupported startup parameter: statement_timeout")
    for said in (dropped, connecting.trouble_of(url, error)):
        assert said is not None
        assert "PgBouncer" in said.en
        assert "PgBouncer" in said.zh


async def test_without_the_driver_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("engines", "connecting"):
        monkeypatch.delitem(sys.modules, f"server.store.postgresql.{name}")
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(SettingsError, match=r"tingqing\[postgresql\].*请运行"):
        async with open_database(DatabaseUrl.of("postgresql://tq@db/tq")):
            pass


def test_commands_take_the_database_by_flag_or_variable(url: DatabaseUrl) -> None:
    made = in_process("keys", "create", "--site", "ward-3", "--role", "viewer", "--database-url", url.dsn)
    assert made.code == 0, made.err
    listed = in_process("keys", "list", "--format", "json", TINGQING_DATABASE_URL=url.dsn)
    assert [one["site"] for one in json.loads(listed.out)] == ["ward-3"]
    assert in_process("records", "stats", "--database-url", url.dsn).code == 0
    assert in_process("webhooks", "list", "--database-url", url.dsn).code == 0
    found = in_process("doctor", "--json", "--database-url", url.dsn).out.splitlines()
    (database,) = [one for one in map(json.loads, found) if one["check"] == "database"]
    assert (database["status"], database["command"]) == ("ok", "")
    refused = in_process("backup", "x.db", "--database-url", url.dsn)
    assert (refused.code, "pg_dump" in refused.err) == (2, True)


def test_a_backup_as_the_manual_has_it_holds_keys_and_nothing_of_patients(
    postgres: PostgresServer, url: DatabaseUrl, empty: DatabaseUrl, tmp_path: Path
) -> None:
    async def fill() -> None:
        async with open_database(url) as database:
            await StoredAudit(database).add(ENTRY)
            await StoredRecords(database).add([record(1)])

    async def read() -> None:
        async with open_database(empty) as database:
            assert await StoredAudit(database).latest(9) == [ENTRY]
            records = StoredRecords(database)
            assert await records.find("ward-3", id_of(1)) is None
            assert len(await records.days("ward-3", "0000-00-00", "9999-99-99")) == 1

    asyncio.run(fill())
    manual = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    (dumping,) = [block for block in manual.split("```") if "\npg_dump " in block]
    (dump,) = [line for line in dumping.splitlines() if line.startswith("pg_dump ")]
    (restore,) = [line for line in manual.splitlines() if line.startswith("pg_restore ")]
    for line, of in ((dumping.removeprefix("sh\n"), url), (restore, empty)):
        environment = {"PATH": f"{postgres.bin}:{os.environ['PATH']}", "TINGQING_DATABASE_URL": of.dsn}
        done = subprocess.run(
            ["sh", "-c", f"umask 022\n{line}"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "tingqing.dump").stat().st_mode) == 0o600, "it has secrets"
    asyncio.run(read())
    left_out = dump.split("--exclude-table-data '")[1].split("'")[0].split("|")
    assert sorted(left_out) == sorted(OF_PATIENTS) == sorted(backup.OF_PATIENTS)


@pytest.mark.parametrize("kind", [asyncpg.InternalClientError, asyncpg.ProtocolError, asyncpg.InterfaceError])
async def test_a_fault_of_the_driver_in_the_middle_of_a_statement_is_a_failure_of_the_database(
    url: DatabaseUrl, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No real server makes it say so when a test wants it."""

    async def fails(*_given: object, **_more: object) -> None:
        raise kind("got a result for an unknown state")

    async with open_database(url) as database:
        for block in (database.reading, database.writing):
            with monkeypatch.context() as failing:
                with pytest.raises(StoreError) as failed:
                    await asked(block, partial(failing.setattr, asyncpg.Connection, "prepare", fails))
                assert isinstance(failed.value.__cause__, Exception)
            async with block() as connection:
                assert (await connection.execute(text("SELECT 3"))).scalar_one() == 3


async def asked(block: Callable[[], AbstractAsyncContextManager[AsyncConnection]], between: Callable[[], None]) -> None:
    async with block() as connection:
        await connection.execute(text("SELECT 1"))
        between()
        await connection.execute(text("SELECT 2"))
