"""Kept results in the database: what comes back, in which order, to whom, and what is left when one is deleted."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import asyncpg
import pytest

from server.assessment.result import Identity
from server.live.clock import LoopClock
from server.live.limits import LiveLimits
from server.notify.endpoints import new_endpoint
from server.notify.events import BY_DEFAULT, assessment_events
from server.records.kept import KeptRecord
from server.records.making import packed
from server.records.ports import Place, Wanted
from server.store.database import Where, open_database
from server.store.records import StoredRecords
from server.store.sessions import open_sessions
from server.store.webhooks import WebhookStores
from tests.records.builders import START, id_of, record
from tests.rendering.builders import result_of

ALL = ("0000-00-00", "9999-99-99")
FULL = {
    "sqlite": "CREATE TRIGGER disk BEFORE INSERT ON assessments BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    "postgresql": "CREATE FUNCTION disk() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$; "
    "CREATE TRIGGER disk BEFORE INSERT ON assessments EXECUTE FUNCTION disk()",
}
FREE = {"sqlite": "DROP TRIGGER disk", "postgresql": "DROP FUNCTION disk CASCADE"}


async def alter(where: Where, statements: dict[str, str]) -> None:
    """From outside. On a thread: a writer that holds the lock needs the event loop to give it back."""
    if not isinstance(where, Path):
        connection = await asyncpg.connect(where.dsn)
        await connection.execute(statements["postgresql"])
        await connection.close()
        return

    def execute(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "tingqing.db", timeout=60.0, isolation_level=None)) as other:
            other.execute(statements["sqlite"])

    await asyncio.to_thread(execute, where)


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[StoredRecords]:
    folder = where if isinstance(where, Path) else None
    async with (
        open_database(where) as database,
        open_sessions(database, folder, LoopClock(), LiveLimits()) as (sessions, *_),
    ):
        yield StoredRecords(database, sessions.writer)


@pytest.fixture
async def records(where: Where) -> AsyncIterator[StoredRecords]:
    async with opened(where) as store:
        yield store


async def test_a_record_comes_back_as_it_was_kept(records: StoredRecords) -> None:
    one = record(
        reference="case 7", name="a.wav", attempt_of=id_of(9), department="心内科", mode="visit", reason="client",
        basis="as_heard",
        prompts_raised=2, prompts_followed=1, first_usable_s=4.0, doubt=0.02, labels={"a": True, "b": False},
    )  # fmt: skip
    await records.keep(one)
    assert await records.find("ward-3", one.id) == one


async def test_another_site_finds_and_deletes_nothing(records: StoredRecords) -> None:
    await records.keep(record())
    assert await records.find("elsewhere", id_of(1)) is None
    assert not await records.delete("elsewhere", id_of(1))
    assert await records.page("elsewhere", Wanted(), 10) == []
    assert await records.days("elsewhere", *ALL) == []
    assert await records.find("ward-3", id_of(1)) is not None


async def test_pages_follow_each_other_without_gap_or_double_though_some_ended_at_once(records: StoredRecords) -> None:
    for number in range(1, 8):
        await records.keep(record(number, ended_at=START + timedelta(seconds=number // 3)))
    found, after = [], None
    while rows := await records.page("ward-3", Wanted(), 2, after):
        found += [row.id for row in rows]
        after = Place(rows[-1].ended_at, rows[-1].id)
    assert found == [id_of(number) for number in range(7, 0, -1)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(verdict="re-record"), [2]),
        (Wanted(label_set="cardiology"), [3]),
        (Wanted(department="B"), [4]),
        (Wanted(reference="case 5"), [5]),
        (Wanted(since=START + timedelta(minutes=4)), [5, 4]),
        (Wanted(until=START + timedelta(minutes=2)), [1]),
        (Wanted(verdict="unusable"), []),
    ],
)
async def test_a_page_holds_what_is_wanted_alone(records: StoredRecords, wanted: Wanted, numbers: list[int]) -> None:
    for one in (
        record(1),
        record(2, verdict="re-record"),
        record(3, label_set="cardiology"),
        record(4, department="B"),
        record(5, reference="case 5"),
    ):
        await records.keep(one)
    assert [row.id for row in await records.page("ward-3", wanted, 10)] == [id_of(number) for number in numbers]


async def test_a_second_record_of_the_same_id_is_neither_kept_nor_counted(records: StoredRecords) -> None:
    await records.keep(record(1))
    await records.keep(record(1, verdict="re-record"))
    found = await records.find("ward-3", id_of(1))
    assert found is not None
    assert found.verdict == "accept"
    (day,) = await records.days("ward-3", *ALL)
    assert day.counts["results"] == 1


async def test_a_chain_is_followed_through_all_its_attempts(records: StoredRecords) -> None:
    await records.keep(record(1, verdict="unusable"))
    await records.keep(record(2, verdict="re-record", attempt_of=id_of(1)))
    await records.keep(record(3, attempt_of=id_of(2)))
    await records.keep(record(4, site="elsewhere", attempt_of=id_of(3)))
    (day,) = await records.days("ward-3", *ALL)
    assert {name: day.counts.get(name) for name in ("results", "first", "first.accept", "retried", "end.accept")} == {
        "results": 3, "first": 1, "first.accept": None, "retried": 1, "end.accept": 1,
    }  # fmt: skip
    (other,) = await records.days("elsewhere", *ALL)
    assert "first" not in other.counts, "what another site has is unknown to it, and so what was tried first"


async def test_what_was_counted_is_gone_with_what_is_deleted(records: StoredRecords) -> None:
    await records.keep(record(1, verdict="re-record"))
    before = await records.days("ward-3", *ALL)
    await records.keep(record(2, attempt_of=id_of(1), labels={"x": False}))
    assert await records.delete("ward-3", id_of(2))
    assert await records.days("ward-3", *ALL) == before
    assert await records.delete("ward-3", id_of(1))
    assert await records.days("ward-3", *ALL) == []
    assert not await records.delete("ward-3", id_of(1))


async def test_old_records_go_and_what_was_counted_of_them_stays(records: StoredRecords) -> None:
    for number in range(1, 5):
        await records.keep(record(number))
    before = await records.days("ward-3", *ALL)
    assert await records.prune(START + timedelta(minutes=3)) == 2
    assert [row.id for row in await records.page("ward-3", Wanted(), 10)] == [id_of(4), id_of(3)]
    assert await records.days("ward-3", *ALL) == before


@pytest.mark.parametrize("way", ["delete", "prune"])
async def test_no_file_of_the_folder_holds_a_deleted_record_any_more(tmp_path: Path, way: str) -> None:
    words = ["zebra-reference", "zebra-department", "zebra-name"]
    body = b"zebra-body" * 1000
    async with opened(tmp_path) as records:
        for number in range(1, 40):  # so that pages split and merge
            await records.keep(record(number, reference=f"other {number}"))
        one = record(50, reference=words[0], department=words[1], name=words[2], body=body)
        await records.keep(one)
        assert all(found_in(tmp_path, word.encode()) for word in (*words[:1], *words[2:]))
        assert found_in(tmp_path, body)
        if way == "delete":
            assert await records.delete("ward-3", one.id)
        else:
            await records.prune(one.ended_at + timedelta(seconds=1))
        gone = words if way == "delete" else [words[0], words[2]]  # a department is no patient, and was counted
        assert not [word for word in (*gone, "zebra-body") if found_in(tmp_path, word.encode())]


def found_in(folder: Path, words: bytes) -> bool:
    # Long bodies lie on pages of their own, in pieces.
    return any(words[:64] in path.read_bytes() for path in folder.glob("tingqing.db*"))


async def test_all_records_come_for_an_export_the_earliest_first(records: StoredRecords) -> None:
    for number in (3, 1, 2):
        await records.keep(record(number, site=f"site {number % 2}"))
    assert [one.id async for one in records.everything()] == [id_of(1), id_of(2), id_of(3)]
    assert [one.id async for one in records.everything(["site 0"])] == [id_of(2)]
    assert [one.body async for one in records.everything(["site 0"])] == [record(2).body]


async def test_a_full_disk_loses_no_record_that_can_be_written_later(where: Where) -> None:
    """As many small checkpoints: they wait in memory, whatever else fails."""
    async with opened(where) as records:
        await records.keep(record(1))
        writer = records._writer
        assert writer is not None
        await alter(where, FULL)
        await records.keep(record(2, body=packed("later")))
        assert writer.failing
        assert await records.find("ward-3", id_of(2)) is None
        await alter(where, FREE)
        await writer.write_now()
        found = await records.find("ward-3", id_of(2))
        assert found is not None
        assert found.body == packed("later")


async def test_departments_beyond_the_bound_are_counted_together(
    records: StoredRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients write what they like: a name of its own for each recording would be a row of figures for each."""
    monkeypatch.setattr("server.store.departments.MOST", 2)
    for number, department in enumerate(("a", "b", "c", "a", "d"), 1):
        await records.keep(record(number, department=department))
    days = await records.days("ward-3", *ALL)
    assert {day.bucket.department: day.counts["results"] for day in days} == {"a": 2, "b": 1, "other": 2}
    assert len(await records.days("ward-3", *ALL, department="other")) == 1
    assert await records.days("ward-3", *ALL, label_set="none") == []
    for number in (3, 5):
        assert await records.delete("ward-3", id_of(number))
    assert {day.bucket.department for day in await records.days("ward-3", *ALL)} == {"a", "b"}


