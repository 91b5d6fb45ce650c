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

from tests.ports import free_port
from tests.repo.clean_install import wait_until_it_answers

ROOT = Path(__file__).resolve().parents[2]
STAMP = ROOT / ".venv" / ".installed-work"
LOCKED = ("tools/js/package.json", "tools/js/package-lock.json")


def outer_make_forgotten() -> dict[str, str]:
    """The environment without what ``make test`` hands down: its ARGS would reach every make below it."""
    handed_down = {
        "MAKEFLAGS",
        "MFLAGS",
        "MAKELEVEL",
        "MAKEOVERRIDES",
        "ARGS",
        "COVERAGE",
        "WORKERS",
        "HOST",
        "PORT",
        "PYTHON",
    }
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
    targets = set(re.findall(r"^([a-z]+|image-check):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^ +make ([a-z-]+) +\w", make(), re.MULTILINE)) == targets


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What make reads of a fresh clone."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", *LOCKED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def installed(planned: str) -> list[str]:
    """What pip is told to install, a word for each run of it."""
    return re.findall(r"-m pip install .*-c constraints\.txt .*-e '(.*)'$", planned, re.MULTILINE)


@pytest.mark.parametrize("target", ["setup", "test", "coverage", "check", "format", "bench", "docs"])
def test_targets_for_development_first_install_everything(clone: Path, target: str) -> None:
    planned = make("-n", "-C", str(clone), target)
    assert "-m venv .venv\n" in planned
    assert installed(planned) == [".[clap,cpu,formats,postgresql,evaluate,dev]"]


def test_measuring_the_accuracy_also_installs_what_the_pairs_need(clone: Path) -> None:
    planned = make("-n", "-C", str(clone), "accuracy")
    assert installed(planned) == [".[clap,cpu,formats,postgresql,evaluate,dev]", ".[bench]"]


def test_checks_of_the_web_client_install_what_the_lockfile_names(clone: Path) -> None:
    planned = make("-n", "-C", str(clone), "check", "NPM=npm")
    assert planned.index("npm --prefix tools/js ci\n") < planned.index("npm --prefix tools/js run --silent check\n")


def test_without_npm_the_checks_of_the_web_client_are_skipped_in_one_sentence(clone: Path) -> None:
    forgotten = outer_make_forgotten() | {"TINGQING_REQUIRE_SYSTEM": ""}
    command = ["make", "-C", str(clone), "--no-print-directory", "check-js", "NPM="]
    done = subprocess.run(command, env=forgotten, capture_output=True, text=True, check=True)
    assert done.stdout == "npm was not found: the JavaScript checks are skipped.\n"


