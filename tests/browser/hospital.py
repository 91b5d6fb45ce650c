"""A server with keys, an integrator's pages beside it on another origin, all over TLS; a Chromium that trusts both."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Browser, Playwright

from server.access.gate import utc_now
from server.access.keys import MemoryKeys, create_key
from server.access.principal import Role
from server.access.tokens import Scope, Tokens
from server.app import open_keys
from server.settings import Settings
from tests.browser.conftest import FLAGS, require
from tests.cli.conftest import Serving, in_process
from tests.conftest import ROOT
from tests.ports import free_port

EXAMPLES = ROOT / "web_client" / "examples"
DOCTOR = ("doctor", "of-these-tests")
NAME, OTHER = "portal.localhost", "other.localhost"
MINUTES = timedelta(minutes=15)
UP_WITHIN_S = 120.0
Made = TypeVar("Made")


def apart(work: Coroutine[Any, Any, Made]) -> Made:
    """On a thread: this one runs the loop of the browser's driver."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


@dataclass(frozen=True)
class Hospital:
    """``server``: its address. ``portal``: the origin that it allows; ``other``: the same pages under a name that it
    does not. ``port``: of the portal."""

    server: str
    port: int
    data: Path
    keys: dict[str, str]

    @property
    def portal(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def other(self) -> str:
        return f"https://{OTHER}:{self.port}"

    @property
    def trust(self) -> Path:
        return self.data / "tls" / "ca.crt"

    @property
    def certificate(self) -> list[Path]:
        """And its key."""
        return [self.data / "tls" / "server.crt", self.data / "tls" / "server.key"]

    def announce(self, site: str = "ward-3") -> dict[str, Any]:
        headers, trust = {"Authorization": f"Bearer {self.keys[site]}"}, ssl.create_default_context(cafile=self.trust)
        answer = httpx.post(f"{self.server}v1/sessions", headers=headers, verify=trust, timeout=30)
        answer.raise_for_status()
        announced: dict[str, Any] = answer.json()
        return announced

    def expired(self, session_id: str) -> str:
        """Genuine, and over for hours."""

        async def made() -> str:
            async with open_keys(Settings(data_dir=self.data)) as store:
                past = Tokens(store, lambda: utc_now() - timedelta(hours=5))
                return await past.issue(Scope.PUBLISH, session_id, "ward-3", MINUTES, key_id=None)

        return apart(made())

    def forged(self, session_id: str) -> str:
        """As ours, but for the secret that signed it."""
        return apart(Tokens(MemoryKeys(), utc_now).issue(Scope.PUBLISH, session_id, "ward-3", MINUTES, key_id=None))

    def stream(self) -> str:
        return f"{self.server.replace('https', 'wss')}v1/stream"

    def observe(self, session_id: str) -> str:
        return f"{self.server.replace('https', 'wss')}v1/sessions/{session_id}/observe"

    @contextmanager
    def backend(self, port: int, folder: Path = EXAMPLES, *, node: bool = False, **changes: str) -> Iterator[None]:
        """The backend of the examples as it is documented: a process, with its key in the environment."""
        certificate, key = map(str, self.certificate)
        if node:
            found = require(shutil.which("node"), "node (apt-get install nodejs)")
            command = [found, str(folder / "backend" / "backend.mjs"), str(port), certificate, key]
        else:
            command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder / "backend"), "backend:app"]
            command += ["--port", str(port), "--ssl-certfile", certificate, "--ssl-keyfile", key]
            command += ["--no-access-log"]
        variables = {"TINGQING_SERVER": self.server, "TINGQING_KEY": self.keys["ward-3"], "DOCTOR_PASSWORD": DOCTOR[1]}
        trust = {"SSL_CERT_FILE": str(self.trust), "NODE_EXTRA_CA_CERTS": str(self.trust)}
        output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(command, env=os.environ | variables | trust | changes, **output)
        try:
            _listening(process)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _listening(process: subprocess.Popen[str]) -> None:
    """Waits for the line that names its address; both backends say little after it."""
    watchdog, said = threading.Timer(UP_WITHIN_S, process.kill), ""
    watchdog.start()
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "https://" in line:
            watchdog.cancel()
            return
    watchdog.cancel()
    raise AssertionError(f"the backend did not start: {said}")


@contextmanager
def hospital_beside(folder: Path, examples: Path = EXAMPLES, *more: str) -> Iterator[Hospital]:
    """Its server, with ``more`` flags, and in Python the backend of the examples in ``examples``. ``folder``: empty,
    for its data."""
    names = [word for name in (NAME, OTHER) for word in ("--name", name)]
    assert in_process("cert", *names, "--data-dir", folder).code == 0

    async def create() -> dict[str, str]:
        async with open_keys(Settings(data_dir=folder)) as store:
            sites = ("ward-3", "elsewhere")
            return {site: (await create_key(store, site, Role.INTEGRATOR, utc_now()))[0] for site in sites}

    keys, port = apart(create()), free_port()
    before = Hospital("", port, folder, keys)
    certificate, key = map(str, before.certificate)
    flags = ["--data-dir", str(folder), "--tls-cert", certificate, "--tls-key", key, "--allow-origin", before.portal]
    flags += more
    with Serving(flags) as serving:
        hospital = Hospital(f"https://localhost:{serving.port}/", port, folder, keys)
        with hospital.backend(port, examples):
            yield hospital


@contextmanager
def trusting_browsers(
    playwright: Playwright, chromium_path: str, new_folder: Callable[[], Path]
) -> Iterator[Callable[[Path, Path], Browser]]:
    """Makes a Chromium that hears a recording and trusts an authority, as a phone on which it was installed."""
    certutil = require(shutil.which("certutil"), "certutil (apt-get install libnss3-tools)")
    opened: list[Browser] = []

    def browser(wav: Path, ca: Path) -> Browser:
        home = new_folder()
        trusted = home / ".pki" / "nssdb"
        trusted.mkdir(parents=True)
        for arguments in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "clinic", "-i", str(ca)]):
            subprocess.run([certutil, "-d", f"sql:{trusted}", *arguments], check=True, timeout=60)
        microphone = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        flags = [*FLAGS, *microphone, f"--use-file-for-fake-audio-capture={wav}"]
        environment: dict[str, str | float | bool] = {**os.environ, "HOME": str(home)}
        opened.append(playwright.chromium.launch(executable_path=chromium_path, args=flags, env=environment))
        return opened[-1]

    yield browser
    for each in opened:
        each.close()
