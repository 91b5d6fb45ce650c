"""What a recording leaves and what is answered to the same request again: written together, or not at all."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from server.batches.repeats import Answered, Kept, work_of
from server.notify.endpoints import new_endpoint
from server.notify.events import BY_DEFAULT, assessment_events
from server.store.database import Database, Where, open_database
from server.store.processes import Process
from server.store.records import StoredRecords
from server.store.repeat_rows import packed
from server.store.repeats import StoredRepeats, open_repeats
from server.store.session_writer import Change, SessionWriter
from server.store.tables import assessments, webhook_deliveries
from server.store.webhooks import StoredEndpoints
from tests.batches.test_store import on_disk
from tests.fakes import FakeClock
from tests.processes import living, writer_of
from tests.records.builders import id_of, record
from tests.rendering.builders import result_of

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY_BEFORE = NOW - timedelta(days=1)
ANSWER = Kept(200, b'{"id": 1}')
WORK = id_of(1)


@dataclass
class Server:
    database: Database
    writer: SessionWriter
    repeats: StoredRepeats

    @classmethod
    def of(cls, database: Database, process: Process) -> "Server":
        writer = writer_of(database, process)
        return cls(database, writer, StoredRepeats(database, process, writer))

    async def begin(self, body: str = "body") -> Any:
        return await self.repeats.begin("key", "ward-3", body, NOW, DAY_BEFORE)

    def judged(self) -> None:
        """What ``POST /v1/assess`` puts, one after the other."""
        result = result_of({})
        self.writer.change(WORK, Change(over=True, events=assessment_events(result, "ward-3", NOW)))
        self.repeats.put(WORK, Answered("key", ANSWER))
        self.writer.change(WORK, Change(over=True, record=record(1)))

    async def there(self) -> tuple[int, int]:
        """Records and deliveries."""
        async with self.database.reading() as connection:
            counts = [
                (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                for table in (assessments, webhook_deliveries)
            ]
        return counts[0], counts[1]


@asynccontextmanager
async def one_server(where: Where) -> AsyncIterator[Server]:
    """With an endpoint that is told of everything. At the end of the block it is dead."""
    async with open_database(where) as database, living(database, where) as process:
        endpoints = StoredEndpoints(database)
        if not await endpoints.listed():
            await endpoints.add(new_endpoint("ward-3", "https://a.example/", BY_DEFAULT, NOW))
        yield Server.of(database, process)


@contextmanager
def failing_at(database: Database, statement: str) -> Iterator[None]:
    """As a server that dies there: nothing of the transaction stays."""
    engine = database._engines.writing.sync_engine

    def fail(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if text.startswith(statement):
            raise OperationalError(statement, {}, RuntimeError("as the test asked"))

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", fail)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO assessments", "INSERT INTO webhook_deliveries", "UPDATE idempotency_keys SET status"],
)
async def test_a_server_that_dies_at_any_statement_leaves_neither_result_nor_webhook_nor_answer(
    where: Where, statement: str
) -> None:
    async with one_server(where) as dying:
        first = await dying.begin()
        dying.judged()
        with failing_at(dying.database, statement):
            await dying.writer.write_now()
        assert await dying.there() == (0, 0)
        await dying.repeats.end("key", ANSWER)
        assert not (await dying.begin()).mine, "it waits for the work that it tells of"
    async with one_server(where) as following:
        again = await following.begin()
        assert (again.mine, again.since) == (True, first.since), "the same work is done again, with the same id"
        following.judged()
        await following.writer.write_now()
        assert await following.there() == (1, 1)


async def test_a_server_that_dies_after_the_work_was_written_has_its_answer_written_too(where: Where) -> None:
    async with one_server(where) as dying:
        await dying.begin()
        dying.judged()
        await dying.writer.write_now()
    async with one_server(where) as following:
        again = await following.begin()
        assert (again.mine, again.kept) == (False, ANSWER)
        assert await following.there() == (1, 1)


async def test_an_answer_that_waits_for_a_database_is_written_with_the_work_once_it_answers(where: Where) -> None:
    async with one_server(where) as server:
        await server.begin()
        server.judged()
        with failing_at(server.database, "INSERT INTO assessments"):
            await server.writer.write_now()
        await server.repeats.end("key", ANSWER)
        await server.writer.write_now()
        assert await server.there() == (1, 1)
        assert (await server.begin()).kept == ANSWER


async def test_a_client_that_leaves_before_its_work_is_written_finds_the_answer_later(where: Where) -> None:
    async with one_server(where) as server:
        await server.begin()
        server.judged()
        await server.repeats.end("key", None)
        await server.writer.write_now()
        assert (await server.begin()).kept == ANSWER


async def test_a_key_whose_work_was_written_long_ago_can_fail_and_be_used_anew(where: Where) -> None:
    async with one_server(where) as server:
        await server.begin()
        server.judged()
        await server.writer.write_now()
        later = NOW + timedelta(days=2)
        assert (await server.repeats.begin("key", "ward-3", "other", later, NOW + timedelta(days=1))).mine
        await server.repeats.end("key", None)
        assert (await server.repeats.begin("key", "ward-3", "third", later, NOW + timedelta(days=1))).mine


async def test_an_old_answer_goes_from_every_file_though_no_other_request_comes(tmp_path: Path) -> None:
    answer = Kept(200, random.Random(1).randbytes(500))
    async with one_server(tmp_path) as server:
        await server.begin()
        await server.repeats.end("key", answer)
        assert await server.repeats.forget(NOW) == 0, "a day is not over"
    async with open_database(tmp_path) as database, living(database, tmp_path) as process:
        clock = FakeClock(wall=(NOW + timedelta(days=1, seconds=1)).timestamp())
        assert packed(answer).answer in on_disk(tmp_path)
        async with open_repeats(database, process, writer_of(database, process), clock), asyncio.timeout(30):
            while packed(answer).answer in on_disk(tmp_path):  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(0.01)


async def test_an_answer_goes_with_what_it_tells_of_and_the_same_request_makes_it_again(where: Where) -> None:
    async with one_server(where) as server:
        begun = await server.begin()
        work = work_of("key", "body", begun.since)
        server.writer.change(work, Change(over=True, record=replace(record(1), id=work)))
        server.repeats.put(work, Answered("key", ANSWER))
        await server.writer.write_now()
        await server.repeats.end("key", ANSWER)
        records = StoredRecords(server.database)
        assert not await records.delete("elsewhere", work)
        assert (await server.begin()).kept == ANSWER
        assert await records.delete("ward-3", work)
        again = await server.begin()
        assert (again.kept, again.mine, again.since) == (None, True, begun.since)
