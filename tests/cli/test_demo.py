"""``tingqing demo``: a visit through the real path, without a file, a network or a server that runs already."""

import io
import re
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from rich.console import Console

from server.cli.console import program
from server.cli.demo import _DemoMeter
from server.cli.meter import LiveMeter
from server.client.sample_visit import NOISE_FROM_S, NOISE_TO_S
from server.wire.server import ServerMessage, server_messages
from tests.cli.conftest import Ran, in_process


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "就诊.wav"


@pytest.fixture(scope="module")
def played(saved: Path) -> Ran:
    return in_process("demo", "--language", "zh", "--save", saved)


def times_of(text: str, what: str) -> list[int]:
    """Seconds of the lines that hold ``what``."""
    found = re.findall(rf"^ +(\d+):(\d\d)  .*{what}", text, re.MULTILINE)
    return [60 * int(minutes) + int(seconds) for minutes, seconds in found]


def test_the_prompt_is_raised_while_the_fan_runs_and_cleared_after_it(played: Ran) -> None:
    assert played.code == 0, played.err
    (raised,) = times_of(played.out, "提示: ")
    (cleared,) = times_of(played.out, "提示解除: ")
    assert NOISE_FROM_S < raised <= NOISE_TO_S
    assert cleared > NOISE_TO_S


def test_the_visit_begins_and_ends_clear(played: Ran) -> None:
    clear = times_of(played.out, "清晰")
    assert clear[0] < NOISE_FROM_S
    assert clear[-1] > NOISE_TO_S


def test_the_result_is_shown_with_what_was_wrong_and_nothing_else_is_said(played: Ran) -> None:
    assert "无背景强干扰" in played.out
    assert "不作诊断" in played.out
    assert played.err == ""


def test_a_saved_visit_can_be_judged_as_a_file(played: Ran, saved: Path) -> None:
    assert f"tingqing assess {quote(str(saved))}\n" in played.out
    (result,) = in_process("assess", "--no-mos", "--format", "jsonl", saved).lines()
    assert result["prompts"] == ["move_somewhere_quieter"]
    assert result["labels"]["speech_present"]["score"] == pytest.approx(1.0, abs=0.05)


def test_a_file_that_cannot_be_written_is_told_before_anything_plays(tmp_path: Path) -> None:
    ran = in_process("demo", "--save", tmp_path / "no" / "visit.wav")
    assert ran.code == 2
    assert ran.out == ""
    assert "cannot write" in ran.err


@pytest.mark.parametrize(
    ("called", "on_path", "told"),
    [
        (".venv/bin/tingqing", False, ".venv/bin/tingqing"),
        ("{here}/.venv/bin/tingqing", False, ".venv/bin/tingqing"),
        ("{here}/.venv/bin/tingqing", True, "tingqing"),
        ("/elsewhere/server/__main__.py", False, "tingqing"),
    ],
)
def test_the_suggested_command_works_as_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, on_path: bool, told: str
) -> None:
    program_file = tmp_path / ".venv" / "bin" / "tingqing"
    program_file.parent.mkdir(parents=True)
    program_file.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(program_file.parent) if on_path else "/nowhere")
    monkeypatch.setattr("sys.argv", [called.format(here=tmp_path)])
    assert program() == told


def message(**fields: Any) -> ServerMessage:
    parsed: ServerMessage = server_messages.validate_python(fields)
    return parsed


def test_where_the_meter_is_redrawn_prompts_stay_above_it() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    text = {"zh": "周围有点吵。", "en": "It is a bit noisy."}
    with _DemoMeter(console, "en") as meter:
        assert isinstance(meter._meter, LiveMeter)
        for kind in ("prompt.raised", "prompt.cleared"):
            meter.take("", message(type=kind, id="p1", label="low_background", text=text))
    screen: str = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).replace("\r", "\n")
    assert re.search(r"^ +0:00  Prompt: It is a bit noisy\.$", shown, re.MULTILINE)
    assert re.search(r"^ +0:00  Prompt cleared: It is a bit noisy\.$", shown, re.MULTILINE)