async def test_a_record_and_what_is_told_of_it_are_written_together_and_nobody_waits(where: Where) -> None:
    async with opened(where) as records:
        writer = records._writer
        assert writer is not None
        stores = WebhookStores.of(records._database, None, writer)
        await stores.endpoints.add(new_endpoint("ward-3", "https://clinic.example/hooks", BY_DEFAULT, START))
        one = record(1)
        result = replace(result_of({}), identity=Identity(one.id, "file"))
        told = assessment_events(result, "ward-3", START)
        await alter(where, FULL)
        stores.put(one.id, told)
        await records.keep(one)
        assert await stores.outbox.listed(9) == [], "not without the record"
        await alter(where, FREE)
        await writer.write_now()
        assert await records.find("ward-3", one.id) == one
        stores.put(one.id, assessment_events(result, "ward-3", START))
        await records.keep(one)
        assert len(await stores.outbox.listed(9)) == len(told), "made again after a crash, it is told once"


async def test_what_waits_to_be_told_of_a_record_goes_with_it_when_its_days_are_over(where: Where) -> None:
    async with opened(where) as records:
        stores = WebhookStores.of(records._database, None)
        await stores.endpoints.add(new_endpoint("ward-3", "https://clinic.example/hooks", BY_DEFAULT, START))
        for number in (1, 2):
            await records.keep(record(number))
            result = replace(result_of({}), identity=Identity(id_of(number), "file"))
            await stores.outbox.tell(assessment_events(result, "ward-3", START))
        assert {one.about for one in await stores.outbox.listed(9)} == {id_of(1), id_of(2)}
        assert await records.prune(record(2).ended_at) == 1
        assert {one.about for one in await stores.outbox.listed(9)} == {id_of(2)}


