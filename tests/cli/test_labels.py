"""``tingqing labels``: list, show, lint."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.main import app
from tests.triage import EVENT, LABEL, RULE, triage_folder

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
    assert (value["dictionary"]["name"], value["dictionary"]["version"]) == ("pediatrics", "2")
    assert len(value["dictionary"]["digest"]) == 12
    places = {label["id"]: label["dictionary"] for label in value["labels"]}
    assert (places["low_background"], places["feeding"]) == ("telemedicine", "pediatrics")


def test_show_tells_how_ad_hoc_labels_are_read() -> None:
    done = runner.invoke(app, ["labels", "show", "a dog barking", "--language", "zh"])
    assert done.exit_code == 0
    assert "没有写对照" in done.stdout


def test_show_tells_rules_as_they_are_written(tmp_path: Path) -> None:
    folder = ["--labels-dir", str(triage_folder(tmp_path))]
    done = runner.invoke(app, ["labels", "show", "triage", "--language", "zh", *folder], env={"COLUMNS": "200"})
    assert f'规则\n  {LABEL}: state == "stated"  (live) → {EVENT}  患者说左胸痛  {RULE}\n' in done.stdout
    shown = json.loads(runner.invoke(app, ["labels", "show", "triage", "--format", "json", *folder]).stdout)
    sets = json.loads(runner.invoke(app, ["labels", "list", "--format", "json", *folder]).stdout)["label_sets"]
    [triage] = [one for one in sets if one["name"] == "triage"]
    assert shown["rules"] == triage["rules"]
    assert [(one["id"], one["when"], one["at"]) for one in shown["rules"]] == [
        (RULE, 'state == "stated"', "live"),
        ("too_noisy_for_triage", "score < 0.5 and passed == false", "end"),
    ]
    assert "规则" not in runner.invoke(app, ["labels", "show", "cardiology", "--language", "zh", *folder]).stdout


def test_show_of_nothing_is_an_error() -> None:
    assert runner.invoke(app, ["labels", "show", ","]).exit_code == 2


def test_lint_of_our_own_files_finds_nothing() -> None:
    done = runner.invoke(app, ["labels", "lint", *OURS, "--language", "en"])
    assert done.exit_code == 0
    assert "no problems found" in done.stdout


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


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A clinic's folder: ours, with a dictionary and a topic of its own."""
    folder = tmp_path / "clinic"
    shutil.copytree(ROOT / "labels", folder)
    (folder / "ent.toml").write_text(
        """name = "ent"
version = "1"
title = { zh = "耳鼻喉科", en = "Ear, nose and throat" }

[[label]]
id = "tinnitus"
title = { zh = "耳鸣", en = "Ringing in the ears" }
kind = "content"
endangers = { zh = "漏掉耳鸣会耽误治疗", en = "a missed ringing delays treatment" }
advice = { zh = "请再问一句:耳朵里有没有响声", en = "please ask whether there is a sound in the ear" }
[label.transcript]
topic = "tinnitus"
""",
        encoding="utf-8",
    )
    (folder / "topics" / "ent.toml").write_text(
        """[topic.tinnitus]
about = { zh = "耳鸣", en = "Ringing" }
[[topic.tinnitus.rule]]
all = [["耳鸣", "tinnitus"]]
[topic.ear_pain]
about = { zh = "耳朵疼", en = "Ear pain" }
[[topic.ear_pain.rule]]
all = [["@pain"], ["耳"]]
""",
        encoding="utf-8",
    )
    return folder


def test_a_file_is_checked_against_the_folder_that_contains_it(own_folder: Path) -> None:
    done = runner.invoke(app, ["labels", "lint", str(own_folder / "ent.toml"), "--language", "en"])
    assert done.exit_code == 0, done.stdout
    elsewhere = shutil.move(own_folder / "ent.toml", own_folder.parent / "ent.toml")
    done = runner.invoke(app, ["labels", "lint", str(elsewhere), "--language", "en"])
    assert "no topic 'tinnitus'" in done.stdout


def test_a_faulty_dictionary_does_not_hide_the_topics_beside_it(own_folder: Path) -> None:
    with (own_folder / "ent.toml").open("a", encoding="utf-8") as file:
        file.write("colour = 1\n")
    done = runner.invoke(app, ["labels", "lint", str(own_folder / "ent.toml"), "--language", "en"])
    assert "colour" in done.stdout
    assert "no topic" not in done.stdout


def test_topic_files_are_linted_as_such(own_folder: Path) -> None:
    path = own_folder / "topics" / "ent.toml"
    done = runner.invoke(app, ["labels", "lint", *map(str, sorted(path.parent.glob("*.toml")))])
    assert done.exit_code == 0, done.stdout
    wrong = path.read_text("utf-8").replace("@pain", "@pian")
    path.write_text(wrong + '[topic.x]\nabout = { zh = "某" }\nneeds = ["nothing"]\n', encoding="utf-8")
    done = runner.invoke(app, ["labels", "lint", str(path), "--language", "en"])
    assert f"{path}:10: [form] topic.x.about.en: Field required" in done.stdout
    path.write_text(wrong, encoding="utf-8")
    done = runner.invoke(app, ["labels", "lint", str(path), "--language", "en"])
    assert f"{path}:5: [evidence] ear_pain: there is no @pian" in done.stdout
