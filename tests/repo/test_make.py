"""``make``, as the README has it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.clean_install import free_port, wait_until_it_answers

ROOT = Path(__file__).resolve().parents[2]
STAMP = ROOT / ".venv" / ".installed"


def outer_make_forgotten() -> dict[str, str]:
    """The environment without what ``make test`` hands down: its ARGS would reach every make below it."""
    handed_down = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "HOST", "PORT", "PYTHON"}
    return {name: value for name, value in os.environ.items() if name not in handed_down}


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=outer_make_forgotten(), capture_output=True, text=True, check=True
    )
    return done.stdout


def installed_here() -> bool:
    """Whether these tests run from the environment that make made, and it is up to date: then make installs nothing."""
    if Path(sys.prefix).resolve() != (ROOT / ".venv").resolve() or not STAMP.exists():
        return False
    return all(STAMP.stat().st_mtime >= (ROOT / name).stat().st_mtime for name in ("pyproject.toml", "constraints.txt"))


needs_environment = pytest.mark.skipif(not installed_here(), reason="not run by `make test`: make would install first")
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make")

pytestmark = needs_make


def test_make_alone_lists_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^ +make ([a-z]+) +\w", make(), re.MULTILINE)) == targets


def test_a_fresh_clone_gets_an_environment_first(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for target in ("setup", "run", "test", "check"):
        planned = make("-n", "-C", str(tmp_path), target)
        assert re.search(r"-m venv \.venv\n.*pip install .*-c constraints\.txt -e '\.\[cpu,dev,evaluate\]'", planned)


def test_host_port_and_further_flags_reach_the_server(tmp_path: Path) -> None:
    planned = make("-n", "-C", str(ROOT), "run", "HOST=::1", "PORT=9000", "ARGS=--vad webrtc")
    assert re.search(r"tingqing serve --host ::1 --port 9000 --vad webrtc$", planned, re.MULTILINE)


def test_benchmarks_named_are_there() -> None:
    named = re.search(r"^BENCHES := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert not [name for name in named[1].split() if not (ROOT / "bench" / f"{name}.py").is_file()]


@needs_environment
def test_a_second_setup_does_nothing() -> None:
    assert "pip" not in make("setup")


@needs_environment
def test_make_run_serves(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as output:
        # A session of its own, so that the signal reaches make and server alike, as Ctrl-C in a terminal does.
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=ROOT,
            env=outer_make_forgotten(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}", process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)