def test_without_npm_the_checks_of_the_web_client_fail_where_ci_wants_them(clone: Path) -> None:
    required = outer_make_forgotten() | {"TINGQING_REQUIRE_SYSTEM": "1"}
    command = ["make", "-C", str(clone), "check-js", "NPM="]
    done = subprocess.run(command, env=required, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "npm was not found. TINGQING_REQUIRE_SYSTEM=1 requires the JavaScript checks." in done.stderr


@pytest.mark.parametrize("target", ["run", "demo"])
def test_make_run_installs_no_development_tools(clone: Path, target: str) -> None:
    planned = make("-n", "-C", str(clone), target)
    assert "-m venv .venv\n" in planned
    assert installed(planned) == [".[clap,cpu,formats]"]
    assert installed(make("-n", "-C", str(clone), target, "EXTRAS=")) == ["."]


@pytest.mark.parametrize("target", ["run", "setup"])
def test_the_small_models_are_fetched_after_pip_with_its_options(clone: Path, target: str) -> None:
    planned = make("-n", "-C", str(clone), target, "PIP_ARGS=--no-index --find-links wheels")
    fetching = planned.index("tingqing models download small --optional --pip-args '--no-index --find-links wheels'")
    assert planned.index("-m pip install") < fetching < planned.index("touch .venv/.installed")
    assert "--pip-args" not in make("-n", "-C", str(clone), target)


def test_quoted_options_reach_the_small_models_as_typed(environment: Path) -> None:
    asked = asks_for_models(environment)
    run(environment, "run", "PIP_ARGS=--find-links 'my wheels'")
    assert asked.read_text(encoding="utf-8").splitlines()[0].endswith("--pip-args --find-links 'my wheels'")


def test_pip_shows_progress_and_takes_further_options(clone: Path) -> None:
    planned = make("-n", "-C", str(clone), "run", "PIP_ARGS=--extra-index-url https://wheels.example/cpu")
    assert "--quiet" not in planned
    assert "constraints.txt --extra-index-url https://wheels.example/cpu -e" in planned


PIP = """#!/bin/sh
echo "$@" >> "$0.log"
case "$*" in *install*) exit "$(cat "$0.code")";; esac
"""


@pytest.fixture
def environment(clone: Path) -> Path:
    """An environment whose Python records its calls and fails to install as often as requested."""
    program = clone / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(PIP, encoding="utf-8")
    program.chmod(0o755)
    tingqing = program.with_name("tingqing")
    tingqing.write_text("#!/bin/sh\n", encoding="utf-8")
    tingqing.chmod(0o755)
    return clone / ".venv"


def asks_for_models(environment: Path, *, code: int = 0) -> Path:
    """Where the environment's tingqing records what it was asked for; it exits with that code when it downloads."""
    program = environment / "bin" / "tingqing"
    asked = environment / "asked"
    download = f'"models download"*) exit {code};;'
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\ncase "$*" in {download} esac\n', encoding="utf-8")
    return asked


def run(environment: Path, *arguments: str, pip: int = 0) -> list[str]:
    """``make`` with a pip that exits with that code; what pip was told to install."""
    log = environment / "bin" / "python.log"
    log.write_text("", encoding="utf-8")
    environment.joinpath("bin", "python.code").write_text(str(pip), encoding="utf-8")
    command = ["make", "-C", str(environment.parent), *arguments]
    done = subprocess.run(command, env=outer_make_forgotten(), capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (pip == 0), done.stderr
    return [line.split()[-1] for line in log.read_text(encoding="utf-8").splitlines() if " install " in line]


def test_a_second_run_installs_nothing(environment: Path) -> None:
    assert run(environment, "run") == [".[clap,cpu,formats]"]
    assert run(environment, "run") == []


def test_the_small_models_are_asked_for_once_and_not_again_where_they_could_not_be_had(environment: Path) -> None:
    asked = asks_for_models(environment, code=2)
    run(environment, "run")
    run(environment, "run")
    assert asked.read_text(encoding="utf-8").splitlines() == ["models download small --optional", "serve", "serve"]


def test_make_run_after_setup_installs_nothing(environment: Path) -> None:
    assert run(environment, "setup") == [".[clap,cpu,formats,postgresql,evaluate,dev]"]
    assert run(environment, "run") == []
    assert run(environment, "setup") == []


def test_make_setup_after_run_installs_the_development_tools(environment: Path) -> None:
    run(environment, "run")
    assert run(environment, "setup") == [".[clap,cpu,formats,postgresql,evaluate,dev]"]


def test_make_run_after_running_without_clap_installs_clap(environment: Path) -> None:
    assert run(environment, "run", "EXTRAS=") == ["."]
    assert run(environment, "run") == [".[clap,cpu,formats]"]


def test_an_interrupted_installation_is_repeated(environment: Path) -> None:
    assert run(environment, "run", pip=130) == [".[clap,cpu,formats]"]
    assert run(environment, "run") == [".[clap,cpu,formats]"]


def test_a_package_that_was_left_half_installed_is_not_taken_for_installed(environment: Path) -> None:
    packages = environment / "lib" / "python3.11" / "site-packages"
    for name, files in {"half-1.0.dist-info": ("METADATA",), "whole-1.0.dist-info": ("METADATA", "RECORD")}.items():
        (packages / name).mkdir(parents=True)
        for file in files:
            (packages / name / file).touch()
    run(environment, "run")
    assert [path.name for path in packages.iterdir()] == ["whole-1.0.dist-info"]


@pytest.mark.parametrize(("measured", "code", "says"), [(False, 0, "was not measured"), (True, 2, "69 % of 90 %")])
def test_coverage_is_judged_where_it_was_measured(environment: Path, measured: bool, code: int, says: str) -> None:
    run(environment, "setup")
    program = environment / "bin" / "coverage"
    program.write_text("#!/bin/sh\necho '69 % of 90 %'\nexit 2\n", encoding="utf-8")
    program.chmod(0o755)
    if measured:
        (environment.parent / ".coverage").touch()
    command = ["make", "-C", str(environment.parent), "coverage"]
    done = subprocess.run(command, env=outer_make_forgotten(), capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert says in done.stdout


def test_tests_run_side_by_side_and_are_measured_when_asked(clone: Path) -> None:
    plain, measured = (make("-n", "-C", str(clone), "test", *more) for more in ((), ("COVERAGE=1", "WORKERS=3")))
    assert "python -m pytest -n auto --dist loadfile" in plain
    assert "coverage" not in plain
    assert "coverage run -m pytest -n 3 --dist loadfile" in measured


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
