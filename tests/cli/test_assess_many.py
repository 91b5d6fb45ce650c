"""``tingqing assess`` over many files: folders, patterns, pipes, processes, spreadsheets, an interrupted run."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.cli.asked import Asked
from server.cli.console import Failure
from server.cli.inputs import files_of
from server.cli.journal import Journal, LineJournal
from server.values.mode import Mode
from tests.cli.conftest import TINGQING, environment, in_process, tingqing

SECONDS = (1.0, 2.0, 1.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings, one of them without an ending and deeper, and what is none."""
    folder = tmp_path / "records"
    (folder / "week").mkdir(parents=True)
    for name, seconds in zip(("a.flac", "b.wav", "week/c"), SECONDS, strict=True):
        noise = 0.05 * np.random.default_rng(1).standard_normal(int(seconds * 16_000))
        soundfile.write(folder / name, noise, 16_000, format="FLAC" if name == "a.flac" else "WAV")
    (folder / "notes.txt").write_text("no recording, only notes")
    (folder / ".hidden.wav").write_bytes((folder / "b.wav").read_bytes())
    return folder


def names(text: str) -> list[str]:
    return [Path(json.loads(line)["source"]["name"]).name for line in text.splitlines()]


def test_a_folder_gives_its_recordings_whatever_they_are_called(folder: Path) -> None:
    ran = in_process("assess", "--no-mos", "--format", "jsonl", folder)
    assert names(ran.out) == ["a.flac", "b.wav", "c"]
    (folder / "empty").mkdir()
    nothing = in_process("assess", folder / "empty")
    assert (nothing.code, nothing.out) == (2, "")
    assert "there is no recording in" in nothing.err


def test_a_folder_hides_no_broken_recording_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (("empty.m4a", b""), ("bad.WAV", b"no sound"), ("notes.txt", b"notes")):
        (tmp_path / name).write_bytes(data)
    with files_of([tmp_path], "en", headerless=False) as found:
        assert [path.name for _, path in found] == ["bad.WAV", "empty.m4a"]
    told = capsys.readouterr().err
    assert "1 that is no recording: " in told
    assert "notes.txt\n" in told, "by name: it may be sound without a header"
    assert "--raw" in told


def test_a_folder_gives_transcripts_of_its_recordings_where_they_are_asked_for(tmp_path: Path) -> None:
    for name in ("a.amr", "a.jsonl", "b.wav", "b.wav.jsonl", "c.wav", "results.jsonl"):
        (tmp_path / name).write_bytes(b'{"text":"..."}')
    (tmp_path / "c.jsonl").write_bytes(b'{"overall":{"score":0.9}}\n')
    with files_of([tmp_path], "en", headerless=False) as found:
        assert [path.name for _, path in found] == ["a.amr", "b.wav", "c.wav"]
    with files_of([tmp_path], "en", headerless=False, transcripts=True) as found:
        assert [path.name for _, path in found] == ["a.amr", "a.jsonl", "b.wav", "b.wav.jsonl", "c.wav"], "no results"


def test_patterns_are_those_of_a_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names(in_process("assess", "--no-mos", "--format", "jsonl", "*.[fw]*").out) == ["a.flac", "b.wav"]
    assert names(in_process("assess", "--no-mos", "--format", "jsonl", "**/c").out) == ["c"]
    assert "nothing matches" in in_process("assess", "*.mp9").err


def test_a_recording_comes_through_a_pipe(folder: Path) -> None:
    done = subprocess.run(
        [TINGQING, "assess", "--no-mos", "--format", "json", "-"],
        input=(folder / "b.wav").read_bytes(),
        capture_output=True,
        env=environment(),
        check=False,
    )
    result = json.loads(done.stdout)
    assert (result["source"]["name"], result["source"]["duration_s"]) == ("-", 2.0)


def test_several_processes_judge_as_one_does_and_in_order(folder: Path) -> None:
    one = in_process("assess", "--no-mos", "--format", "jsonl", folder, "missing.wav", "--jobs", "1")
    two = tingqing("assess", "--no-mos", "--format", "jsonl", folder, "missing.wav", "--jobs", "2")
    assert two.code == one.code == 2
    without_ids = [
        [{name: value for name, value in line.items() if name != "id"} for line in ran.lines()] for ran in (one, two)
    ]
    assert without_ids[0] == without_ids[1]


