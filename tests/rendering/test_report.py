"""The report of one recording: what was said, as a doctor reads it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner

from server.cli.main import app
from server.rendering.report import print_report
from server.wire.result import ResultModel, WindowModel
from tests.browser import messages
from tests.triage import EVENT, STATED, triage_folder

LINES = [
    {"speaker": "patient", "text": "腿不肿", "start_s": 1.5},
    {"speaker": "doctor", "text": "晚上憋醒过吗", "start_s": 2.0},
    {"speaker": "patient", "text": "昨天半夜憋醒了一次,要坐起来", "start_s": 3.5},
    {"speaker": "patient", "text": "我胸口疼", "start_s": 4.5},
]
runner = CliRunner()


@pytest.fixture
def report(tmp_path: Path) -> list[str]:
    return assess(tmp_path, "zh")


def five_seconds(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    soundfile.write(path, 0.05 * np.random.default_rng(0).standard_normal(80_000), 16_000)
    return path


def assess(tmp_path: Path, language: str, *more: str) -> list[str]:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text("\n".join(json.dumps(line) for line in LINES), encoding="utf-8")
    audio = five_seconds(tmp_path)
    asked = ["--labels", "cardiology", "--language", language, "--transcript", str(transcript), *more]
    done = runner.invoke(app, ["assess", str(audio), *asked], env={"COLUMNS": "120"})
    return done.stdout.splitlines()


def said(report: list[str], title: str) -> list[str]:
    start = report.index(title)
    return [line.strip() for line in report[start + 1 :] if line.startswith("  ")]


def test_what_stands_out_comes_first_and_what_is_to_be_asked_last(report: list[str]) -> None:
    lines = said(report, "说了什么：")
    assert len(lines) == 10
    assert lines[0].split() == ["●", "夜间阵发性呼吸困难", "说到了", "0:03", "请留意"]
    assert lines[1].split() == ["●", "胸痛部位明确", "说到了", "0:04"]
    assert lines[2].split() == ["○", "下肢水肿已说明", "否认", "0:01"]
    assert all(line.split()[2:] == ["没有听到", "请补问"] for line in lines[3:])


def test_states_and_times_are_told_in_english_too(tmp_path: Path) -> None:
    lines = said(assess(tmp_path, "en"), "What was said:")
    assert lines[0].split("  ")[0] == "● Paroxysmal nocturnal dyspnoea"
    assert lines[0].endswith("stated     0:03  please note")
    assert lines[2].split()[-2:] == ["denied", "0:01"]


def test_rules_that_matched_are_told_with_their_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGQING_LABELS_DIR", str(triage_folder(tmp_path)))
    transcript = tmp_path / "t.jsonl"
    transcript.write_text(json.dumps({"text": STATED, "start_s": 1.0}), encoding="utf-8")
    asked = ["--labels", "triage", "--language", "zh", "--transcript", str(transcript)]
    done = runner.invoke(app, ["assess", str(five_seconds(tmp_path)), *asked], env={"COLUMNS": "200"})
    [line] = [line for line in done.stdout.splitlines() if line.startswith("规则：")]
    assert f"患者说左胸痛（{EVENT}）" in line


def test_a_content_label_stands_in_one_place_only(report: list[str]) -> None:
    assert sum("胸痛部位明确" in line for line in report) == 1


def test_without_a_transcript_nothing_is_claimed_of_what_was_said(tmp_path: Path) -> None:
    audio = five_seconds(tmp_path)
    done = runner.invoke(app, ["assess", str(audio), "--labels", "cardiology", "--language", "zh"])
    assert "说了什么" not in done.stdout
    assert "需要语音转写" in done.stdout


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ["Around the patient: Television", "own sounds (they do not affect any score): 0:12-0:13 Coughing"]),
        ("zh", ["周围的声音：电视声", "患者自己的声音（不影响评分）：0:12-0:13 咳嗽"]),
    ],
)
def test_what_disturbed_and_the_patients_own_sounds_are_told_where_there_are_any(
    language: str, lines: list[str]
) -> None:
    def printed(**fields: object) -> str:
        console = Console(file=io.StringIO(), width=120, record=True)
        print_report(console, ResultModel.model_validate(messages.result() | fields), language)
        return console.export_text()

    told = printed(interference=[messages.TELEVISION], events=[messages.cough(12, 13)])
    assert all(line in told for line in lines)
    assert not any(line.split(":")[0] in printed() for line in lines)


@pytest.mark.parametrize(
    ("language", "line"),
    [
        (
            "en",
            "Voices: patient (40 s, -25 dBFS, SNR 30 dB, 4.0 syllables/s); "
            "another person (14 s, -41 dBFS, 4.0 syllables/s, faint) 0:50-1:04",
        ),
        (
            "zh",
            "听到的人声：患者（40 s，-25 dBFS，SNR 30 dB，4.0 音节/秒）；"
            "旁人（14 s，-41 dBFS，4.0 音节/秒，声音太小） 0:50-1:04",
        ),
    ],
)
def test_another_person_is_told_with_times_and_a_patient_alone_is_not(language: str, line: str) -> None:
    def printed(*voices: dict[str, object]) -> str:
        console = Console(file=io.StringIO(), width=160, record=True)
        print_report(console, ResultModel.model_validate(messages.result() | {"voices": voices}), language)
        return console.export_text()

    patient, other = messages.voice("v1", "patient", 40.0), messages.voice("v2", "other", 14.0, (50, 64), faint=True)
    assert line in printed(patient, other)
    assert line.split(":", maxsplit=1)[0] not in printed(patient)


def test_the_headline_counts_the_same_seconds_as_the_advice() -> None:
    """Both end with the last window; the rest of a second after it is not judged."""
    result = ResultModel.model_validate(messages.result())
    window = WindowModel(
        start_s=94, end_s=104, start_sample=0, end_sample=0, partial=False, speech_ratio=1, labels={},
        measures=result.measures,
    )  # fmt: skip
    source = result.source.model_copy(update={"duration_s": 104.6})
    long = result.model_copy(update={"source": source, "windows": [window]})
    console = Console(file=io.StringIO(), width=120, record=True)
    print_report(console, long, "en")
    assert "of 104 s, 4 s cannot be used" in console.export_text()
