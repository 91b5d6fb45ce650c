"""Sums over days and months follow what is counted, whatever is kept, imported and deleted: figures are the same."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from server.api.stats import stats_model
from server.records.counts import Counts
from server.records.kept import KeptRecord, RecordKind
from server.records.ports import Sums
from server.records.sums import pieces
from server.store.backup import back_up, restore
from server.store.database import open_database
from server.store.migrating import migrate
from server.store.records import StoredRecords
from server.store.sqlite import FILE
from tests.records.builders import id_of, record

BEGIN = date(2026, 1, 20)
SITES = ("ward-3", "ward-4")
NARROW: list[dict[str, str]] = [{}, {"department": "ENT"}, {"label_set": "cardiology"}]
days = st.integers(0, 100).map(lambda number: BEGIN + timedelta(days=number))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Some records of two sites, added a few at a time, some of them deleted in between."""
    acts: list[tuple[str, Any]] = []
    there: list[KeptRecord] = []
    for number in range(draw(st.integers(1, 12))):
        ended = datetime.combine(draw(days), datetime.min.time(), UTC)
        one = record(
            number,
            site=draw(st.sampled_from(SITES)),
            ended_at=ended,
            kind=draw(st.sampled_from(RecordKind)),
            verdict=draw(st.sampled_from(["accept", "re-record", "unusable", None])),
            label_set=draw(st.sampled_from(["telemedicine", "cardiology"])),
            department=draw(st.sampled_from(["", "ENT"])),
            first_usable_s=draw(st.sampled_from([3.0, None])),
            attempt_of=draw(st.sampled_from([None, *(each.id for each in there)])),
            labels={"low_background": draw(st.booleans())},
        )
        there.append(one)
        acts.append(("add", one))
        if draw(st.booleans()):
            acts.append(("delete", draw(st.sampled_from(there))))
    return acts


def slowly(found: Sequence[Any], first: date) -> Sums:
    """From the days alone."""
    now = [each for each in found if each.bucket.day >= first.isoformat()]
    before = [each.counts for each in found if each.bucket.day < first.isoformat()]
    return Sums([(each.bucket.day, each.counts) for each in now], now, before)


async def same(records: StoredRecords, first: date, last: date, **narrow: Any) -> Counts:
    """Figures from sums are those from days. What is counted in all, so that a test sees that it is something."""
    since = first - (last - first) - timedelta(days=1)
    counted: Counter[str] = Counter()
    for site in SITES:
        plain = slowly(await records.days(site, since.isoformat(), last.isoformat(), **narrow), first)
        quick = await records.sums(site, first, last, **narrow)
        assert stats_model(site, first, last, quick) == stats_model(site, first, last, plain)
        for part in quick.parts:
            counted.update(part.counts)
    return counted


@pytest.mark.timeout(400)  # a database for each history, on a busy machine
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    acts=histories(),
    ends=st.tuples(days, days),
    narrow=st.sampled_from([{}, {"department": "ENT"}, {"label_set": "cardiology"}]),
)
async def test_figures_from_sums_are_those_from_days(
    acts: list[tuple[str, Any]], ends: tuple[date, date], narrow: dict[str, str]
) -> None:
    with TemporaryDirectory() as name:
        async with open_database(Path(name)) as database:
            records = StoredRecords(database)
            for act, one in acts:
                if act == "add":
                    await records.add([one])
                else:
                    await records.delete(one.site, one.id)
            await same(records, min(ends), max(ends), **narrow)
            await same(records, BEGIN, BEGIN + timedelta(days=100), **narrow)


@given(first=days, length=st.integers(0, 800))
def test_months_and_edges_are_each_day_of_the_range_once(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    of = pieces(first, last)
    seen = [
        begin + timedelta(days=number)
        for since, until in of.edges
        for begin, end in [(date.fromisoformat(since), date.fromisoformat(until))]
        for number in range((end - begin).days + 1)
    ]
    if of.months is not None:
        day, (_, until_month) = date.fromisoformat(f"{of.months[0]}-01"), of.months
        while day.isoformat()[:7] <= until_month:
            seen.append(day)
            day += timedelta(days=1)
    assert sorted(seen) == [first + timedelta(days=number) for number in range(length + 1)]
    assert of.months is None or all(
        (date.fromisoformat(until) - date.fromisoformat(since)).days < 30 for since, until in of.edges
    ), "few days are read one by one"


async def test_nothing_is_left_of_what_is_all_deleted(tmp_path: Path) -> None:
    async with open_database(tmp_path) as database:
        records = StoredRecords(database)
        await records.add([record(1), record(2, verdict="unusable", attempt_of=id_of(1))])
        for number in (1, 2):
            await records.delete("ward-3", id_of(number))
    with closing(sqlite3.connect(tmp_path / FILE)) as plain:
        assert plain.execute("SELECT * FROM assessment_sums").fetchall() == []


async def test_what_was_counted_before_there_were_sums_is_in_them(tmp_path: Path) -> None:
    await made_before(tmp_path)
    async with open_database(tmp_path) as database:
        counted = await same(StoredRecords(database), date(2026, 2, 1), date(2026, 4, 30))
    assert counted["results"] == 3


async def made_before(folder: Path) -> None:
    """A database with three records in two months, as the version before the sums left it."""
    other = folder / "new"
    async with open_database(other) as database:
        later = datetime(2026, 4, 2, tzinfo=UTC)
        await StoredRecords(database).add([record(1), record(2, verdict="unusable"), record(3, ended_at=later)])
    engine = create_engine(f"sqlite:///{folder / FILE}")
    with engine.begin() as connection:
        migrate(connection, "0008")
    engine.dispose()
    with closing(sqlite3.connect(folder / FILE)) as plain:
        plain.execute("ATTACH ? AS new", (str(other / FILE),))
        for table in ("assessments", "assessment_results", "assessment_days"):
            columns = ", ".join(name for _, name, *_ in plain.execute(f"PRAGMA main.table_info({table})"))
            plain.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")
        plain.commit()


@pytest.mark.parametrize("older", [False, True])
async def test_sums_follow_the_days_that_a_restored_database_takes_over(tmp_path: Path, older: bool) -> None:
    """Also where the database that it replaces had none yet."""
    folder, target = tmp_path / "data", tmp_path / "copy.db"
    async with open_database(tmp_path / "first") as database:
        await StoredRecords(database).add([record(9)])
    back_up(tmp_path / "first", target)
    folder.mkdir()
    if older:
        await made_before(folder)
    else:
        async with open_database(folder) as database:
            await StoredRecords(database).add([record(1), record(2), record(3)])
    restore(target, folder, replace=True)
    async with open_database(folder) as database:
        assert (await same(StoredRecords(database), date(2026, 2, 1), date(2026, 4, 30)))["results"] == 3
