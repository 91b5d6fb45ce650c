"""A server of several workers, and sockets that land on the worker that a test wants."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.api.client import http
from tests.cli.conftest import Serving


class Workers(Serving):
    """``tingqing serve --workers 2``. Workers have the numbers 1 and 2."""

    start_s = 300.0  # one worker starts after the other

    def __init__(self, *arguments: str | Path, **changes: str) -> None:
        flags = ["--workers", "2", "--clap", "off", "--no-mos", "--no-denoiser", *map(str, arguments)]
        super().__init__(flags, **changes)

    def stop(self, how: signal.Signals | None = signal.SIGTERM, within_s: float = 120.0) -> tuple[int, str]:
        return super().stop(how, within_s)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def ready(self) -> dict[str, Any]:
        told: dict[str, Any] = http.get(f"{self.http}/readyz", timeout=30).json()
        return told

    def pids(self) -> dict[int, int]:
        return {one["worker"]: one["pid"] for one in self.ready()["workers"]}

    def live(self) -> dict[int, int]:
        """Sessions with a patient, by worker."""
        return {one["worker"]: one["sessions"]["live"] for one in self.ready()["workers"]}

    def on(self, worker: int) -> socket.socket:
        """A connection that this worker has accepted, since the other one was stopped meanwhile."""
        with stopped(pid for other, pid in self.pids().items() if other != worker):
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
        connection.setblocking(False)
        return connection


@contextmanager
def stopped(pids: Any) -> Iterator[None]:
    """While the block runs, these processes stand still."""
    still = list(pids)
    for pid in still:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in still:
            os.kill(pid, signal.SIGCONT)
