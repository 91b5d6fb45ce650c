"""A whole database moves from SQLite to PostgreSQL and back: every row of every table, or none."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, insert, select

from server.access.audit import Act, AuditEntry
from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.errors import SettingsError, StoreError
from server.notify.endpoints import new_endpoint
from server.notify.events import BY_DEFAULT, EventType, event
from server.store import copying, outbox_rows
from server.store.audit import StoredAudit
from server.store.copying import copy_all
from server.store.database import Database, Where, open_database
from server.store.keys import StoredKeys
from server.store.outbox import StoredOutbox
from server.store.records import StoredRecords
from server.store.tables import audit, batch_files, metadata
from server.store.utc_time import UtcTime
from server.store.webhooks import StoredEndpoints
from tests.cli.conftest import in_process
from tests.postgres import PostgresServer
from tests.processes import living
from tests.records.builders import id_of, record
from tests.store.test_answers import failing_at

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MANY = 3
WAYS = [("sqlite", "postgresql"), ("postgresql", "sqlite")]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]} to {way[1]}")
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Where, Where]]:
    """Source and target, both without a row."""
    with ExitStack() as stack:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = stack.enter_context(server.database())
        yield (url, tmp_path / "data") if request.param[0] == "postgresql" else (tmp_path / "data", url)


def value_of(column: Column[Any], number: int) -> Any:
    """One of its kind; different for each number, and in each column."""
    if isinstance(column.type, UtcTime):
        return NOW + timedelta(minutes=number)
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Float):
        return number + 0.125
    text = f"{number}-{column.name}"[: getattr(column.type, "length", None) or 99]
    return text.encode() + b"\x00\xff" if isinstance(column.type, LargeBinary) else text


async def fill(database: Database) -> None:
    """Rows in every table, also where later versions have more of them; some columns without a value."""
    async with database.writing() as connection:
        for table in metadata.sorted_tables:
            rows = [{column.name: value_of(column, number) for column in table.c} for number in range(1, MANY + 1)]
            rows[-1] |= {column.name: None for column in table.c if column.nullable}
            await connection.execute(insert(table), rows)


async def rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.reading() as connection:
        for table in metadata.sorted_tables:
            query = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [dict(row._mapping) for row in await connection.execute(query)]
    return found


def without_what_is_of_the_place(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Processes that have running sessions, and where files lie, are not those of the other database."""
    of_place = {"running_sessions": ("owner", "wanted_by"), "batch_files": ("place",)}
    return {
        name: [{key: value for key, value in row.items() if key not in of_place.get(name, ())} for row in each]
        for name, each in rows.items()
    }


