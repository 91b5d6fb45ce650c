"""``tingqing records`` as an operator uses it."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.records.kept import KeptRecord, local_day
from server.records.lines import line_of, record_of_line
from server.store import record_rows
from server.store.database import open_database
from server.store.records import StoredRecords
from tests.cli.conftest import in_process
from tests.records.builders import id_of, record


def keep(folder: Path, *records: KeptRecord) -> None:
    async def write() -> None:
        async with open_database(folder) as database, database.writing() as connection:
            await record_rows.add(connection, records)

    asyncio.run(write())


def test_an_export_comes_back_in_another_folder_as_it_was(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "results.jsonl"
    keep(old, record(1, verdict="re-record", reference="听诊"), record(2, attempt_of=id_of(1)), record(3, body=None))
    assert in_process("records", "export", file, "--data-dir", old).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["result"] == {"id": "x"}
    again = in_process("records", "export", file, "--data-dir", old)
    assert (again.code, "--force" in again.err) == (2, True)
    done = in_process("records", "import", file, "--data-dir", new)
    assert (done.code, done.err) == (0, "3 results added, 0 were there already.\n")
    assert in_process("records", "import", file, "--data-dir", new).err == "0 results added, 3 were there already.\n"
    assert in_process("records", "export", "-", "--data-dir", new).out.splitlines() == lines
    told = ["records", "stats", "--from", "2026-03-01", "--to", "2026-03-01", "--format", "json", "--data-dir"]
    assert in_process(*told, new).out == in_process(*told, old).out
    audit = in_process("keys", "audit", "--format", "json", "--data-dir", new)
    assert json.loads(audit.out)[0]["act"] == "records.imported"


def test_what_was_pruned_is_not_counted_again_when_it_is_imported(tmp_path: Path) -> None:
    """Nor kept; of other days everything is."""
    file, folder = tmp_path / "results.jsonl", tmp_path / "data"
    day = datetime(2026, 3, 2, 9, tzinfo=UTC)
    keep(folder, record(1), record(2, verdict="re-record", attempt_of=id_of(1)), record(3, department="ENT"))
    assert in_process("records", "export", file, "--data-dir", folder).code == 0
    span: tuple[str, ...] = ("--from", "2026-03-01", "--to", "2026-03-31")
    told: tuple[str | Path, ...] = ("records", "stats", *span, "--format", "json", "--data-dir", folder)
    before = in_process(*told).out
    assert in_process("records", "prune", "--older-than", "0", "--data-dir", folder).err == "3 results deleted.\n"
    keep(folder, record(4, ended_at=day, day=local_day(day), department="A"))
    shown = in_process("records", "export", "-", "--data-dir", folder).out
    done = in_process("records", "import", file, "--data-dir", folder)
    assert (done.code, done.err.splitlines()) == (
        0,
        [
            "0 results added, 0 were there already.",
            "3 passed over: they may have been counted here, and pruned since.",
        ],
    )
    assert in_process("records", "export", "-", "--data-dir", folder).out == shown
    assert json.loads(in_process(*told).out)[0]["results"] == json.loads(before)[0]["results"] + 1
    other = file.with_name("other.jsonl")
    other.write_text(shown.replace(id_of(4), id_of(5)), encoding="utf-8")
    assert in_process("records", "import", other, "--data-dir", folder).err.startswith("1 results added, 0 were")
    assert json.loads(in_process(*told).out)[0]["results"] == json.loads(before)[0]["results"] + 2


def test_what_people_heard_comes_along_and_a_file_of_before_has_none(tmp_path: Path) -> None:
    file, new = tmp_path / "results.jsonl", tmp_path / "new"
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    keep(tmp_path, record(1, doubt=0.1, heard=False, heard_at=at, heard_by="key 7"), record(2, doubt=0.1))
    assert in_process("records", "export", file, "--data-dir", tmp_path).code == 0
    assert in_process("records", "import", file, "--data-dir", new).code == 0

    async def heard() -> tuple[list[tuple[str, bool | None]], tuple[int, int]]:
        async with open_database(new) as database:
            records = StoredRecords(database)
            found = await records.reviewed("ward-3", 9)
            return [(one.heard_by or "", said) for one, said, _ in found], await records.reviews("ward-3")

    assert asyncio.run(heard()) == ([("key 7", False)], (1, 1))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    old = [{name: value for name, value in row.items() if not name.startswith("heard")} for row in rows]
    assert [record_of_line(json.dumps(row | {"version": 1})).heard for row in old] == [None, None]
    for wrong in ({"heard": 1}, {"heard": "yes"}, {"heard": True}, {"heard_at": "2026-03-01T12:00:00"}):
        with pytest.raises(ValueError, match=r"neither true nor false|without a (time|zone)"):
            record_of_line(json.dumps(rows[1] | wrong))


def test_the_picture_of_a_recording_comes_along_and_a_file_of_before_has_none(tmp_path: Path) -> None:
    file, new = tmp_path / "results.jsonl", tmp_path / "new"
    keep(tmp_path, record(1, levels=bytes([0, 40, 120])), record(2))
    assert in_process("records", "export", file, "--data-dir", tmp_path).code == 0
    assert in_process("records", "import", file, "--data-dir", new).code == 0

    async def levels(folder: Path) -> list[bytes | None]:
        async with open_database(folder) as database:
            found = [await StoredRecords(database).find("ward-3", id_of(number)) for number in (1, 2)]
        return [one.levels for one in found if one is not None]

    assert asyncio.run(levels(new)) == [bytes([0, 40, 120]), None]
    row = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    before = {name: value for name, value in row.items() if name != "levels"} | {"version": 2}
    assert record_of_line(json.dumps(before)).levels is None
    for wrong in ([300], [-1], [0.5], "000", [0] * 1001, 7):
        with pytest.raises(ValueError, match=r"levels|no result|byte"):
            record_of_line(json.dumps(row | {"levels": wrong}))


def test_what_was_judged_comes_along_and_is_unknown_of_before(tmp_path: Path) -> None:
    row = json.loads(line_of(record(1, basis="as_heard")))
    assert record_of_line(json.dumps(row)).basis == "as_heard"
    before = {name: value for name, value in row.items() if name != "basis"} | {"version": 3}
    assert record_of_line(json.dumps(before)).basis is None
    for wrong in ("the sea", 1, ["room"]):
        with pytest.raises(ValueError, match="what was judged"):
            record_of_line(json.dumps(row | {"basis": wrong}))


@pytest.mark.parametrize("line", ["x", "{}", '{"version":2}', "[]"])
def test_a_line_that_is_no_result_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    done = in_process("records", "import", file, "--data-dir", tmp_path / "data")
    assert done.code == 2
    assert "results.jsonl:1:" in done.err.replace("\n", "")


def test_old_results_are_deleted_and_figures_stay(tmp_path: Path) -> None:
    today = datetime.now(UTC)
    old = today - timedelta(days=9)
    keep(
        tmp_path,
        record(1, ended_at=old, day=local_day(old)),
        record(2, ended_at=today, day=local_day(today), site="elsewhere"),
    )
    pruned = in_process("records", "prune", "--older-than", "7", "--vacuum", "--data-dir", tmp_path)
    assert (pruned.code, pruned.err) == (0, "1 results deleted.\n")
    left = in_process("records", "export", "-", "--data-dir", tmp_path).out.splitlines()
    assert [json.loads(line)["id"] for line in left] == [id_of(2)]
    shown = in_process("records", "stats", "--data-dir", tmp_path, COLUMNS="200").out
    assert "ward-3" in shown
    assert "elsewhere" in shown
    assert "100% (21% to 100%) of 1" in shown
    only = json.loads(
        in_process("records", "stats", "--site", "elsewhere", "--format", "json", "--data-dir", tmp_path).out
    )
    assert [(one["site"], one["results"]) for one in only] == [("elsewhere", 1)]


def test_without_a_folder_it_says_so() -> None:
    done = in_process("records", "stats", TINGQING_DATA_DIR="")
    assert (done.code, "--data-dir" in done.err) == (2, True)


def test_a_folder_beside_the_variable_of_another_database_is_refused_and_both_are_named(tmp_path: Path) -> None:
    """Either may be meant, and what is deleted is gone."""
    variable = "postgresql://tq:s3cret@db.example/tq"  # pragma: allowlist secret
    for command in (("records", "prune", "--older-than", "0"), ("keys", "list"), ("webhooks", "list")):
        ran = in_process(*command, "--data-dir", tmp_path / "old", TINGQING_DATABASE_URL=variable)
        assert ran.code == 2
        said = " ".join(ran.err.split())
        assert str(tmp_path / "old") in said.replace(" ", "")
        assert "postgresql://tq@db.example/tq" in said
        assert "env -u TINGQING_DATABASE_URL" in said
        assert "s3cret" not in said


@pytest.mark.parametrize("act", [["prune", "--older-than", "7"], ["stats"], ["export", "{out}"]])
def test_results_of_a_folder_that_is_misspelt_are_not_said_to_be_deleted(tmp_path: Path, act: list[str]) -> None:
    ran = in_process("records", *(one.format(out=tmp_path / "out.jsonl") for one in act), "--data-dir", tmp_path / "x")
    assert (ran.code, ran.out) == (2, "")
    assert "has no database" in ran.err
    assert not list(tmp_path.iterdir())
