"""A clean environment with what the Dockerfile or a wheel installs, and the server started from it.

The environment is a new virtual one, of which only the heavy third-party packages are borrowed: a ``.pth`` names the
``site-packages`` that runs the tests, as installing torch again would cost minutes and a gigabyte in every run. Of
Tingqing itself nothing is borrowed: Python does not follow the ``.pth`` of the editable installation that lies there.
That the packages it borrows are declared is checked by ``test_dependencies.py``.
"""

import os
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

START_DEADLINE_S = 90.0


class CleanEnvironment:
    """A virtual environment under ``folder``, made by ``__init__``; ``run`` and ``serve`` see nothing else of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        site_packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
        Path(site_packages, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
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


def build_wheel(source: Path, into: Path) -> Path:
    """Build the wheel of the project at ``source``, with the build tools of the environment that runs the tests."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = into.glob("*.whl")
    return wheel


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> tuple[int, str, str]:
    """Status, media type and text of a page that must be there."""
    with urlopen(url, timeout=10) as reply:
        return reply.status, reply.headers.get_content_type(), reply.read().decode("utf-8")


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            get(f"{address}/healthz")
        except (URLError, ConnectionError):
            # Nothing of another process can be waited for but its answer.
            time.sleep(0.1)  # noqa: TID251
            continue
        return
    raise AssertionError(f"the server did not answer (exit code {process.poll()}):\n{log.read_text()}")
