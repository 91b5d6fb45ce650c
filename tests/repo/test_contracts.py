"""The contracts of imports bite, and the sans-IO core is free of what imports cannot show."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READS_FILES = ROOT / "server" / "transcript" / "files.py"
CORE = sorted(
    path
    for folder in ("stream", "judge", "transcript")
    for path in (ROOT / "server" / folder).rglob("*.py")
    if path != READS_FILES
)

BREACHES = {
    "access/breach.py": "from server.live import clock\nfrom server.assessment import engine\n",
    "judge/breach.py": "import logging\nfrom server.wire import base\n",
    "stream/breach.py": "import time\n",
    "recording/breach.py": "import torch\nfrom server.rendering import wire\n",
    "scoring/breach_of_wire.py": "from server.wire import common\n",
    "live/breach.py": "import cryptography\nimport fastapi\nimport sqlalchemy\n",
    "model/breach.py": "from server.stream import events\n",
    "assessment/breach.py": "from server.scoring import tickets\n",
    "model/clap/breach.py": "from server.model.clap import returned\n",
    "model/clap/returned.py": "from server.model.clap import breach\n",
    "wire/breach.py": "from server.stream import events\n",
}


def lint_imports(folder: Path) -> tuple[int, dict[str, str]]:
    """Exit code, and contract to KEPT or BROKEN, of the contracts in ``folder``."""
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, dict(re.findall(r"^(.+?) (KEPT|BROKEN)", done.stdout, re.MULTILINE))


def test_every_contract_breaks_on_a_breach(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "server", tmp_path / "server", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in BREACHES.items():
        (tmp_path / "server" / name).write_text(text, encoding="utf-8")
    code, verdicts = lint_imports(tmp_path)
    assert code == 1
    assert len(verdicts) == (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("[tool.importlinter.contracts]")
    assert set(verdicts.values()) == {"BROKEN"}, verdicts


@pytest.mark.parametrize(
    ("name", "imported", "broken"),
    [
        (
            "judge/breach.py",
            "server.transcript.conversation",
            "The sans-IO core imports only values and errors",
        ),
        ("transcript/breach.py", "time", "The sans-IO core has no loop, clock, thread, log or file"),
    ],
    ids=["judge-sees-a-transcript", "transcript-has-a-clock"],
)
def test_what_was_said_stays_a_value_to_the_judgement(tmp_path: Path, name: str, imported: str, broken: str) -> None:
    shutil.copytree(ROOT / "server", tmp_path / "server", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "server" / name).write_text(f"import {imported}\n", encoding="utf-8")
    _, verdicts = lint_imports(tmp_path)
    assert verdicts[broken] == "BROKEN"


@pytest.mark.parametrize("path", CORE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sans_io_core_neither_waits_nor_prints_nor_opens(path: Path) -> None:
    banned = {"open", "print", "input", "breakpoint", "__import__"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in banned


def commands_imported(source: str) -> list[str]:
    """Modules of ``server.cli`` that a file imports, wherever in it."""
    modules = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return [module for module in modules if f"{module}.".startswith("server.cli.")]


def test_benchmarks_use_services_and_no_commands() -> None:
    found = {path.name: commands_imported(path.read_text(encoding="utf-8")) for path in (ROOT / "bench").rglob("*.py")}
    assert found
    assert not {name: modules for name, modules in found.items() if modules}


@pytest.mark.parametrize(
    "planted", ["from server.cli.console import fail", "import server.cli.main", "from server import cli"]
)
def test_a_command_that_a_benchmark_imports_is_found(planted: str) -> None:
    assert commands_imported(f"def run():\n    {planted}\n")
