"""Several processes on one database at the same moment: what must happen once happens once. On SQLite they queue, on
PostgreSQL they do not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.gate import utc_now
from server.batches.batch import Batch, Fault, NewFile, Options
from server.errors import CapacityError
from server.live.clock import LoopClock
from server.live.pending import SessionTerms
from server.notify.endpoints import MAX_ENDPOINTS, new_endpoint
from server.notify.events import BY_DEFAULT, EventType, event
from server.records.ports import Wanted
from server.store import batch_rows, record_rows, session_rows
from server.store.announcements import StoredAnnouncements
from server.store.batches import StoredBatches
from server.store.checkpoint_parts import Parts, Written
from server.store.database import Database, Where, open_database
from server.store.outbox import StoredOutbox
from server.store.presence import place_of
from server.store.processes import Process
from server.store.records import StoredRecords
from server.store.tables import assessments, batch_files, batches
from server.store.webhooks import StoredEndpoints
from tests.processes import living, repeats_of
from tests.records.builders import id_of, record

SERVERS = 3


@dataclass
class Server:
    database: Database
    process: Process


@asynccontextmanager
async def servers(where: Where) -> AsyncIterator[list[Server]]:
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(SERVERS):
            database = await stack.enter_async_context(open_database(where))
            found.append(Server(database, await stack.enter_async_context(living(database, where))))
        yield found


async def test_each_file_of_a_batch_is_taken_once(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredBatches(one.database, one.process) for one in several]
        new = [NewFile(f"{number}.wav", 1, str(number)) for number in range(30)]
        for site in ("a", "b"):
            await stores[0].add(Batch(site, site, None, utc_now(), Options(), 30), new, 99)
        taken = []

        async def work(store: StoredBatches) -> None:
            while (one := await store.take()) is not None:
                taken.append(one)

        await asyncio.gather(*map(work, stores))
        assert sorted(one.number for one in taken) == sorted({one.number for one in taken})
        assert len(taken) == 60
        sites = [one.site for one in taken]
        assert sites.count("a") == sites.count("b") == 30


async def test_a_file_is_judged_where_it_lies(where: Where) -> None:
    async with servers(where) as several:
        here, there = (StoredBatches(one.database, one.process, place=one.process.id) for one in several[:2])
        await here.add(Batch("b", "ward", None, utc_now(), Options(), 1), [NewFile("1.wav", 1, "1")], 9)
        assert not await there.waiting()
        assert await there.take() is None
        assert await here.waiting()
        taken = await here.take()
        assert taken is not None
        found = await there.find("ward", "b")
        assert found is not None
        assert found.begun_at is not None, "who asks elsewhere sees it all the same"


async def _blocked(database: Database, work: "asyncio.Task[object]") -> None:
    """Until ``work`` waits for a lock of another transaction, or is over; with SQLite it queues for the one writer."""
    if database.url is None:
        await asyncio.sleep(0)
        return
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not work.done():
            async with database.reading() as connection:
                if (await connection.exec_driver_sql(query)).scalar_one():
                    return
            await asyncio.sleep(0.01)


async def test_a_file_is_taken_while_its_batch_is_deleted_and_neither_waits_for_ever(where: Where) -> None:
    async with servers(where) as several:
        deleting, taking, watching = (one.database for one in several)
        store = StoredBatches(taking, several[1].process)
        await store.add(Batch("b", "ward", None, utc_now(), Options(), 1), [NewFile("1.wav", 1, "1")], 9)
        async with deleting.writing() as connection:
            await connection.execute(select(batches.c.id).where(batches.c.id == "b").with_for_update())
            work = asyncio.create_task(store.take())
            await _blocked(watching, work)
            assert await batch_rows.remove(connection, ["b"]) == []
        assert await work is None


async def test_a_result_is_deleted_while_it_is_pruned_and_neither_waits_for_ever(where: Where) -> None:
    async with servers(where) as several:
        pruning, deleting, watching = (one.database for one in several)
        store = StoredRecords(deleting)
        await store.add([record(1)])
        async with pruning.writing() as connection:
            rows = assessments.c
            await connection.execute(select(rows.id).where(rows.id == id_of(1)).with_for_update())  # as prune begins
            work = asyncio.create_task(store.delete("ward-3", id_of(1)))
            await _blocked(watching, work)
            assert await record_rows.prune(connection, utc_now(), 9) == 1
        await work
        assert await store.find("ward-3", id_of(1)) is None


async def test_a_large_batch_is_deleted_a_few_results_at_a_time_and_others_write_in_between(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, counts = record_rows.remove, Counter[int]()

    async def counted(connection: AsyncConnection, site: str, record_id: str) -> bool:
        done = await plain(connection, site, record_id)
        counts[id(connection)] += done
        kept.append(connection)
        return done

    kept: list[AsyncConnection] = []  # so that no two have one id
    async with open_database(where) as database, living(database, where) as process:
        store, records = StoredBatches(database, process), StoredRecords(database)
        new = [NewFile(f"{number}.wav", 1, str(number)) for number in range(1, 51)]
        await store.add(Batch("b", "ward-3", None, utc_now(), Options(), 50), new, 99)
        await records.add([record(number) for number in range(1, 52)])
        async with database.writing() as connection:
            for number in range(1, 51):
                change = update(batch_files).where(batch_files.c.position == number)
                await connection.execute(change.values(result_id=id_of(number), state="judged"))
        monkeypatch.setattr(record_rows, "remove", counted)
        assert await store.delete("ward-3", "b")
        assert await store.find("ward-3", "b") is None
        assert [one.id for one in await records.page("ward-3", Wanted(), 99)] == [id_of(51)]
    assert (sum(counts.values()), max(counts.values())) == (50, 20)


async def test_each_folder_has_an_id_that_lasts_where_several_share_a_database(where: Where, tmp_path: Path) -> None:
    async with open_database(where) as database:
        folders = [tmp_path / "a", tmp_path / "b"]
        first = [await asyncio.to_thread(place_of, database, folder) for folder in folders for _ in range(3)]
    if isinstance(where, Path):
        assert set(first) == {None}
    else:
        assert (first[0], first[3]) == (first[2], first[5])
        assert len(set(first)) == 2


async def test_a_zero_byte_in_a_name_holds_nothing_up(where: Where) -> None:
    async with open_database(where) as database, living(database, where) as process:
        store = StoredBatches(database, process)
        new = [NewFile("a\0b.wav", 1, "1", reference="c\0"), NewFile("2.wav", 1, "2")]
        await store.add(Batch("b", "ward", "March\0", utc_now(), Options(), 2), new, 9)
        rows = await store.rows("b")
        assert [row.name.replace("\0", "") for row in rows] == ["ab.wav", "2.wav"]


async def test_a_batch_that_ends_in_two_places_is_done_once(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredBatches(one.database, one.process) for one in several]
        await StoredEndpoints(several[0].database).add(
            new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now())
        )
        for number in range(5):
            new = [NewFile(f"{each}.wav", 1, str(each)) for each in range(SERVERS)]
            await stores[0].add(Batch(f"b{number}", "ward", None, utc_now(), Options(), SERVERS), new, 99)
            taken = [(store, await store.take()) for store in stores]
            fault = Fault("x", "x", "x")
            await asyncio.gather(*(store.refused(one, fault) for store, one in taken if one is not None))
            found = await stores[0].find("ward", f"b{number}")
            assert found is not None
            assert (found.refused, found.bytes_done, found.finished_at is not None) == (SERVERS, SERVERS, True)
        told = Counter(one.type for one in await StoredOutbox(several[0].database, None).listed(99))
        assert told == {"batch.completed": 5, "assessment.refused": 5 * SERVERS}


async def test_so_many_files_of_a_site_wait_whoever_takes_them_in(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredBatches(one.database, one.process) for one in several]
        new = [NewFile(f"{number}.wav", 1, str(number)) for number in range(4)]
        done = await asyncio.gather(
            *(
                store.add(Batch(f"b{number}", "ward", None, utc_now(), Options(), 4), new, 4)
                for number, store in enumerate(stores)
            ),
            return_exceptions=True,
        )
        assert sorted(map(type, done), key=str) == sorted([type(None), CapacityError, CapacityError], key=str)


async def test_a_batch_that_is_deleted_while_its_files_are_settled_leaves_nothing_and_nobody_hangs(
    where: Where,
) -> None:
    async with servers(where) as several:
        stores = [StoredBatches(one.database, one.process) for one in several]
        for number in range(5):
            new = [NewFile(f"{each}.wav", 1, str(each)) for each in range(2)]
            await stores[0].add(Batch(f"b{number}", "ward", None, utc_now(), Options(), 2), new, 99)
            taken = [(store, await store.take()) for store in stores[:2]]
            fault = Fault("x", "x", "x")
            await asyncio.gather(
                *(store.refused(one, fault) for store, one in taken if one is not None),
                stores[2].delete("ward", f"b{number}"),
            )
            assert await stores[0].rows(f"b{number}") == []


async def test_each_delivery_is_taken_once(where: Where) -> None:
    async with servers(where) as several:
        outboxes = [StoredOutbox(one.database, one.process) for one in several]
        endpoint = new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now())
        await StoredEndpoints(several[0].database).add(endpoint)
        now = utc_now()
        await outboxes[0].tell(event(EventType.SESSION_ENDED, "ward", str(n), now, {}) for n in range(60))
        taken = []

        async def work(outbox: StoredOutbox) -> None:
            for _ in range(30):
                taken.extend(await outbox.take({endpoint.id: 3}, now + timedelta(hours=1)))

        await asyncio.gather(*map(work, outboxes))
        assert sorted(one.number for one in taken) == sorted({one.number for one in taken})
        assert len(taken) == 60


async def test_a_link_begins_one_session_wherever_it_is_opened(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredAnnouncements(one.database, one.process, LoopClock()) for one in several]
        for number in range(10):
            await stores[0].add(str(number), "ward", SessionTerms(), utc_now() + timedelta(hours=1))
            assert sorted(await asyncio.gather(*(store.begin(str(number)) for store in stores))) == [False, False, True]


async def test_a_request_with_one_key_is_answered_once(where: Where) -> None:
    async with servers(where) as several:
        stores = [repeats_of(one.database, one.process) for one in several]
        now = utc_now()
        for number in range(10):
            begun = await asyncio.gather(*(store.begin(str(number), "ward-3", "body", now, now) for store in stores))
            assert sorted(one.mine for one in begun) == [False, False, True]


async def test_attempts_of_one_chain_that_end_at_once_are_counted_as_one_chain(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredRecords(one.database) for one in several]
        for number in range(1, 11):
            chain = number * 10
            await stores[0].add([record(chain, verdict="re-record")])
            await asyncio.gather(
                *(store.add([record(chain + each, attempt_of=id_of(chain))]) for each, store in enumerate(stores, 1))
            )
        (day,) = await stores[0].days("ward-3", "0000-00-00", "9999-99-99")
        counted = {name: day.counts.get(name) for name in ("results", "first", "retried", "end.accept")}
        assert counted == {"results": 40, "first": 10, "retried": 10, "end.accept": 10}


async def test_a_result_that_two_would_delete_is_uncounted_once(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredRecords(one.database) for one in several]
        for number in range(1, 6):
            await stores[0].add([record(number), record(number + 100)])
            done = await asyncio.gather(*(store.delete("ward-3", id_of(number)) for store in stores))
            assert sorted(done) == [False, False, True]
        (day,) = await stores[0].days("ward-3", "0000-00-00", "9999-99-99")
        assert day.counts["results"] == 5


async def test_a_session_that_is_taken_while_it_is_written_has_one_owner_and_its_state(where: Where) -> None:
    async with servers(where) as several:
        first, second = several[0].database, several[1].database
        async with first.writing() as connection:
            await session_rows.write(connection, "first", (), {"s": Parts(b"1", None, (), Written())})
        looked, taken = asyncio.Event(), asyncio.Event()

        async def write() -> dict[str, str | None]:
            async with first.writing() as connection:
                owners = await session_rows.locked_owners(connection, ["s"])
                looked.set()
                await asyncio.sleep(0.2)  # the other has begun to take it meanwhile
                assert not taken.is_set(), "what is being written cannot be taken"
                await session_rows.write(connection, "first", owners, {"s": Parts(b"2", None, (), Written())})
                return owners

        async def take() -> bytes | None:
            await looked.wait()
            async with second.writing() as connection:
                await session_rows.locked_owners(connection, ["s"])
                taken.set()
                await session_rows.own(connection, "s", "second")
                return await session_rows.read_head(connection, "s")

        owners, head = await asyncio.gather(write(), take())
        assert owners == {"s": "first"}
        assert head == b"2", "it goes on with the last state"


async def test_a_site_has_so_many_endpoints_wherever_they_are_added(where: Where) -> None:
    async with servers(where) as several:
        stores = [StoredEndpoints(one.database) for one in several]
        done = await asyncio.gather(
            *(
                stores[number % SERVERS].add(new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now()))
                for number in range(MAX_ENDPOINTS + 5)
            )
        )
        assert sum(done) == MAX_ENDPOINTS


async def test_what_is_read_in_one_block_is_of_one_moment(where: Where) -> None:
    async with servers(where) as several:
        reading, store = several[0].database, StoredRecords(several[1].database)
        await store.add([record(1)])
        async with reading.reading() as connection:
            before = await record_rows.find(connection, "ward-3", id_of(1))
            assert before is not None
            await store.delete("ward-3", id_of(1))
            assert await record_rows.find(connection, "ward-3", id_of(1)) == before
        async with reading.reading() as connection:
            assert await record_rows.find(connection, "ward-3", id_of(1)) is None


@pytest.mark.parametrize("names", [["a", "B", "_", "Z", "ä", "张", "b", "1"]])
async def test_texts_are_in_the_order_of_their_bytes(where: Where, names: list[str]) -> None:
    async with open_database(where) as database:
        store = StoredRecords(database)
        await store.add([record(number, site=name) for number, name in enumerate(names, 1)])
        days = await store.all_days(None, "0000-00-00", "9999-99-99")
        assert [day.bucket.site for day in days] == sorted(names)