async def test_every_row_of_every_table_is_there_as_it_was(
    ways: tuple[Where, Where], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROWS", 2)  # several pages of each
    async with open_database(ways[0]) as source, open_database(ways[1]) as target:
        await fill(source)
        before = await rows_of(source)
        counts = await copy_all(source, target, place="here")
        assert counts == {table.name: MANY for table in metadata.sorted_tables}
        assert await rows_of(source) == before
        after = await rows_of(target)
        entry = after["audit"].pop()
        assert without_what_is_of_the_place(after) == without_what_is_of_the_place(before)
        assert (entry["act"], entry["id"]) == (Act.DATABASE_COPIED, MANY + 1)
        assert {row["place"] for row in after[batch_files.name]} == {"here" if target.url else None}
        assert {row["owner"] for row in after["running_sessions"]} == {None}


async def test_what_is_used_goes_on_in_the_new_database(ways: tuple[Where, Where]) -> None:
    """Keys open, webhooks that wait are told, results are listed and counted, and new rows get numbers of their own."""
    endpoint = new_endpoint("ward-3", "https://a.example/", BY_DEFAULT, NOW)
    async with open_database(ways[0]) as source, open_database(ways[1]) as target:
        await create_key(StoredKeys(source), "ward-3", Role.INTEGRATOR, NOW)
        keys = await StoredKeys(source).listed()
        await StoredEndpoints(source).add(endpoint)
        told = event(EventType.SESSION_ENDED, "ward-3", "s", NOW, {})
        await StoredOutbox(source, None).tell([told])
        await StoredRecords(source).add([record(1, verdict="re-record"), record(2, attempt_of=id_of(1))])
        await StoredRecords(source).review("ward-3", id_of(2), True, "key 1", NOW)
        days = await StoredRecords(source).days("ward-3", "0000", "9999")
        await copy_all(source, target)
        assert await StoredKeys(target).listed() == keys != []
        assert (await StoredEndpoints(target).get(endpoint.id)) == endpoint
        assert await StoredRecords(target).days("ward-3", "0000", "9999") == days
        found = await StoredRecords(target).find("ward-3", id_of(2))
        assert found is not None
        assert (found.heard, found.heard_by, found.body) == (True, "key 1", record(2).body)
        async with living(target, ways[1]) as process:
            (waiting,) = await StoredOutbox(target, process).take({endpoint.id: 9}, utc_now())
        assert waiting.event == told
        async with target.writing() as connection:
            await outbox_rows.tell(connection, [event(EventType.SESSION_ENDED, "ward-3", "t", NOW, {})], NOW)
        await StoredAudit(target).add(AuditEntry(NOW, "key 1", "ward-3", Act.RECORD_READ, "", ""))
        assert len(await StoredOutbox(target, None).listed(9)) == 2


async def test_a_target_that_holds_something_is_refused_or_replaced_as_a_whole(ways: tuple[Where, Where]) -> None:
    async with open_database(ways[0]) as source, open_database(ways[1]) as target:
        await fill(source)
        await StoredAudit(target).add(AuditEntry(NOW, "key 1", "ward-9", Act.RECORD_READ, "", ""))
        before = await rows_of(target)
        with pytest.raises(SettingsError, match="--replace"):
            await copy_all(source, target)
        assert await rows_of(target) == before
        with failing_at(target, "INSERT INTO idempotency_keys"), pytest.raises(StoreError):
            await copy_all(source, target, replace=True)
        assert await rows_of(target) == before, "a copy that broke off leaves what was there"
        await copy_all(source, target, replace=True)
    async with open_database(ways[1]) as target:
        assert (await rows_of(target))["idempotency_keys"], "as the source has them"
        async with target.reading() as connection:
            sites = set((await connection.execute(select(audit.c.site))).scalars())
        assert "ward-9" not in sites


def test_an_operator_moves_there_and_back_and_no_secret_is_shown(postgres: PostgresServer, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with postgres.database() as url:
        made = in_process("keys", "create", "--site", "ward-3", "--role", "admin", "--data-dir", old)
        assert made.code == 0, made.err
        there = in_process("store", "copy", "--to", f"{url.dsn}&password=s3cret", "--data-dir", old)
        assert there.code == 0, there.err
        back = in_process("store", "copy", "--to", new, "--database-url", url.dsn)
        assert back.code == 0, back.err
        again = in_process("store", "copy", "--to", new, "--database-url", url.dsn)
        assert (again.code, "--replace" in again.err) == (2, True)
        assert in_process("store", "copy", "--to", new, "--replace", "--database-url", url.dsn).code == 0
    secret = made.out.strip()
    shown = there.out + there.err + back.out + back.err
    assert "api_keys: 1 rows" in shown
    for hidden in ("s3cret", secret):
        assert hidden not in shown
    listed = [in_process("keys", "list", "--format", "json", "--data-dir", folder).out for folder in (old, new)]
    assert listed[0] == listed[1] != ""


async def test_a_database_that_a_server_uses_is_not_copied(where: Where) -> None:
    async with open_database(where) as database:
        assert not await copying.in_use(where)
        async with living(database, where):
            assert await copying.in_use(where)
        assert not await copying.in_use(where)


@pytest.mark.parametrize("to", ["mysql://tq:s3cret@db/x", "postgresql://tq:s3cret@db"])  # pragma: allowlist secret
def test_a_target_that_is_none_is_told_without_its_password(to: str, tmp_path: Path) -> None:
    ran = in_process("store", "copy", "--to", to, "--data-dir", tmp_path)
    assert (ran.code, "postgresql://USER@HOST" in ran.err, "s3cret" in ran.err) == (2, True, False)
