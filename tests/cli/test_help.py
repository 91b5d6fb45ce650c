"""Help, versions and documents: what answers without work."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from server.cli.main import app
from tests.cli.conftest import in_process

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "serve",
    "demo",
    "stream",
    "assess",
    "doctor",
    "evaluate",
    "backup",
    "restore",
    "keys",
    "webhooks",
    "cert",
    "labels",
    "models",
    "records",
    "store",
    "batch",
    "report",
    "bench",
    "schema",
    "version",
)
DOCUMENT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def section(command: str) -> str:
    found = re.search(rf"^## tingqing {command}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for {command}"
    return found[1]


def flags(command: str, *, below: bool = False) -> set[str]:
    """The command's own; with ``below``, those of its subcommands too."""
    group = typer.main.get_command(app)
    one_command = group.commands[command]  # type: ignore[attr-defined]  # a group, as it has commands
    parameters = [*one_command.params]
    if below:
        parameters += [one for sub in getattr(one_command, "commands", {}).values() for one in sub.params]
    return {flag for one in parameters for flag in (*one.opts, *one.secondary_opts) if flag.startswith("-")}


def test_the_commands_are_the_documented_ones() -> None:
    assert set(typer.main.get_command(app).commands) == set(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_is_documented_and_no_other(command: str) -> None:
    described = set(re.findall(r"`(--?[a-z][a-z-]*)`", section(command)))
    assert described == flags(command, below=True) - {"--help", "-h"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command: str) -> None:
    ran = in_process(command, "--help", COLUMNS="100")
    assert ran.code == 0
    assert "Examples" in ran.out
    assert f"tingqing {command}" in ran.out
    for flag in flags(command):
        assert flag in ran.out


def test_help_names_the_variable_of_every_flag_of_serve() -> None:
    from server.settings import Settings

    text = in_process("serve", "--help", COLUMNS="140").out
    for flag in flags("serve") - {"--help", "-h", "--open", "--no-mos", "--no-denoiser", "--no-voices"}:
        name = flag.removeprefix("--").replace("-", "_")
        assert name in Settings.model_fields
        assert f"TINGQING_{name.upper()}" in text


def test_defaults_in_the_help_of_serve_are_those_of_the_settings() -> None:
    from server.settings import Settings

    text = re.sub(r"\s+", " ", in_process("serve", "--help", COLUMNS="140").out.replace("│", " "))
    for name in ("host", "port", "vad", "max_sessions", "drain_s", "log_level"):
        default = Settings.model_fields[name].default
        written = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"Default: {written}. (TINGQING_{name.upper()})" in text, name


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nimport server.cli.main\n"
        "print([m for m in ('numpy', 'torch', 'transformers', 'fastapi', 'uvicorn', 'onnxruntime', 'soundfile',"
        " 'websockets', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_is_told_both_ways() -> None:
    short, long, as_json = in_process("--version"), in_process("version"), in_process("version", "--json")
    number = short.out.split()[1]
    assert long.out.splitlines()[0].split() == ["tingqing", number]
    (figures,) = as_json.lines()
    assert figures["tingqing"] == number
    assert figures["protocol"] == "tingqing.v1"


def test_no_command_shows_the_help() -> None:
    ran = in_process()
    assert "assess" in ran.out + ran.err


def test_unknown_flag_is_a_usage_error() -> None:
    ran = in_process("assess", "--labls", "x", "a.wav")
    assert ran.code == 2
    assert "--labels" in ran.err


@pytest.mark.parametrize("document", ["messages", "client", "server", "result", "asyncapi"])
def test_schema_prints_what_output_writes(document: str, tmp_path: Path) -> None:
    printed = in_process("schema", document)
    written = tmp_path / "schema.json"
    assert in_process("schema", document, "--output", written).code == 0
    assert printed.code == 0
    assert printed.out == written.read_text(encoding="utf-8")
    assert isinstance(json.loads(printed.out), dict)


def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    ran = in_process("schema", "--output", tmp_path / "missing" / "x.json")
    assert ran.code == 2
    assert "cannot write" in ran.err
    assert "Traceback" not in ran.err