def test_a_spreadsheet_has_a_row_for_each_file_and_computes_nothing(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "b.wav", folder / "=1+1.wav")
    ran = in_process("assess", "--no-mos", "--language", "en", "=1+1.wav", folder, "--out", tmp_path / "r.csv")
    assert ran.code == 2
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text(encoding="utf-8-sig"))))
    assert [Path(row["file"]).name for row in rows] == ["'=1+1.wav", "=1+1.wav", "a.flac", "b.wav", "c"]
    assert rows[0]["error"] == "No such file."
    assert [row["duration_s"] for row in rows[1:]] == ["2.0", "1.0", "2.0", "1.5"]
    assert [row["basis"] for row in rows] == ["", "room", "room", "room", "room"]
    assert "low_background" in rows[0]
    in_process("assess", "--no-mos", folder, "--out", tmp_path / "r.xlsx")
    with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 5
    assert "<f>" not in sheet
    assert in_process("assess", folder, "--format", "xlsx").code == 2


def test_the_name_of_the_output_says_its_form(folder: Path, tmp_path: Path) -> None:
    in_process("assess", "--no-mos", folder, "--out", tmp_path / "r.json")
    assert len(json.loads((tmp_path / "r.json").read_text())) == 3
    in_process("assess", "--no-mos", folder, "--out", tmp_path / "r.html", "--language", "zh")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "录音质量报告" in page
    assert page.count('class="report"') == 3
    assert not list(tmp_path.glob("*.part"))


def test_an_interrupted_run_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    """What was judged is not judged again, which its id tells; half a line and what could not be read is."""
    out, missing = tmp_path / "r.jsonl", folder / "d.wav"
    assert in_process("assess", "--no-mos", folder / "a.flac", missing, "--out", out).code == 2
    before = json.loads(out.read_text().splitlines()[0])["id"]
    with out.open("ab") as file:
        file.write(b'{"id":"half a li')
    shutil.copy(folder / "b.wav", missing)
    assert in_process("assess", "--no-mos", folder / "a.flac", missing, "--out", out, "--resume").code in (0, 1)
    results = [json.loads(one) for one in out.read_text().splitlines()]
    assert [Path(one["source"]["name"]).name for one in results] == ["a.flac", "d.wav"]
    assert results[0]["id"] == before


def test_a_page_and_a_spreadsheet_go_on_from_what_was_kept_beside_them(folder: Path, tmp_path: Path) -> None:
    lines = tmp_path / "kept.jsonl"
    in_process("assess", "--no-mos", folder / "b.wav", folder / "a.flac", "--out", lines)
    kept = json.loads(lines.read_text().splitlines()[0])
    kept["id"] = "k" * 32
    part = tmp_path / "r.json.part"
    part.write_text(json.dumps({"result": kept, "flat": None, "peaks": [-20]}) + '\n{"resu')
    in_process("assess", "--no-mos", folder, "--out", tmp_path / "r.json", "--resume")
    results = json.loads((tmp_path / "r.json").read_text())
    assert [Path(one["source"]["name"]).name for one in results] == ["a.flac", "b.wav", "c"]
    assert [one["id"] == "k" * 32 for one in results] == [False, True, False]
    assert not part.exists()


def rewritten(path: Path, sound: Path, *, seconds: int) -> None:
    """``path`` has the sound of another file, last written so many seconds after it was."""
    written_ns = path.stat().st_mtime_ns + seconds * 10**9
    shutil.copyfile(sound, path)
    os.utime(path, ns=(written_ns, written_ns))


