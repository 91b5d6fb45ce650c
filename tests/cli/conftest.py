"""The commands in this process, or the console script as a person runs it, and one server for all tests here."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from server.cli.main import app
from tests.conftest import NO_MODELS

START_S = 120.0

TINGQING = Path(sys.executable).with_name("tingqing")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def lines(self) -> list[dict[str, Any]]:
        """Every line of standard output as JSON: anything else there is a failure."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**changes: str) -> dict[str, str]:
    """Without settings and models of the machine at hand, in a UTF-8 locale without a language, one thread each."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TINGQING_", "LC_", "LANG"))}
    return clean | {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "TINGQING_MODEL_CACHE_DIR": NO_MODELS} | changes


def tingqing(*arguments: str | Path, timeout_s: float = 100.0, **changes: str) -> Ran:
    done = subprocess.run(
        [TINGQING, *arguments],
        capture_output=True,
        timeout=timeout_s,
        check=False,
        env=environment(**changes),
        encoding="utf-8",
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def in_process(*arguments: str | Path, stdin: bytes | None = None, **changes: str) -> Ran:
    """As ``tingqing``, without a new interpreter and its imports, which take longer than judging a short recording.

    What a person's terminal, its encoding, a signal or a closed pipe do to a command, only a real process tells. An
    exception that the command lets through is raised here.
    """
    unset = {name: None for name in os.environ if name.startswith(("TINGQING_", "LC_", "LANG"))}
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        result = CliRunner().invoke(
            app,
            [os.fspath(one) for one in arguments],
            input=stdin,
            env=unset | {"LANG": "C.UTF-8", "TINGQING_MODEL_CACHE_DIR": NO_MODELS} | changes,
            catch_exceptions=False,
        )
    finally:
        # The command logs to a standard error that is gone now.
        root.handlers[:] = handlers
        root.setLevel(level)
    return Ran(result.exit_code, result.stdout, result.stderr)


class Serving:
    """A ``tingqing serve`` that has printed its banner. ``stop`` returns the exit code."""

    start_s = START_S

    def __init__(self, arguments: Sequence[str] = (), **changes: str) -> None:
        self.process = subprocess.Popen(
            # However busy the machine of the tests is, it must refuse nobody.
            [TINGQING, "serve", "--port", "0", "--admission", "fixed", "--log-level", "warning", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**changes),
            encoding="utf-8",
        )
        watchdog = threading.Timer(self.start_s, self.process.kill)
        watchdog.start()
        self.banner = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.banner += line
            if line.startswith("Ctrl-C"):
                break
        watchdog.cancel()
        found = re.search(r"http(s?)://127\.0\.0\.1:(\d+)/", self.banner)
        if found is None:
            _, said = self.process.communicate(timeout=60)
            raise AssertionError(f"the server did not start: {said}")
        self._s, self.port = found[1], int(found[2])

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)
        # Not read to their end: a process that judges for a killed server holds them until it has noticed.
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    @property
    def http(self) -> str:
        return f"http{self._s}://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws{self._s}://127.0.0.1:{self.port}"

    def stop(self, how: signal.Signals | None = signal.SIGTERM, within_s: float = 60.0) -> tuple[int, str]:
        """Exit code and standard error. ``None``: it was already told to stop."""
        if how is not None and self.process.poll() is None:
            self.process.send_signal(how)
        try:
            _, said = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, said


@pytest.fixture(scope="session")
def served() -> Iterator[Serving]:
    with Serving() as serving:
        assert httpx.get(f"{serving.http}/readyz", timeout=60).status_code == 200
        yield serving


@pytest.fixture(scope="session")
def five_files(mixes: Path) -> list[Path]:
    """Five real recordings, spread over the whole list."""
    found = sorted(mixes.glob("*.flac"))
    return found[:: max(1, len(found) // 5)][:5]
