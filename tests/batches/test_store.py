"""Batches in the database: who judges what, what is told, and what a deletion leaves."""

import asyncio
import fcntl
import json
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.access.gate import utc_now
from server.batches.batch import Batch, Fault, FileState, Judgement, NewFile, Options
from server.batches.folder import BatchFolders
from server.batches.repeats import Kept, MemoryRepeats, RepeatStore, fair_share
from server.errors import CapacityError, StoreError
from server.live.clock import LoopClock
from server.notify.endpoints import new_endpoint
from server.notify.events import BY_DEFAULT
from server.store import outbox_rows
from server.store.batches import StoredBatches
from server.store.database import Database, Where, open_database
from server.store.records import StoredRecords
from server.store.repeats import open_repeats
from server.store.tables import batch_files, batches
from server.store.webhooks import WebhookStores
from server.values.labels import RequestedLabel
from tests.processes import living, repeats_of, writer_of
from tests.rendering.builders import result_of

FAULT = Fault("encrypted", "It is encrypted.", "已加密。")


def batch(batch_id: str = "b", site: str = "ward", files: int = 2) -> Batch:
    return Batch(batch_id, site, "March", utc_now(), Options(), files)


def waiting(count: int) -> list[NewFile]:
    return [NewFile(f"{number}.wav", 100, str(number), reference=f"case {number}") for number in range(1, count + 1)]


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("tingqing.db*"))


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[tuple[Database, StoredBatches]]:
    async with open_database(where) as database, living(database, where) as here:
        yield database, StoredBatches(database, here)


async def test_a_file_is_taken_by_one_process_and_taken_up_when_that_dies(where: Where) -> None:
    async with opened(where) as (database, store):
        await store.add(batch(files=1), waiting(1), 9)
        async with living(database, where) as other:
            taken = await StoredBatches(database, other).take()
            assert taken is not None
            assert (taken.name, taken.reference, taken.tries) == ("1.wav", "case 1", 0)
            assert await store.take() is None
            assert not await store.waiting()
        assert await store.waiting()
        again = await store.take()
        assert again is not None
        assert again.tries == 0, "it ended with its server, or the power failed: the file is not to blame"
        assert await store.held() == {again.number}


async def test_a_file_counts_the_processes_that_ended_with_it_while_their_server_lived(where: Where) -> None:
    async with opened(where) as (database, store):
        await store.add(batch(files=2), waiting(2), 9)
        async with living(database, where, "of the keeper") as other:
            assert await StoredBatches(database, other).take() is not None
        await store.ended("another")
        await store.ended("of the keeper")
        taken = [await store.take() for _ in range(2)]
        assert [(one.name, one.tries) for one in taken if one is not None] == [("1.wav", 1), ("2.wav", 0)]


async def test_what_another_process_took_over_is_not_settled_by_the_first(where: Where) -> None:
    async with opened(where) as (database, store):
        await store.add(batch(files=1), waiting(1), 9)
        async with living(database, where) as it:
            other = StoredBatches(database, it)
            taken = await other.take()
            assert taken is not None
        again = await store.take()
        assert again is not None
        await other.refused(taken, FAULT)
        found = await store.find("ward", "b")
        assert found is not None
        assert (found.waiting, found.refused, found.bytes_done) == (1, 0, 0)
        await store.refused(again, FAULT)
        found = await store.find("ward", "b")
        assert found is not None
        assert (found.waiting, found.refused, found.bytes_done) == (0, 1, 100)
        assert found.finished_at is not None


async def test_sites_take_turns(where: Where) -> None:
    async with opened(where) as (_, store):
        await store.add(batch("a", "a", 3), waiting(3), 9)
        await store.add(batch("b", "b", 1), waiting(1), 9)
        taken = [await store.take() for _ in range(4)]
        assert [one.site for one in taken if one is not None] == ["a", "b", "a", "a"]


async def test_no_site_waits_while_two_others_are_served_again_and_again(where: Where) -> None:
    async with opened(where) as (_, store):
        for site in ("a", "b", "c"):
            await store.add(batch(site, site, 3), waiting(3), 9)
        under_way = [await store.take(), await store.take()]
        for _ in range(7):
            done = under_way.pop(0)
            assert done is not None
            await store.refused(done, FAULT)
            under_way.append(await store.take())
        counts = [found.refused for site in ("a", "b", "c") if (found := await store.find(site, site)) is not None]
        assert counts == [3, 2, 2]


