"""The type checker and the linter of the web client find planted faults; none of their files names a machine."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repo.markdown import ROOT

JS = ROOT / "tools" / "js"
BIN = JS / "node_modules" / ".bin"
SOURCES = ("web_client", "tests/browser/unit", "tools/js")

needs_checks = pytest.mark.skipif(
    not (BIN / "tsc").exists() or shutil.which("node") is None,
    reason="npm installed nothing into tools/js: make check does",
)
pytestmark = pytest.mark.timeout(180)

TYPE_FAULTS = {
    "protocol/dom.js": ("export const title = () => document.title;", "Cannot find name 'document'"),
    "meter/timer.js": ("export const wait = () => setTimeout(() => {}, 0);", "Cannot find name 'setTimeout'"),
    "language/clock.js": ("export const now = () => performance.now();", "Cannot find name 'performance'"),
    "meter/index.js": (
        "/** @param {number[]} list @returns {number} */\nexport const first = (list) => list[0];",
        "undefined",
    ),
    "language/key.js": (
        "import { doctorText } from './doctor-strings.js';\nexport const gone = () => doctorText('gone', 'en');",
        "not assignable to parameter of type",
    ),
    "protocol/code.js": (
        "/** @type {import('./failures.js').FailureCode} */\nexport const code = 'loose';",
        "Type '\"loose\"' is not assignable",
    ),
}
LINT_FAULTS = {
    "elements/promise.js": ("export const go = () => { fetch('v1/label-sets'); };", "no-floating-promises"),
    "elements/equal.js": (
        "/** @param {string | null} a */\nexport const none = (a) => a == null;",
        "eqeqeq",
    ),
    "protocol/date.js": ("export const now = () => Date.now();", "no-restricted-globals"),
    "elements/unused.js": ("const unused = 1;\nexport const used = 2;", "no-unused-vars"),
    "transport/kinds.js": (
        "/** @param {import('../protocol/effects.js').Effect} effect */\n"
        "export function each(effect) {\n  switch (effect.do) {\n    case 'open':\n      return 1;\n  }\n}",
        "switch-exhaustiveness-check",
    ),
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The client, its unit tests and the configuration of the checks, to plant faults in."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "tools" / "js" / "node_modules").symlink_to(JS / "node_modules")
    return tmp_path


def plant(checkout: Path, faults: dict[str, tuple[str, str]]) -> None:
    for name, (source, _) in faults.items():
        (checkout / "web_client" / name).write_text(f"{source}\n", encoding="utf-8")


def said_by(checkout: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return done.stdout


@needs_checks
def test_the_type_checker_finds_what_is_planted(checkout: Path) -> None:
    plant(checkout, TYPE_FAULTS)
    said = said_by(checkout, str(BIN / "tsc"), "-p", "tools/js/sans-io.json")
    for name, (_, fault) in TYPE_FAULTS.items():
        assert any(line.startswith(f"web_client/{name}(") and fault in line for line in said.splitlines()), (name, said)


@needs_checks
def test_the_linter_finds_what_is_planted(checkout: Path) -> None:
    plant(checkout, LINT_FAULTS)
    command = [str(BIN / "eslint"), "--config", "tools/js/eslint.config.js", "--format", "json"]
    found = json.loads(said_by(checkout, *command, *(f"web_client/{name}" for name in LINT_FAULTS)))
    rules = {path["filePath"]: {message["ruleId"] for message in path["messages"]} for path in found}
    for name, (_, rule) in LINT_FAULTS.items():
        told = rules[str(checkout / "web_client" / name)]
        assert any((found_rule or "").endswith(rule) for found_rule in told), (name, told)


def test_lockfile_names_no_host_to_download_from() -> None:
    locked = json.loads((JS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(locked) > 50
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert not [name for name, package in locked.items() if name and "integrity" not in package]
