"""A real PostgreSQL server for tests, which starts it and stops it: without a network, in a folder of its own."""

import asyncio
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from server.store.database import open_database
from server.store.postgresql.url import DatabaseUrl

TEMPLATE = "migrated"
SETTINGS = {
    # Nothing of it outlives a test.
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
}


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``; Debian keeps them off the PATH."""
    there = shutil.which("initdb")
    if there is not None:
        return Path(there).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class PostgresServer:
    """``stop`` and ``start`` it as an operator would."""

    def __init__(self, bin_: Path, folder: Path) -> None:
        self.bin = bin_
        self.folder = folder
        self.data = folder / "data"
        self._numbers = itertools.count(1)
        self.version = int(self.run("postgres", "--version").split()[2].split(".")[0])

    def command(self, name: str, *arguments: str) -> list[str]:
        """As whom the server runs: it refuses root."""
        own = [str(self.bin / name), *arguments]
        if os.geteuid():
            return own
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *own]

    def run(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            self.command(name, *arguments),
            check=False,
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            timeout=250,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make(self) -> None:
        linguistic = ("--locale-provider=icu", "--icu-locale=en") if self.version >= 15 else ()
        # An order of texts that is not that of bytes, as servers in the field have.
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
                 "--locale=C.UTF-8", *linguistic)  # fmt: skip
        lines = [f"{name} = '{value}'\n" for name, value in SETTINGS.items()]
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.writelines([*lines, f"unix_socket_directories = '{self.folder}'\n"])

    def start(self) -> None:
        self.run("pg_ctl", "start", "-w", "-D", str(self.data), "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """``immediate``: as if the machine had lost its power."""
        self.run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def url(self, name: str, user: str = "postgres") -> DatabaseUrl:
        return DatabaseUrl.of(f"postgresql://{user}@/{name}?host={quote(str(self.folder), safe='')}")

    def execute(self, statement: str, name: str = "postgres") -> None:
        async def done() -> None:
            connection = await asyncpg.connect(self.url(name).dsn)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(done())

    def migrate_template(self) -> None:
        async def migrated() -> None:
            async with open_database(self.url(TEMPLATE)):
                pass

        self.execute(f"CREATE DATABASE {TEMPLATE}")
        run_apart(migrated())

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[DatabaseUrl]:
        """One with all tables, removed after the block. ``template0``: without."""
        name = f"test_{next(self._numbers)}"
        copied = "STRATEGY FILE_COPY" if self.version >= 15 else ""  # the quicker one without fsync
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} {copied}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Also where a loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def served() -> Iterator[PostgresServer]:
    """A server while the block runs. Skips the test where PostgreSQL is not installed."""
    bin_ = binaries()
    if bin_ is None:
        pytest.skip("PostgreSQL is missing (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="tq-pg-"))  # a short path: sockets have 107 characters at most
    try:
        if not os.geteuid():
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        server = PostgresServer(bin_, folder)
        server.make()
        server.start()
        try:
            server.migrate_template()
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
