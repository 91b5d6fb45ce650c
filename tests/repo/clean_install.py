"""A clean environment with what the Dockerfile or a wheel installs, and the server started from it.

The environment is a new virtual one. The third-party packages are borrowed, as installing torch again would cost
minutes and a gigabyte in every run: links lead to those that pip would install, which are the declared dependencies,
those of the extras asked for, and whatever these require in turn. Nothing else of the tests' own environment is there.
"""

import os
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("pip", "hatchling")
"""What installs and builds; pip would fetch the second for itself."""

START_DEADLINE_S = 90.0


class CleanEnvironment:
    """A virtual environment under ``folder`` with what ``tingqing[extras]`` requires, but not Tingqing itself.

    ``run`` and ``serve`` see nothing else of ours.
    """

    def __init__(self, folder: Path, extras: Sequence[str]) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        for name in installed_by(extras):
            borrow(name, site_packages)
        # pip is borrowed too; its script must belong to this environment to install into it.
        pip = folder / "bin" / "pip"
        pip.write_text(f"#!{folder}/bin/python\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
        pip.chmod(0o755)

    def environ(self, **variables: str) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "TMPDIR", "PIP_INDEX_URL"}
        }
        path = f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.folder), **variables}

    def run(self, command: Sequence[str], *, cwd: Path, timeout_s: float = 300, **variables: str) -> str:
        """Standard output of a command that must succeed; its whole output is in the assertion if it does not."""
        done = subprocess.run(
            [self._program(command[0]), *command[1:]],
            cwd=cwd,
            env=self.environ(**variables),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{command} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def serve(self, command: Sequence[str], *, cwd: Path, log: Path) -> Iterator[str]:
        """The address of the server that ``command`` starts on a free port; it is stopped at the end."""
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self._program(command[0]), *command[1:]],
                cwd=cwd,
                env=self.environ(TINGQING_PORT=str(port), OMP_NUM_THREADS="1"),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_it_answers(address, process, log)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def _program(self, name: str) -> str:
        installed = self.folder / "bin" / name
        return str(installed) if installed.exists() else name


def installed_by(extras: Sequence[str]) -> set[str]:
    """The names of all distributions that ``pip install 'tingqing[extras]'`` would bring here, and of the tools."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *TOOLS]
    declared += [line for extra in extras for line in project["optional-dependencies"][extra]]
    found: set[str] = set()
    waiting = [Requirement(line) for line in declared]
    seen: set[tuple[str, str]] = set()
    while waiting:
        required = waiting.pop()
        name = canonicalize_name(required.name)
        for extra in {"", *required.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found.add(name)
            lines = (Requirement(line) for line in distribution(name).requires or ())
            waiting += [line for line in lines if line.marker is None or line.marker.evaluate({"extra": extra})]
    return found


def borrow(name: str, site_packages: Path) -> None:
    """Link what a distribution of the tests' own environment has in its ``site-packages``, folder by folder."""
    files = distribution(name).files
    assert files, f"{name} does not list its files"
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        link = site_packages / top
        if not link.exists():
            link.symlink_to(Path(str(distribution(name).locate_file(top))))


def build_wheel(source: Path, into: Path) -> Path:
    """Build the wheel of the project at ``source``, with the build tools of the environment that runs the tests."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = into.glob("*.whl")
    return wheel


def get(url: str) -> tuple[int, str, str]:
    """Status, media type and text of a page that must be there."""
    with urlopen(url, timeout=60) as reply:
        return reply.status, reply.headers.get_content_type(), reply.read().decode("utf-8")


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        try:
            get(f"{address}/healthz")
            return
        except (URLError, ConnectionError):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
                break
    raise AssertionError(f"the server did not answer (exit code {process.poll()}):\n{log.read_text()}")