async def test_a_site_has_so_many_files_waiting_and_another_its_own(where: Where) -> None:
    async with opened(where) as (_, store):
        await store.add(batch("a", files=3), waiting(3), 4)
        with pytest.raises(CapacityError):
            await store.add(batch("b", files=2), waiting(2), 4)
        assert await store.find("ward", "b") is None
        await store.add(batch("c", "other", 2), waiting(2), 4)
        with pytest.raises(CapacityError, match="MB"):
            await store.add(batch("d", files=1), waiting(1), 9, 399)
        await store.add(batch("d", files=1), waiting(1), 9, 400)


async def test_settled_files_are_numbered_in_their_order_beside_those_that_came_refused(where: Where) -> None:
    async with opened(where) as (_, store):
        await store.add(batch(files=3), [NewFile("0.wav", 0, fault=FAULT), *waiting(2)], 9)
        first, second = await store.take(), await store.take()
        assert first is not None
        assert second is not None
        await store.refused(second, FAULT)
        await store.refused(first, FAULT)
        rows = await store.settled_since("b", 0)
        assert [(row.settled, row.name) for row in rows] == [(1, "0.wav"), (2, "2.wav"), (3, "1.wav")]
        assert [row.name for row in await store.settled_since("b", 2)] == ["1.wav"]
        assert [row.state for row in await store.rows("b", after=1)] == [FileState.REFUSED] * 2


async def test_the_last_file_tells_that_the_batch_is_done_once(where: Where) -> None:
    async with opened(where) as (database, store):
        webhooks = WebhookStores.of(database, None)
        await webhooks.endpoints.add(new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now()))
        await store.add(batch(files=2), waiting(2), 9)
        for told in (0, 1):
            taken = await store.take()
            assert taken is not None
            await store.refused(taken, FAULT)
            await store.refused(taken, FAULT)
            assert [one.type for one in await webhooks.outbox.listed(9)].count("batch.completed") == told
        await store.add(batch("all refused", files=1), [NewFile("x", 0, fault=FAULT)], 9)
        assert [one.type for one in await webhooks.outbox.listed(9)].count("batch.completed") == 2
        assert await store.delete("ward", "b")
        left = [one.about for one in await webhooks.outbox.listed(9)]
        assert sorted(left) == ["all refused", "all refused-1"]


@pytest.mark.parametrize("gone", [False, True])
async def test_each_refused_file_is_told_once_with_why_and_counted_in_the_end(where: Where, gone: bool) -> None:
    """Whether it came refused or could not be judged. With its batch goes what waits to be told of it."""
    async with opened(where) as (database, store), living(database, where) as process:
        webhooks = WebhookStores.of(database, process)
        await webhooks.endpoints.add(new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now()))
        came = [NewFile("Li Lei.wav", 0, fault=FAULT, reference="case 0", attempt_of="a0"), *waiting(1)]
        await store.add(batch(files=2), came, 9)
        taken = await store.take()
        assert taken is not None
        await store.refused(taken, Fault("undecodable_file", "No sound.", "没有声音。"))
        due = await webhooks.outbox.due(utc_now())
        told = [json.loads(one.event.body) for one in await webhooks.outbox.take(dict.fromkeys(due, 9), utc_now())]
        assert [one["type"] for one in told] == ["assessment.refused", "assessment.refused", "batch.completed"]
        assert told[0]["data"] == {
            "batch_id": "b", "position": 1, "reference": "case 0", "attempt_of": "a0",
            "error": {"code": "encrypted", "en": "It is encrypted.", "zh": "已加密。"},
        }  # fmt: skip
        assert (told[1]["data"]["position"], told[1]["data"]["error"]["code"]) == (2, "undecodable_file")
        assert told[2]["data"]["refused"] == 2
        assert "Li Lei" not in json.dumps(told), "names may be patients'"
        if gone:
            assert await store.delete("ward", "b")
        else:
            assert await store.forget(utc_now() + timedelta(days=1)) == ["b"]
        assert await webhooks.outbox.listed(9) == []