@pytest.mark.parametrize("seconds", [-60, 60])
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_a_file_that_changed_since_it_was_judged_is_judged_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, seconds: int
) -> None:
    """Also if what took its place is older, as a copy may be. The others stay, which their ids tell."""
    a, b = (Path(shutil.copy2(folder / name, tmp_path / name)) for name in ("a.flac", "b.wav"))
    out = tmp_path / f"r.{form}"
    kept = out if form == "jsonl" else tmp_path / "r.json.part"
    with monkeypatch.context() as broken:
        broken.setattr(Journal, "finished", interrupted)
        broken.setattr(LineJournal, "finished", interrupted)
        assert in_process("assess", "--no-mos", a, b, "--out", out).code == 130
    judged = [json.loads(line) for line in kept.read_text().splitlines()]
    before = [one.get("result", one)["id"] for one in judged if "asked" not in one]
    rewritten(b, a, seconds=seconds)
    ran = in_process("assess", "--no-mos", a, b, "--out", out, "--resume")
    assert ran.code in (0, 1)
    assert [line.endswith("is judged again.") for line in ran.err.splitlines()] == [True]
    text = out.read_text()
    results = [json.loads(line) for line in text.splitlines()] if form == "jsonl" else json.loads(text)
    assert [Path(one["source"]["name"]).name for one in results] == ["a.flac", "b.wav"]
    assert [one["id"] in before for one in results] == [True, False]
    assert results[1]["overall"] == results[0]["overall"], "of the sound that is there now"
    assert not list(tmp_path.glob("*.seen"))


def interrupted(_journal: Journal) -> None:
    raise KeyboardInterrupt


def test_after_a_run_that_ended_what_is_younger_than_its_results_is_judged_again(folder: Path, tmp_path: Path) -> None:
    a, b = (Path(shutil.copy2(folder / name, tmp_path / name)) for name in ("a.flac", "b.wav"))
    out = tmp_path / "r.jsonl"
    in_process("assess", "--no-mos", a, b, "--out", out)
    first = out.read_bytes()
    in_process("assess", "--no-mos", a, b, "--out", out, "--resume")
    assert out.read_bytes() == first, "nothing changed"
    rewritten(b, a, seconds=86_400 * 3650)
    in_process("assess", "--no-mos", a, b, "--out", out, "--resume")
    lines = out.read_bytes().splitlines()
    assert [line in first.splitlines() for line in lines] == [True, False]


def test_results_of_other_labels_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    in_process("assess", "--no-mos", folder, "--out", out)
    other = in_process("assess", "--no-mos", folder, "--out", out, "--resume", "--labels", "low_background")
    assert other.code == 2
    assert "other labels" in other.err
    other = in_process("assess", "--no-mos", folder, "--out", out, "--resume", "--mode", "visit")
    assert other.code == 2
    assert "other options" in other.err
    assert in_process("assess", folder, "--resume").code == 2


def test_results_of_other_options_are_not_mixed(tmp_path: Path) -> None:
    """A visit is not judged as a recording is."""
    path = tmp_path / "r.csv.part"
    journal = Journal(path)
    journal.open(Asked(mode=Mode.VISIT), {})
    journal.close()
    for other in (Asked(), Asked(mode=Mode.VISIT, channels="patient=left"), Asked(mode=Mode.VISIT, flags={"vad": "x"})):
        with pytest.raises(Failure, match="other options"):
            journal.done("labels", other, {})
    same = Asked(mode=Mode.VISIT, flags={"log_level": "debug"})
    journal.open(same, {}, set())
    journal.close()
    assert journal.done("labels", same, {}) == set()
    assert len(path.read_bytes().splitlines()) == 1


def test_ctrl_c_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    long = tmp_path / "z.wav"
    soundfile.write(long, np.random.default_rng(1).uniform(-0.1, 0.1, 16_000 * 1_200), 16_000)
    out = tmp_path / "r.csv"
    command = [str(TINGQING), "assess", str(folder), str(long), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment())
    part = tmp_path / "r.csv.part"
    while not (part.exists() and part.read_bytes().count(b"\n") >= 3):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130
    assert b"--resume" in said


@pytest.mark.parametrize(("name", "says"), [("r.pdf", "print"), ("r.xls", ".xlsx")])
def test_a_name_that_says_no_format_is_refused_before_anything_is_judged(
    folder: Path, tmp_path: Path, name: str, says: str
) -> None:
    ran = in_process("assess", folder / "a.flac", "--out", tmp_path / name)
    assert ran.code == 2
    assert says in ran.err
    assert not (tmp_path / name).exists()
