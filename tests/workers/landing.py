"""A server of several workers, and sockets that land on the worker that a test wants."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.api.client import http
from tests.cli.conftest import Serving

TOLD_WITHIN_S = 60.0


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

    def told(self) -> list[dict[str, Any]]:
        """How each worker is. One that is too busy to tell another within a second is asked again."""
        deadline, pause = time.monotonic() + TOLD_WITHIN_S, threading.Event()
        while True:
            told: list[dict[str, Any]] = self.ready()["workers"]
            if all(one["pid"] is not None for one in told):
                return told
            assert time.monotonic() < deadline, told
            pause.wait(0.1)

    def pids(self) -> dict[int, int]:
        return {one["worker"]: one["pid"] for one in self.told()}

    def live(self) -> dict[int, int]:
        """Sessions with a patient, by worker."""
        return {one["worker"]: one["sessions"]["live"] for one in self.told()}

    def rest(self) -> "Workers":
        """Once the sessions of the test before are over: a socket is closed a little before its place is free."""
        deadline, pause = time.monotonic() + TOLD_WITHIN_S, threading.Event()
        while any(live := self.live().values()):
            assert time.monotonic() < deadline, live
            pause.wait(0.1)
        return self

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