async def test_another_site_neither_finds_nor_deletes_a_batch(where: Where) -> None:
    async with opened(where) as (_, store):
        await store.add(batch(files=1), waiting(1), 9)
        assert await store.find("other", "b") is None
        assert not await store.delete("other", "b")
        taken = await store.take()
        assert taken is not None
        assert await store.delete("ward", "b")
        assert await store.held() == set()
        await store.refused(taken, FAULT)
        assert await store.known() == {}
        assert await store.rows("b") == []


@pytest.mark.parametrize("whole", [True, False])
async def test_a_result_that_is_deleted_is_nowhere_any_more(where: Where, whole: bool) -> None:
    async with opened(where) as (database, store):
        webhooks = WebhookStores.of(database, None)
        await webhooks.endpoints.add(new_endpoint("ward", "https://clinic.example/", BY_DEFAULT, utc_now()))
        await store.add(batch(files=2), waiting(2), 9)
        taken = await store.take()
        assert taken is not None
        plain = result_of({})
        result = replace(plain, identity=replace(plain.identity, id="0" * 32, reference="secret case"))
        await store.judged(taken, Judgement(result, utc_now(), '{"reference":"secret case"}'))
        records = StoredRecords(database)
        assert await records.find("ward", result.identity.id) is not None
        assert [one.about for one in await webhooks.outbox.listed(9)] == [result.identity.id]
        if whole:
            assert await store.delete("ward", "b")
        else:
            assert await records.delete("ward", result.identity.id)
            found = await store.find("ward", "b")
            assert found is not None
            assert found.judged == 1, "it counts still"
            row = (await store.rows("b", results=True))[0]
            assert (row.position, row.name, row.result) == (1, "", None)
        assert await records.find("ward", result.identity.id) is None
        assert await webhooks.outbox.listed(9) == []
        await database.forget()
    if isinstance(where, Path):
        assert b"secret case" not in on_disk(where)


async def test_old_batches_are_forgotten_and_running_ones_are_not(where: Where) -> None:
    async with opened(where) as (_, store):
        await store.add(batch("done", files=1), [NewFile("x", 0, fault=FAULT)], 9)
        await store.add(batch("runs", files=1), waiting(1), 9)
        assert await store.forget(utc_now()) == ["done"]
        assert await store.known() == {"runs": {"1"}}


async def test_an_old_batch_leaves_no_trace_in_the_files_of_the_database(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, store):
        await store.add(batch("done", files=1), [NewFile("zebra.wav", 0, fault=FAULT)], 9)
        assert b"zebra.wav" in on_disk(tmp_path)
        assert await store.forget(utc_now()) == ["done"]
        assert b"zebra.wav" not in on_disk(tmp_path)


