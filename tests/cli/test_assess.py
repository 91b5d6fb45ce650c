"""``tingqing assess`` as a script and a person meet it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from jsonschema import Draft202012Validator

from tests.cli.conftest import TINGQING, Ran, environment, in_process, tingqing
from tests.visits.material import over_the_telephone, spoken, wav


@pytest.fixture(scope="module")
def clean(mixes: Path) -> Path:
    return mixes / "000_clean_en.flac"


@pytest.fixture(scope="module")
def short(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of it: two windows, where only the form of the answer matters."""
    path = tmp_path_factory.mktemp("short") / "short.flac"
    samples, rate = soundfile.read(clean, dtype="int16")
    soundfile.write(path, samples[: 4 * rate], rate)
    return path


@pytest.fixture(scope="module")
def noisy(mixes: Path) -> Path:
    return mixes / "016_noise_babble_snr-3_en.flac"


@pytest.fixture(scope="module")
def assessed(five_files: list[Path]) -> Ran:
    return in_process("assess", "--format", "jsonl", *five_files)


def quickly(*arguments: str | Path, **changes: str) -> Ran:
    """``assess`` without DNSMOS, which takes most of the time: where the claim is on the form of the answer."""
    return in_process("assess", "--no-mos", *arguments, stdin=None, **changes)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(in_process("schema", "result").out)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_jsonl_gives_one_schema_valid_result_per_file_in_their_order(
    assessed: Ran, five_files: list[Path], validator: Draft202012Validator
) -> None:
    results = assessed.lines()
    assert [result["source"]["name"] for result in results] == [str(path) for path in five_files]
    for result in results:
        validator.validate(result)
        assert result["windows"]


