"""Fixtures that every test may use. Real audio is found by TINGQING_SHARED (default ../shared)."""

import json
import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from server.store.database import Where
    from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
NO_AUDIO = "no real audio"
NO_WEIGHTS = "no weights"
"""Of others, which an index may not have: never an error."""
# Files that take longest: they begin first, in this order, so that no worker waits for another at the end. One that
# mostly waits is followed by one that computes.
LONGEST = (
    "tests/reliability/test_batches.py",
    "tests/model/clap/test_learning.py",
    "tests/reliability/test_webhooks.py",
    "tests/workers/test_workers.py",
    "tests/browser/test_visit.py",
    "tests/reliability/test_cuts.py",
    "tests/browser/test_live.py",
    "tests/cli/test_assess.py",
    "tests/browser/test_portal.py",
    "tests/reliability/test_hurry.py",
    "tests/browser/test_patient.py",
    "tests/repo/test_wheel.py",
    "tests/browser/test_staff_pages.py",
    "tests/repo/test_make.py",
    "tests/browser/test_keyed.py",
    "tests/fuzz/",
    "tests/reliability/",
    "tests/cli/test_serve.py",
    "tests/browser/",
)

# Workers share the cores: a thread of OpenBLAS for each core in each of them would only wait in a loop for its turn.
# It is read when NumPy is imported, which the modules of the tests do later.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Hundreds of processes of the tests would each compile the server's modules anew where the environment says so.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What runs in the background of a shell, or under nohup, ignores these, and so would every process that it begins: a
# server that a test interrupts would run on. A handler is not inherited, and this process goes on as before.
for _signal in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, lambda *_: None)

# Servers and commands of the tests judge alike on every machine, whatever models its user has: none, but where a test
# brings one. The folder never exists.
NO_MODELS = str(ROOT / "build" / "no-models")
os.environ["TINGQING_MODEL_CACHE_DIR"] = NO_MODELS

# A loaded machine is slow, and not wrong: nothing fails for the time it took. CI prints how to repeat a failure.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def shared_folder() -> Path | None:
    folder = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "audio").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings; the test is skipped, with the reason, if it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip(f"{NO_AUDIO}: set TINGQING_SHARED to the folder that holds audio/")
    return folder


@pytest.fixture(scope="session")
def mixes(shared: Path) -> Path:
    return shared / "audio" / "mixes"


@pytest.fixture(scope="session")
def mix_labels(mixes: Path) -> dict[str, dict[str, Any]]:
    """File name to its row of ``mixes/labels.json``."""
    rows = json.loads((mixes / "labels.json").read_text(encoding="utf-8"))["mixes"]
    return {row["file"]: row for row in rows}


@pytest.fixture(scope="session")
def postgres() -> Iterator["PostgresServer"]:
    """A real server; the test is skipped, with the reason, where PostgreSQL is not installed."""
    from tests.postgres import served

    with served() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Where"]:
    """A database of each kind, with nothing in it: a folder that does not exist yet, or one of ``postgres``."""
    if request.param == "postgresql":
        from server.store.postgresql import presence

        monkeypatch.setattr(presence, "GRACE_S", 0.0)  # the server is young, and its processes come from one test
    with database_of(request, tmp_path) as found:
        yield found


@contextmanager
def database_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Where"]:
    """For fixtures with ``sqlite`` and ``postgresql`` among their parameters."""
    if request.param == "sqlite":
        yield tmp_path / "data"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: at any time some test waits for sound, a browser or a server."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((at for at, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))
    )


def _forbidden_skip(reason: str) -> str | None:
    """Why a skip with this reason counts as a failure here, or None. CI sets both variables if it can."""
    if NO_WEIGHTS in reason:
        return None
    if NO_AUDIO in reason:
        return "TINGQING_REQUIRE_AUDIO" if os.environ.get("TINGQING_REQUIRE_AUDIO") == "1" else None
    return "TINGQING_REQUIRE_SYSTEM" if os.environ.get("TINGQING_REQUIRE_SYSTEM") == "1" else None


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    variable = _forbidden_skip(reason)
    if variable:
        report.outcome = "failed"
        report.longrepr = f"{reason} ({variable}=1 makes a skip a failure)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _refuse_skip(report)
    return report