async def test_what_was_deleted_while_somebody_read_goes_with_the_next_clean_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as records:
        await records.keep(record(1, reference="zebra-reference"))
        with closing(sqlite3.connect(tmp_path / "tingqing.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM assessments").fetchall()
            assert await records.delete("ward-3", id_of(1))
            reader.execute("COMMIT")
        assert found_in(tmp_path, b"zebra-reference")
        assert await records.prune(START) == 0
        assert not found_in(tmp_path, b"zebra-reference")


async def test_bodies_beyond_the_bound_are_dropped_the_oldest_first_and_their_rows_stay(where: Where) -> None:
    async with (
        open_database(where) as database,
        open_sessions(
            database, where if isinstance(where, Path) else None, LoopClock(), LiveLimits(max_ended_bytes=150)
        ) as (sessions, *_),
    ):
        records = StoredRecords(database, sessions.writer)
        await alter(where, FULL)
        for number in (1, 2):
            await records.keep(record(number, body=bytes(100)))
            await sessions.writer.write_now()
        await alter(where, FREE)
        await sessions.writer.write_now()
        found = [await records.find("ward-3", id_of(number)) for number in (1, 2)]
        assert [one and one.body for one in found] == [None, bytes(100)]


async def test_where_nothing_is_kept_nothing_is_written(where: Where) -> None:
    async with open_database(where) as database:
        records = StoredRecords(database)
        await records.keep(record(1))
        assert not records.keeps
        assert await records.find("ward-3", id_of(1)) is None


async def test_an_id_of_another_site_tells_nothing_of_its_chain(records: StoredRecords) -> None:
    await records.keep(record(1, verdict="re-record"))
    await records.keep(record(2, site="elsewhere", attempt_of=id_of(1)))
    (day,) = await records.days("ward-3", *ALL)
    assert "retried" not in day.counts


async def test_a_record_of_before_counts_in_the_chain_of_what_came_first(records: StoredRecords) -> None:
    await records.keep(record(2, attempt_of=id_of(1)))
    await records.keep(record(1, verdict="re-record"))
    (day,) = await records.days("ward-3", *ALL)
    assert {name: day.counts.get(name) for name in ("first", "retried", "end.accept")} == {
        "first": 1, "retried": 1, "end.accept": 1,
    }  # fmt: skip


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_chain_is_counted_the_same_in_whichever_order_its_attempts_come(tmp_path: Path, at_once: bool) -> None:
    async with opened(tmp_path) as records:
        for order in permutations((1, 2, 3, 4)):
            site, base = "ward-" + "".join(map(str, order)), 10 * int("".join(map(str, order)))

            def attempt(number: int, site: str = site, base: int = base) -> KeptRecord:
                former = id_of(base + number - 1) if number > 1 else None
                verdict = "accept" if number == 4 else "re-record"
                one = record(number, site=site, verdict=verdict, attempt_of=former)
                return replace(one, id=id_of(base + number))

            for some in [order] if at_once else [(number,) for number in order]:
                await records.add([attempt(number) for number in some])
            (day,) = await records.days(site, *ALL)
            assert {name: day.counts.get(name) for name in ("first", "first.accept", "retried", "end.accept")} == {
                "first": 1, "first.accept": None, "retried": 1, "end.accept": 1,
            }, order  # fmt: skip
            for number in order:
                await records.delete(site, id_of(base + number))
            assert await records.days(site, *ALL) == []


async def test_labels_lie_in_the_database_as_json(tmp_path: Path) -> None:
    async with opened(tmp_path) as records:
        await records.keep(replace(record(1), labels={"x": True}))
    with sqlite3.connect(tmp_path / "tingqing.db") as plain:
        (labels,) = plain.execute("SELECT labels FROM assessment_results").fetchone()
    plain.close()
    assert json.loads(labels) == {"x": 1}
