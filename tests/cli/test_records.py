"""``tingqing records`` as an operator uses it."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.records.kept import KeptRecord, local_day
from server.store import record_rows
from server.store.database import open_database
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
    variable = {"TINGQING_DATABASE_URL": "postgresql://tq:s3cret@db.example/tq"}  # pragma: allowlist secret
    for command in (("records", "prune", "--older-than", "0"), ("keys", "list"), ("webhooks", "list")):
        ran = in_process(*command, "--data-dir", tmp_path / "old", **variable)
        assert ran.code == 2
        said = " ".join(ran.err.split())
        assert str(tmp_path / "old") in said.replace(" ", "")
        assert "postgresql://tq@db.example/tq" in said
        assert "env -u TINGQING_DATABASE_URL" in said
        assert "s3cret" not in said
