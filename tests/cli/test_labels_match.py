"""``tingqing labels match`` and ``assess --transcript``, as a program and a person meet them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import in_process

CONTENT = {"chief_complaint_clear", "pain_location", "symptom_duration", "associated_symptoms"}


def match(lines: bytes, *flags: str) -> tuple[int, list[dict[str, Any]], str]:
    ran = in_process("labels", "match", *flags, stdin=lines)
    return ran.code, ran.lines(), ran.err


def jsonl(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_every_line_gives_one_line_with_every_content_label_asked_for() -> None:
    code, answers, _ = match(
        jsonl(
            {"text": "肚子疼三天了"},
            {"text": "没有", "before": "有没有胸痛?", "start_s": 1.0, "end_s": 2.0},
            {"text": "没有", "before": None},
            {"text": "My chest hurts", "speaker": "doctor"},
            {"text": "My chest hurts", "speaker": None, "symptoms": {}},
        ),
        "--format",
        "jsonl",
    )
    assert code == 0
    assert all(answer["labels"].keys() == CONTENT for answer in answers)
    pains = [answer["labels"]["pain_location"]["state"] for answer in answers]
    assert pains == ["stated", "denied", "not_heard", "not_heard", "stated"]


def test_invalid_lines_keep_their_place_and_their_words_are_never_repeated() -> None:
    lines = b'{"text": "cough"}\nsecretword\n\n{"text": 5}\n\xff\n[1]\n{"text": "x", "start_s": -1}\n{"text": ""}'
    code, answers, err = match(lines, "--labels", "symptom_duration")
    assert code == 2
    assert ["error" in answer for answer in answers] == [False, True, True, True, True, True, True, False]
    assert [answer["error"]["line"] for answer in answers[1:7]] == [2, 3, 4, 5, 6, 7]
    assert {answer["error"]["code"] for answer in answers[1:7]} == {"invalid_transcript"}
    assert "secretword" not in err + json.dumps(answers)


def test_every_input_line_valid_or_not_gives_one_output_line() -> None:
    good = [
        b'\xef\xbb\xbf{"text": "my chest hurts"}',
        b'{"text": "\\ud800 my chest hurts"}',
        b'{"text": "a\\u0000b my chest hurts"}',
        b'{"text": "' + b"my chest hurts " * 70_000 + b'"}',
        '{"text": "头疼\u2028三天"}\r'.encode(),
        b'{"text": "my chest hurts", "before": null, "symptoms": {}}',
    ]
    bad = [
        *(
            b"",
            b"   ",
            b"not JSON",
            b"{}",
            b"null",
            b"NaN",
            b'"text"',
            b"[" * 100_000,
            b"1" * 5_000,
            b'{"text": "\xff"}',
        ),
        *(b'{"text": null}', b'{"text": ["a"]}', b'{"text": "a\x00b"}', b'{"text": "a", "before": 5}'),
        *(b'{"text": "a", "speaker": 3}', b'{"text": "a", "start_s": "x"}', b'{"text": "a", "start_s": NaN}'),
    ]
    code, answers, _ = match(b"\n".join([*good, *bad, good[-1]]), "--labels", "pain_location")
    assert code == 2
    states = [answer["labels"]["pain_location"]["state"] if "labels" in answer else "error" for answer in answers]
    assert states == ["stated"] * len(good) + ["error"] * len(bad) + ["stated"]
    assert [answer["error"]["line"] for answer in answers if "error" in answer] == [
        *range(len(good) + 1, len(good) + len(bad) + 1)
    ]


def test_only_content_labels_are_answered_and_without_any_there_is_an_error() -> None:
    code, answers, _ = match(jsonl({"text": "头疼"}), "--labels", "low_background,pain_location")
    assert code == 0
    assert list(answers[0]["labels"]) == ["pain_location"]
    code, answers, err = match(jsonl({"text": "头疼"}), "--labels", "low_background")
    assert (code, answers) == (2, [])
    assert "None of these is a content label" in err


def test_empty_input_gives_empty_output() -> None:
    assert match(b"")[:2] == (0, [])


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "visit.jsonl"
    lines = [
        {"text": "哪里不舒服?", "start_s": 0.2, "end_s": 1.0, "speaker": "doctor"},
        {"text": "头疼,没有恶心", "start_s": 1.5, "end_s": 3.0, "speaker": "patient"},
    ]
    path.write_bytes(jsonl(*lines))
    return path


def test_results_hold_states_and_times_but_no_words_of_the_transcript(mixes: Path, transcript: Path) -> None:
    recording = mixes / "000_clean_en.flac"
    plain = json.loads(in_process("assess", "--format", "json", "--no-mos", recording).out)
    told = json.loads(in_process("assess", "--format", "json", "--no-mos", recording, "--transcript", transcript).out)
    pain = told["labels"]["pain_location"]
    assert (pain["state"], pain["heard_at_s"], pain["why"]) == ("stated", 1.5, None)
    assert pain["score"] == pain["evidence"]["transcript"] == 0.95
    unheard = told["labels"]["symptom_duration"]
    assert (unheard["state"], unheard["score"], unheard["why"]) == ("not_heard", None, "no_evidence")
    assert told["not_heard"] == ["chief_complaint_clear", "symptom_duration"]
    assert not CONTENT & set(told["not_assessed"])
    assert "transcript" in told["model"]["scorers"]
    assert set(plain["not_assessed"]) >= CONTENT
    assert plain["labels"]["pain_location"]["state"] is None
    for key in ("score", "grade", "verdict", "passed"):
        assert told["overall"][key] == plain["overall"][key]
    assert "恶心" not in json.dumps(told, ensure_ascii=False)


def test_a_faulty_transcript_is_told_with_file_and_line(mixes: Path, transcript: Path) -> None:
    transcript.write_bytes(transcript.read_bytes() + b"{\n")
    ran = in_process("assess", mixes / "000_clean_en.flac", "--transcript", transcript)
    assert ran.code == 2
    assert f"{transcript}:3: not JSON" in ran.err


def test_a_transcript_belongs_to_one_recording(mixes: Path, transcript: Path) -> None:
    ran = in_process("assess", mixes / "000_clean_en.flac", mixes / "000_clean_en.flac", "--transcript", transcript)
    assert ran.code == 2
    assert "one recording" in ran.err


def test_lines_after_the_end_of_the_recording_are_reported(mixes: Path, tmp_path: Path) -> None:
    """Times in milliseconds are the usual reason."""
    path = tmp_path / "ms.jsonl"
    lines = [{"text": "我胸口疼", "start_s": 1}, {"text": "三天了", "start_s": 4000}, {"text": "嗯", "start_s": 9000}]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    recording = mixes / "000_clean_en.flac"
    told = json.loads(in_process("assess", "--format", "json", "--no-mos", recording, "--transcript", path).out)
    (notice,) = told["notices"]
    assert notice["code"] == "late_transcript"
    assert notice["zh"].startswith("转写里有 2 行的时间在录音结束（12.0 秒）之后")
    assert notice["en"].startswith("left out: 2 lines of the transcript that begin after the recording's end (12.0 s)")
    assert "疼" not in json.dumps(told, ensure_ascii=False).replace("疼痛", "")
