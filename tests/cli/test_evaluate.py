"""``tingqing evaluate`` on real recordings."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from server.cli import evaluate as command
from server.cli.console import Failure
from tests.cli.conftest import Ran, in_process


@pytest.fixture(scope="module")
def manifest(mixes: Path, mix_labels: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six real recordings, a missing one and a line at fault."""
    path = tmp_path_factory.mktemp("evaluate") / "recordings.csv"
    rows = [row for row in mix_labels.values() if row["category"] == "clean"][:3]
    rows += [row for row in mix_labels.values() if row["category"] == "noise" and row["snr_db"] == -3][:3]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "condition", "speaker", "low_background", "prompts"])
        for row in rows:
            clean = row["category"] == "clean"
            prompt = "none" if clean else "move_somewhere_quieter"
            writer.writerow([mixes / row["file"], row["category"], row["talker"], int(clean), prompt])
        writer.writerow(["missing.wav", "clean", "x", 1, "none"])
        writer.writerow([mixes / rows[0]["file"], "clean", "x", "perhaps", "none"])
    return path


@pytest.fixture(scope="module")
def ran(manifest: Path) -> Ran:
    folder = manifest.parent / "report"
    return in_process(
        "evaluate",
        "--no-mos",
        manifest,
        "--folds",
        "2",
        "--format",
        "json",
        "--output",
        folder,
        "--write-labels",
        folder / "w.toml",
    )


def test_it_tells_figures_per_label_and_condition(ran: Ran) -> None:
    report = json.loads(ran.out)
    figures = report["as_given"]["labels"]["low_background"]
    assert (figures["fine"], figures["others"]) == (3, 3)
    assert figures["auc"]["value"] == 1.0
    assert report["as_given"]["conditions"]["clean"]["prompts_right"] == 3
    assert report["cross_validated"]["prompts"]["known"] == 6


def test_lines_at_fault_are_told_and_the_others_go_on(ran: Ran) -> None:
    assert ran.code == 2
    assert ":8: missing.wav: No such file" in ran.err
    assert "low_background is 'perhaps'" in ran.err
    assert {fault["line"] for fault in json.loads(ran.out)["faults"]} == {8, 9}


def test_the_report_is_self_contained(ran: Ran, manifest: Path) -> None:
    page = (manifest.parent / "report" / "report.html").read_text(encoding="utf-8")
    assert "data:image/svg+xml" in page
    assert 'src="http' not in page
    assert "does not diagnose" in page
    assert (manifest.parent / "report" / "w.toml").exists()
    with (manifest.parent / "report" / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6


def test_its_scores_are_those_of_assess(ran: Ran, manifest: Path, mixes: Path) -> None:
    with (manifest.parent / "report" / "scores.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    result = json.loads(in_process("assess", "--no-mos", "--format", "json", first["path"]).out)
    for label_id, label in result["labels"].items():
        assert first[label_id] == ("" if label["score"] is None else f"{label['score']:.4f}")


def test_a_manifest_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("path,low_backgroud\na.wav,1\n", encoding="utf-8")
    ran = in_process("evaluate", path)
    assert ran.code == 2
    assert f"{path}:1: unknown label or column 'low_backgroud'. Did you mean 'low_background'?" in ran.err


def test_a_manifest_without_a_readable_recording_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("path,low_background\na.wav,1\n", encoding="utf-8")
    ran = in_process("evaluate", path)
    assert ran.code == 2
    assert "no recording to evaluate; 2: a.wav: No such file" in ran.err


def test_missing_packages_of_the_report_are_reported_before_the_first_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "EXTRA", ("no_such_package",))
    with pytest.raises(Failure, match="needs no_such_package") as raised:
        command._need_extra()
    assert raised.value.hint is not None
    assert "tingqing[evaluate]" in raised.value.hint