def test_channels_name_the_patient_and_a_far_end_file_leaves_the_doctor_out(short: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(short, dtype="float32")
    call, doctor = tmp_path / "call.wav", tmp_path / "doctor.wav"
    soundfile.write(call, np.stack((samples, np.roll(samples, rate // 2)), axis=1), rate)
    soundfile.write(doctor, samples, rate)
    (alone,) = in_process("assess", "--format", "jsonl", "--no-mos", short).lines()
    assert alone["source"]["speech_s"] > 2
    for flags in (["--channels", "patient=1,doctor=2"], ["--far-end", doctor]):
        file = call if "--channels" in flags else short
        (result,) = in_process("assess", "--format", "jsonl", "--no-mos", file, *flags).lines()
        assert result["source"]["speech_s"] < 0.5
    faulty = in_process("assess", short, "--channels", "right")
    assert (faulty.code, faulty.out) == (2, "")
    assert "--channels" in faulty.err
    (broken := tmp_path / "broken.wav").write_bytes(b"no audio")
    for far, why in ((broken, "not a recording"), (tmp_path / "none.wav", "no such file")):
        refused = in_process("assess", short, "--far-end", far)
        assert (refused.code, refused.out) == (2, "")
        assert far.name in refused.err
        assert why in refused.err
    several = in_process("assess", short, short, "--far-end", doctor)
    assert several.code == 2
    assert "--far-end" in several.err


def test_exit_code_says_whether_every_recording_passed(assessed: Ran, short: Path) -> None:
    assert assessed.code == (0 if all(result["overall"]["passed"] for result in assessed.lines()) else 1)
    assert tingqing("assess", short).code == 0


def test_noise_does_not_pass(noisy: Path) -> None:
    ran = in_process("assess", "--format", "json", noisy)
    assert ran.code == 1
    result = json.loads(ran.out)
    assert result["overall"]["passed"] is False
    assert "move_somewhere_quieter" in result["prompts"]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(short: Path, tmp_path: Path) -> None:
    broken = tmp_path / "病人 1.wav"
    broken.write_bytes(b"RIFF, or so it says")
    missing = tmp_path / "missing.wav"
    ran = quickly("--format", "jsonl", broken, missing, tmp_path, short)
    assert ran.code == 2
    first, second, third, last = ran.lines()
    assert first["source"] == {"kind": "file", "name": str(broken)}
    assert [line["error"]["code"] for line in (first, second, third)] == [
        "undecodable_file",
        "file_not_found",
        "undecodable_file",
    ]
    assert last["source"]["name"] == str(short)
    assert str(missing) in ran.err
    assert "Traceback" not in ran.err


def test_json_is_an_object_for_one_file_and_an_array_for_several(short: Path, noisy: Path) -> None:
    assert isinstance(json.loads(quickly("--format", "json", short).out), dict)
    several = json.loads(quickly("--format", "json", short, noisy).out)
    assert [one["source"]["name"] for one in several] == [str(short), str(noisy)]


@pytest.mark.parametrize(
    ("language", "title", "advice"),
    [("zh", "无背景强干扰", "综合建议"), ("en", "No strong background noise", "Overall advice")],
)
def test_flat_is_titles_scores_and_one_sentence(clean: Path, language: str, title: str, advice: str) -> None:
    flat: dict[str, Any] = json.loads(quickly("--format", "flat", "--language", language, clean).out)
    assert 0.7 <= flat[title] <= 1.0
    assert list(flat)[-1] == advice
    assert isinstance(flat[advice], str)


def test_flat_keeps_the_text_of_an_ad_hoc_label(short: Path) -> None:
    ran = quickly("--format", "flat", "--language", "en", "--labels", "low_background,birdsong nearby", short)
    flat = json.loads(ran.out)
    assert list(flat) == ["No strong background noise", "birdsong nearby", "Overall advice"]
    assert flat["birdsong nearby"] is None


def test_labels_are_found_by_id_and_by_title_in_either_language(short: Path) -> None:
    ran = quickly("--format", "json", "--labels", "low_background,语速适中,No clipping", short)
    assert list(json.loads(ran.out)["labels"]) == ["low_background", "moderate_pace", "no_clipping"]


def test_labels_that_cannot_be_resolved_are_told_before_any_work(short: Path) -> None:
    ran = quickly("--format", "jsonl", "--labels", ",,,", short)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("tingqing: ")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("language", "word"), [("en", "Clear"), ("zh", "清晰")])
def test_text_is_a_report_in_the_readers_language(short: Path, language: str, word: str) -> None:
    text = quickly("--language", language, short).out
    assert word in text
    assert ("not a diagnosis" if language == "en" else "不作诊断") in text
    assert ("Comfortable pace" if language == "en" else "语速适中") in text


def test_language_follows_the_locale(short: Path) -> None:
    assert "清晰" in quickly(short, LANG="zh_CN.UTF-8").out
    assert "Clear" in quickly(short, LANG="en_GB.UTF-8").out


def test_text_of_several_files_is_a_row_each(short: Path, noisy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(noisy, short.parent)
    monkeypatch.chdir(short.parent)
    monkeypatch.setenv("COLUMNS", "200")  # names are cut to the width of the table, and test workers set a narrow one
    text = quickly("--language", "en", short.name, noisy.name).out
    assert short.name in text
    assert noisy.name in text
    assert "1/2 passed" in text


def test_assess_works_on_a_terminal_without_unicode(short: Path) -> None:
    ran = tingqing(
        "assess", "--no-mos", "--language", "zh", short, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C"
    )
    assert ran.code == 0
    assert "(v)" in ran.out
    assert "#" in ran.out


def test_json_is_utf_8_whatever_the_terminal_speaks(short: Path) -> None:
    ran = tingqing("assess", "--no-mos", "--format", "json", short, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert json.loads(ran.out)["labels"]["low_background"]["title"]["zh"] == "无背景强干扰"


def test_output_file_holds_the_same_text_as_standard_output(short: Path, tmp_path: Path) -> None:
    path = tmp_path / "result.jsonl"
    ran = quickly("--format", "jsonl", "--output", path, short)
    assert (ran.code, ran.out) == (0, "")
    assert json.loads(path.read_text(encoding="utf-8"))["source"]["name"] == str(short)


def test_output_that_cannot_be_written_is_told_before_any_work(short: Path, tmp_path: Path) -> None:
    ran = quickly("--output", tmp_path / "no" / "x", short)
    assert ran.code == 2
    assert "cannot write" in ran.err


def test_a_closed_pipe_ends_the_report_quietly(short: Path) -> None:
    with subprocess.Popen(
        [TINGQING, "assess", "--no-mos", str(short)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"roken" not in process.stderr.read()
        assert process.wait(60) == 141


def test_a_reader_that_goes_away_ends_it_quietly(short: Path) -> None:
    process = subprocess.Popen(
        [TINGQING, "assess", "--no-mos", "--format", "jsonl", *[str(short)] * 4],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert said == b""


def test_a_recording_that_is_too_short_is_unusable_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(4_000, np.int16), 16_000)
    ran = quickly("--format", "json", path)
    assert ran.code == 1
    result = json.loads(ran.out)
    assert result["overall"]["verdict"] == "unusable"
    assert {label["why"] for label in result["labels"].values()} == {"too_short"}


def test_reference_is_repeated(short: Path) -> None:
    assert json.loads(quickly("--format", "json", "--reference", "visit 7", short).out)["reference"] == "visit 7"


def test_sound_without_a_header_is_judged_as_its_owner_says(short: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(short, dtype="int16")
    (path := tmp_path / "call.wav").write_bytes(samples.tobytes())
    assert quickly(path).code == 2
    result = json.loads(quickly("--format", "json", "--raw", f"s16le:{rate}", path).out)
    assert result["source"]["duration_s"] == 4.0
    faulty = quickly("--raw", "mp3:1:1", path)
    assert (faulty.code, faulty.out) == (2, "")
    assert "--raw: write ENCODING:RATE:CHANNELS" in faulty.err


def test_what_cannot_be_read_is_told_in_the_readers_language(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"%PDF-1.7" + bytes(500))
    assert "PDF 文档，不是录音" in quickly("--language", "zh", tmp_path / "a.wav").err
    assert "a PDF document, not a recording" in quickly("--language", "en", tmp_path / "a.wav").err


def test_mode_is_repeated(short: Path) -> None:
    assert json.loads(in_process("assess", "--format", "json", short).out)["mode"] == "recording"
    assert json.loads(in_process("assess", "--format", "json", "--mode", "visit", short).out)["mode"] == "visit"


def test_a_recorded_call_is_judged_as_one_if_it_is_said_to_be(mixes: Path, tmp_path: Path) -> None:
    call = tmp_path / "call.wav"
    call.write_bytes(wav(over_the_telephone(spoken(mixes, seconds=5)), 8_000))
    labels = ("--labels", "full_bandwidth", "--format", "json")
    assert not json.loads(quickly(*labels, call).out)["labels"]["full_bandwidth"]["passed"]
    assert json.loads(quickly(*labels, "--source", "telephone", call).out)["labels"]["full_bandwidth"]["passed"]
    assert quickly("--source", "microphone", call).code == 2


def test_brackets_in_a_file_name_are_not_markup(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(short, tmp_path / "[red]a.flac")
    monkeypatch.chdir(tmp_path)  # a long path would be broken over lines
    assert "[red]a.flac" in quickly("--language", "en", "[red]a.flac").out


def test_a_file_name_that_is_not_utf_8_is_shown_and_assessed(short: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"visit-\xff.flac")
    shutil.copy(short, path)
    (result,) = quickly("--format", "jsonl", path).lines()
    assert result["source"]["name"].endswith("visit-\ufffd.flac")
    assert quickly(path).code == 0


def test_assess_loads_neither_torch_nor_a_web_framework(short: Path) -> None:
    code = (
        "import sys\nfrom server.cli.main import app\n"
        f"try:\n    app(['assess', '--format', 'jsonl', {str(short)!r}])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'transformers', 'fastapi', 'uvicorn') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert done.stderr.strip() == "[]"


def test_a_wrong_setting_is_told_by_its_name(short: Path) -> None:
    ran = quickly(short, TINGQING_VAD="loud")
    assert ran.code == 2
    assert "TINGQING_VAD" in ran.err
