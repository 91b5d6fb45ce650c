"""With ``--language zh``, or in a Chinese terminal, nothing is said in English; with ``en``, nothing in Chinese."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.cli.batch_sending import left
from server.cli.journal import Journal
from server.client import batch_client
from server.errors import ScoringError, UndecodableFileError, UnsupportedRateError
from server.recording.refusals import zh_of
from tests.cli.chinese import is_chinese
from tests.cli.conftest import in_process


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    for name in ("a.wav", "b.wav"):
        soundfile.write(folder / name, 0.05 * np.random.default_rng(1).standard_normal(16_000), 16_000)
    soundfile.write(folder / "two.wav", 0.05 * np.random.default_rng(1).standard_normal((16_000, 2)), 16_000)
    (folder / "none").mkdir()
    (folder / "a.txt").write_text("notes")
    (folder / "bad.jsonl").write_text('["no result"]\n')
    return folder


FAILING = {
    ("assess", "a.wav", "--format", "xlsx"): "电子表格",
    ("assess", "a.wav", "--resume"): "--resume 需要",
    ("assess", "a.wav", "b.wav", "--transcript", "a.txt"): "只属于一段录音",
    ("assess", "a.wav", "--out", "r.pdf"): "打印成 PDF",
    ("assess", "a.wav", "--out", "r.doc"): "可用的后缀",
    ("assess", "a.wav", "--out", "none/x/r.json"): "无法写入",
    ("assess", "none"): "没有录音",
    ("assess", "*.none"): "匹配",
    ("assess", "missing.wav"): "没有这个文件",
    ("assess", "a.wav", "--channels", "left"): "请写 patient=right",
    ("assess", "a.wav", "--channels", "doctor=left"): "没有说明患者",
    ("assess", "a.wav", "--channels", "patient=3"): "没有第 3 个",
    ("assess", "a.wav", "--raw", "x"): "格式为",
    ("assess", "a.wav", "--far-end", "missing.wav"): "没有这个文件",
    ("assess", "a.wav", "--far-end", "a.txt"): "无法解码",
    ("assess", "a.wav", "--labels", ","): "没有给出标签",
    ("assess", "a.wav", "--labels", "clear speech" + "|loud noise" * 40): "上限",
    ("assess", "a.wav", "--labels", "=|"): "English text",
    ("batch", "send", "a.wav", "--resume"): "--resume 需要",
    ("batch", "send", "a.wav", "--format", "xlsx"): "电子表格",
    ("batch", "send", "a.wav", "--no-wait", "--out", "r.csv"): "不取回结果",
    ("batch", "send", "missing.wav"): "没有这个文件",
    ("batch", "send", "none"): "没有录音",
    ("batch", "send", "a.wav", "--server", "ftp://x"): "不是服务器地址",
    ("batch", "send", "a.wav", "--server", "http://127.0.0.1:9"): "没有应答",
    ("batch", "wait", "0", "--server", "http://127.0.0.1:9"): "服务器在运行吗",
    ("report", "missing.json"): "无法读取",
    ("report", "a.txt"): "不是 JSON",
    ("report", "bad.jsonl"): "不是评估结果",
}


@pytest.mark.parametrize("arguments", FAILING, ids=" ".join)
def test_what_cannot_be_is_told_in_chinese_with_what_to_do(
    given: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(given)
    monkeypatch.setattr(batch_client, "PATIENCE_S", -1.0)
    monkeypatch.setattr(batch_client, "BRIEF_S", -1.0)
    ran = in_process(*arguments, "--language", "zh")
    assert ran.code == 2
    assert FAILING[arguments] in ran.err
    if arguments[0] != "report":  # what of a result is wrong, pydantic says
        assert is_chinese(ran.err), ran.err


def test_a_chinese_terminal_is_told_in_chinese_and_an_english_one_in_english(given: Path) -> None:
    arguments = ("assess", given / "none")
    assert is_chinese(in_process(*arguments, LANG="zh_CN.UTF-8").err)
    english = in_process(*arguments, LANG="en_GB.UTF-8").err
    assert "there is no recording in" in english
    assert english.isascii()
    assert in_process(*arguments, "--language", "en", LANG="zh_CN.UTF-8").err == english


def test_a_bug_is_told_in_chinese(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("server.cli.outputs.format_of", broken)
    ran = in_process("assess", given / "a.wav", "--language", "zh")
    assert (ran.code, "意外错误 KeyError" in ran.err, "--log-level debug" in ran.err) == (2, True, True)


def test_a_folder_says_in_chinese_what_it_leaves_out_and_which_file_is_judged_again(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.wav", "b.wav", "a.txt"):
        (folder / name).write_bytes((given / name).read_bytes())
    command = ("assess", "--no-mos", folder, "--out", tmp_path / "r.csv", "--language", "zh")

    def interrupted(_journal: Journal, _names: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "find", interrupted)
        ran = in_process(*command)
    assert ran.code == 130
    assert "1 个文件不是录音，没有处理：" in ran.err
    assert "加上 --resume 再运行同一条命令" in ran.err
    soundfile.write(folder / "b.wav", np.zeros(8_000), 16_000)
    again = in_process(*command, "--resume", "--labels", "pace")
    assert (again.code, "别的标签" in again.err) == (2, True)
    resumed = in_process(*command, "--resume")
    assert "b.wav 在评估之后改过，将重新评估。" in resumed.err
    assert is_chinese(ran.err + again.err + resumed.err)


def test_a_file_that_the_scorers_failed_on_is_told_in_chinese() -> None:
    assert "评分" in zh_of(ScoringError("The scorer failed."))
    assert "采样率" in zh_of(UnsupportedRateError("A sample rate of 1 Hz."))
    assert zh_of(UndecodableFileError("x", zh="自己的说明")) == "自己的说明"


def test_time_left_is_told_in_chinese_too() -> None:
    assert [left(one, "zh-CN") for one in (None, 42.4, 600.0)] == ["", "约剩 42 秒", "约剩 10 分钟"]
