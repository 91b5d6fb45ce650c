"""``tingqing labels``: list, show, lint."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
FAULTY = ROOT / "tests" / "data" / "faulty_labels.toml"
OURS = [str(path) for path in sorted((ROOT / "labels").glob("*.toml"))]
NAMES = ["telemedicine", "cardiology", "chronic-followup", "pediatrics", "rehabilitation", "respiratory"]
runner = CliRunner()


def test_list_names_every_dictionary_in_the_readers_language() -> None:
    zh = runner.invoke(app, ["labels", "list", "--language", "zh"])
    en = runner.invoke(app, ["labels", "list", "--language", "en"])
    assert (zh.exit_code, en.exit_code) == (0, 0)
    assert "心内科" in zh.stdout
    assert "Cardiology" in en.stdout
    assert all(name in zh.stdout for name in NAMES)


def test_list_as_json_has_every_label() -> None:
    done = runner.invoke(app, ["labels", "list", "--format", "json"])
    sets = json.loads(done.stdout)
    assert sets["default"] == "telemedicine"
    assert [one["name"] for one in sets["label_sets"]] == NAMES
    assert all(10 <= len(one["labels"]) <= 15 for one in sets["label_sets"])


@pytest.mark.parametrize("name", ["respiratory", "呼吸内科", "Respiratory medicine"])
def test_show_takes_a_name_or_a_title(name: str) -> None:
    done = runner.invoke(app, ["labels", "show", name, "--language", "zh"])
    assert done.exit_code == 0
    assert "呼吸音异常" in done.stdout
    assert "喘鸣" in done.stdout


def test_show_as_json_says_where_a_label_is_written() -> None:
    done = runner.invoke(app, ["labels", "show", "pediatrics", "--format", "json"])
    value = json.loads(done.stdout)
    assert (value["dictionary"]["name"], value["dictionary"]["version"]) == ("pediatrics", "1")
    assert len(value["dictionary"]["digest"]) == 12
    places = {label["id"]: label["dictionary"] for label in value["labels"]}
    assert (places["low_background"], places["feeding"]) == ("telemedicine", "pediatrics")


def test_show_tells_what_is_made_of_ad_hoc_labels() -> None:
    done = runner.invoke(app, ["labels", "show", "a dog barking", "--language", "zh"])
    assert done.exit_code == 0
    assert "没有写对照" in done.stdout


def test_show_of_nothing_is_an_error() -> None:
    assert runner.invoke(app, ["labels", "show", ","]).exit_code == 2


def test_lint_of_our_own_files_finds_nothing() -> None:
    done = runner.invoke(app, ["labels", "lint", *OURS, "--language", "en"])
    assert done.exit_code == 0
    assert "nothing to mend" in done.stdout


def test_lint_tells_file_line_rule_and_remedy() -> None:
    done = runner.invoke(app, ["labels", "lint", str(FAULTY), "--language", "zh"])
    assert done.exit_code == 1
    line = next(number for number, text in enumerate(FAULTY.read_text("utf-8").splitlines(), 1) if "很好" in text)
    assert f"{FAULTY}:{line}: [vague] v1: “很好”" in done.stdout
    assert "→" in done.stdout


def test_lint_as_json_has_both_languages() -> None:
    done = runner.invoke(app, ["labels", "lint", "--format", "json", str(FAULTY)])
    assert done.exit_code == 1
    value = json.loads(done.stdout)
    assert value["files"] == 1
    assert {"file", "line", "rule", "severity", "label", "message", "better"} == set(value["findings"][0])


def test_lint_of_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = runner.invoke(app, ["labels", "lint", str(tmp_path / "none.toml")])
    assert done.exit_code == 2


def test_lint_of_a_file_that_spoils_its_own_folder_still_works(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('name = "broken"\n', encoding="utf-8")
    done = runner.invoke(app, ["labels", "lint", str(broken), "--labels-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "version" in done.stdout


def test_a_malformed_file_of_the_folder_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text('name = "broken"\nversion =\n', encoding="utf-8")
    done = runner.invoke(app, ["labels", "list", "--labels-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert "broken.toml:2: not TOML" in done.stderr
