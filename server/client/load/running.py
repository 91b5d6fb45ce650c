"""A server for a benchmark: one of its own in a process of its own, or one that runs already."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from server.client.load.children import ended
from server.client.load.main_threads import main_threads_cpu_s
from server.client.load.process import ProcessUse, family_use
from server.client.stream_client import stream_url
from server.errors import ClientError

START_S = 180.0
STOP_S = 30.0
UNKNOWN = ProcessUse(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Running:
    """``url``: of the live path. ``pid``: where the server is ours."""

    url: str
    pid: int | None = None

    def use(self) -> ProcessUse:
        """What the server's process uses, workers and all; of a server elsewhere nothing is known."""
        return UNKNOWN if self.pid is None else family_use(self.pid)

    def loop_cpu_s(self) -> float | None:
        """CPU seconds of its event loops so far: of the main threads of the process and its workers."""
        return None if self.pid is None else main_threads_cpu_s(self.pid)

    async def shed_counts(self) -> dict[str, int]:
        """Live windows without a part so far, by part; empty if the server does not tell."""
        load = (await self.ready()).get("load") or {}
        return dict(load.get("shed_counts", {}))

    async def ready(self) -> dict[str, Any]:
        """What ``/readyz`` tells, ready or not; empty if it does not answer."""
        return await asyncio.to_thread(_readyz, self.url)


def _readyz(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    prefix = parts.path.removesuffix("/v1/stream") if parts.path.endswith("/v1/stream") else ""
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{scheme}://{parts.netloc}{prefix}/readyz", timeout=30) as answer:
            return dict(json.load(answer))
    except HTTPError as error:
        return _told(error)
    except (URLError, OSError, ValueError, TypeError):
        return {}


def _told(error: HTTPError) -> dict[str, Any]:
    """A server that is not ready says why; anything else at this address says something else."""
    try:
        return dict(json.load(error))
    except (OSError, ValueError, TypeError):
        return {}


@contextlib.asynccontextmanager
async def running(url: str | None, settings: dict[str, Any]) -> AsyncIterator[Running]:
    """The server at ``url``; without one, one with ``settings``, stopped at the end. Raises ClientError, also if no
    server answers at ``url``."""
    if url is not None:
        there = Running(stream_url(url))
        if "scorers" not in await there.ready():
            raise ClientError(
                f"no Tingqing server answers at {url}.", hint="Start one with: tingqing serve. Then: --server URL"
            )
        yield there
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.cli.bench_server",
        json.dumps(settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Running(f"ws://127.0.0.1:{await _port(process)}/v1/stream", process.pid)
    finally:
        await _stop(process)


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise ClientError(f"the server did not answer within {START_S:g} s.") from None
    if not line:
        raise ClientError("the server could not start.", hint="See its message above.")
    return int(line)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()
    finally:
        await ended(process)