async def test_more_results_than_a_statement_has_values_are_forgotten_with_their_batch(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    plain = outbox_rows.forget_about

    async def counted(connection: AsyncConnection, about: Collection[str]) -> None:
        counts.append(len(about))
        await plain(connection, about)

    monkeypatch.setattr(outbox_rows, "forget_about", counted)
    many = 1200
    async with opened(where) as (database, store):
        await store.add(batch("done", files=many), waiting(many), many)
        async with database.writing() as connection:
            results = [{"id": f"{number:032x}", "of": number} for number in range(1, many + 1)]
            change = update(batch_files).where(batch_files.c.position == bindparam("of"))
            await connection.execute(change.values(result_id=bindparam("id"), state="judged"), results)
            await connection.execute(update(batches).values(finished_at=utc_now()))
        assert await store.forget(utc_now()) == ["done"]
        assert await store.known() == {}
    assert sum(counts) == many + 1
    assert max(counts) <= 500


def test_folders_of_no_batch_are_swept_and_uploads_under_way_are_not(tmp_path: Path) -> None:
    folders = BatchFolders(tmp_path)
    under_way, broken_off, kept = folders.coming(), folders.coming(), folders.coming()
    kept.keep("b" * 32)
    kept.drop()
    broken_off._close()  # as its process's death does
    folders.sweep({"b" * 32: {"1.audio"}})
    assert {path.name for path in folders.root.iterdir()} == {under_way.path.name, "b" * 32}
    under_way.drop()
    BatchFolders(tmp_path).sweep({})
    assert [path.name for path in folders.root.iterdir()] == ["b" * 32], "the database may not know it yet"


def test_a_batch_that_another_machine_deleted_is_swept_at_once(tmp_path: Path) -> None:
    folders = BatchFolders(tmp_path)
    for batch_id in ("a" * 32, "b" * 32):
        coming = folders.coming()
        (coming.path / "1.audio").write_bytes(b"RIFF")
        coming.keep(batch_id)
    folders.sweep({"a" * 32: {"1.audio"}})
    assert sorted(path.name for path in folders.root.iterdir()) == ["a" * 32, "b" * 32], "one may just have come"
    folders.sweep({})
    assert [path.name for path in folders.root.iterdir()] == ["b" * 32]


def test_sound_of_a_file_that_is_judged_already_is_swept_and_an_empty_folder_too(tmp_path: Path) -> None:
    folders = BatchFolders(tmp_path)
    for batch_id, names in (("a" * 32, ("1.audio", "2.audio", "part-7")), ("b" * 32, ("1.audio",))):
        coming = folders.coming()
        for name in names:
            (coming.path / name).write_bytes(b"RIFF")
        coming.keep(batch_id)
    folders.sweep({"a" * 32: {"2.audio"}, "b" * 32: set()})
    assert [path.relative_to(folders.root) for path in folders.root.rglob("*.audio")] == [Path("a" * 32, "2.audio")]
    assert [path.name for path in folders.root.iterdir()] == ["a" * 32]


def test_a_folder_that_a_sweep_removes_as_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = BatchFolders(tmp_path)
    folders.make()
    plain, swept = fcntl.flock, False

    def sweep_first(file: int, how: int) -> None:
        nonlocal swept
        if not swept:
            swept = True
            folders.sweep({})
        plain(file, how)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    coming = folders.coming()
    assert swept
    (coming.path / "part-0").write_bytes(b"RIFF")
    folders.sweep({})
    coming.keep("b" * 32)
    assert (folders.of("b" * 32) / "part-0").exists()


def test_options_survive_the_database() -> None:
    for options in (
        Options("low_background", "visit", "telephone", "patient=left", "s16le:16000:1", "all"),
        Options([RequestedLabel("low_background", 0.5, None)]),
    ):
        assert Options.of_plain(options.plain()) == options


@asynccontextmanager
async def repeats(kind: str, where: Where) -> AsyncIterator[RepeatStore]:
    if kind == "memory":
        yield MemoryRepeats()
        return
    async with open_database(where) as database, living(database, where) as here:
        yield repeats_of(database, here)


@pytest.mark.parametrize("kind", ["memory", "stored"])
async def test_a_request_that_comes_again_gets_the_first_answer(where: Where, kind: str) -> None:
    now, answer = utc_now(), Kept(202, b'{"id":1}')
    async with repeats(kind, where) as store:
        first = await store.begin("k", "ward-3", "body", now, now)
        assert (first.mine, first.kept) == (True, None)
        assert not (await store.begin("k", "ward-3", "body", now, now)).mine
        await store.end("k", answer)
        again = await store.begin("k", "ward-3", "other", now, now)
        assert (again.mine, again.kept, again.body) == (False, answer, "body")
        later = now.replace(year=now.year + 1)
        assert (await store.begin("k", "ward-3", "other", later, later)).mine, "after its day it is new"


@pytest.mark.parametrize("kind", ["memory", "stored"])
async def test_after_an_error_the_same_key_tries_again(where: Where, kind: str) -> None:
    now = utc_now()
    async with repeats(kind, where) as store:
        await store.begin("k", "ward-3", "body", now, now)
        await store.end("k", None)
        assert (await store.begin("k", "ward-3", "body", now, now)).mine


async def test_a_request_whose_process_died_comes_to_nothing(where: Where) -> None:
    now = utc_now()
    async with open_database(where) as database, living(database, where) as alive:
        async with living(database, where) as dead:
            await repeats_of(database, dead).begin("k", "ward-3", "body", now, now)
            assert not (await repeats_of(database, alive).begin("k", "ward-3", "body", now, now)).mine
        assert (await repeats_of(database, alive).begin("k", "ward-3", "body", now, now)).mine


async def test_an_answer_that_the_database_did_not_take_is_given_and_written_later(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its key would answer 409 for a day."""
    now, answer = utc_now(), Kept(202, b"once")
    async with (
        open_database(where) as database,
        living(database, where) as here,
        living(database, where) as other,
    ):
        store = repeats_of(database, here)
        await store.begin("k", "ward-3", "body", now, now)
        await store.begin("error", "ward-3", "body", now, now)
        with monkeypatch.context() as failing:
            failing.setattr(database, "writing", _fails)
            await store.end("k", answer)
            await store.end("error", None)
        assert (await store.begin("k", "ward-3", "body", now, now)).kept == answer
        elsewhere = repeats_of(database, other)
        assert (await elsewhere.begin("k", "ward-3", "body", now, now)).kept == answer
        assert (await elsewhere.begin("error", "ward-3", "body", now, now)).mine


async def test_what_could_not_be_written_is_tried_again_without_another_request(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, answer = utc_now(), Kept(202, b"once")
    monkeypatch.setattr("server.store.repeats.AGAIN_S", 0.01)
    async with (
        open_database(where) as database,
        living(database, where) as here,
        living(database, where) as other,
        open_repeats(database, here, writer_of(database, here), LoopClock()) as store,
    ):
        await store.begin("k", "ward-3", "body", now, now)
        with monkeypatch.context() as failing:
            failing.setattr(database, "writing", _fails)
            await store.end("k", answer)
        elsewhere = repeats_of(database, other)
        async with asyncio.timeout(30):
            while (await elsewhere.begin("k", "ward-3", "body", now, now)).kept != answer:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_request_of_this_process_that_nobody_answers_any_more_is_taken_up_as_the_same_work(
    where: Where,
) -> None:
    now = utc_now()
    async with open_database(where) as database, living(database, where) as here:
        store = repeats_of(database, here)
        first = await store.begin("k", "ward-3", "body", now, now)
        store._answering.clear()
        again = await store.begin("k", "ward-3", "body", now + timedelta(minutes=1), now)
        assert (again.mine, again.since) == (True, first.since)
        assert not (await store.begin("k", "ward-3", "body", now, now)).mine, "it is being answered"


async def test_answers_beyond_the_bound_are_forgotten_the_oldest_first_and_their_work_is_not(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    monkeypatch.setattr("server.store.repeat_rows.MOST_BYTES", 2500)
    async with repeats("stored", where) as store:
        for number in range(3):
            await store.begin(f"k{number}", "ward-3", "body", now + timedelta(seconds=number), now)
            await store.end(f"k{number}", Kept(200, random.Random(number).randbytes(1000)))
        again = [await store.begin(f"k{number}", "ward-3", "body", now, now) for number in range(3)]
        assert [one.kept is not None for one in again] == [False, True, True]
        assert (again[0].mine, again[0].since) == (True, now)


@pytest.mark.parametrize("kind", ["memory", "stored"])
async def test_a_site_with_many_answers_pushes_out_its_own_alone(
    where: Where, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now()
    for module in ("server.store.repeat_rows", "server.batches.repeats"):
        monkeypatch.setattr(f"{module}.MOST_BYTES", 4500)
    async with repeats(kind, where) as store:
        sites = ["quiet", *["busy"] * 6]
        for number, site in enumerate(sites):
            await store.begin(f"k{number}", site, "body", now + timedelta(seconds=number), now)
            await store.end(f"k{number}", Kept(200, random.Random(number).randbytes(1000)))
        again = [await store.begin(f"k{number}", site, "body", now, now) for number, site in enumerate(sites)]
        assert [one.kept is not None for one in again] == [True, *[False] * 3, *[True] * 3]


async def test_a_site_with_many_requests_at_once_pushes_out_its_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.batches.repeats.MOST", 3)
    now, store = utc_now(), MemoryRepeats()
    sites = ["quiet", *["busy"] * 6]
    for number, site in enumerate(sites):
        await store.begin(f"k{number}", site, "body", now, now)
        await store.end(f"k{number}", Kept(200, b"1"))
    assert (await store.begin("k0", "quiet", "body", now, now)).kept is not None
    assert (await store.begin("k1", "busy", "body", now, now)).kept is None


@pytest.mark.parametrize(
    ("sizes", "share"),
    [([], inf), ([1, 2, 3], inf), ([9, 1, 9], 4.5), ([11], 10.0), ([10, 10], 5.0), ([1, 2, 99], 7.0)],
)
def test_each_has_what_it_needs_or_an_even_share_of_the_rest(sizes: list[int], share: float) -> None:
    assert fair_share(sizes, 10) == share


def _fails() -> NoReturn:
    raise StoreError("as the test asked")
