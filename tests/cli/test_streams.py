"""A server whose standard streams are closed, broken, full or unread serves all the same, and stops with 0."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.cli.conftest import START_S, TINGQING, environment
from tests.ports import free_port


@contextmanager
def serving(redirection: str, *, stdout: int | None = None, stderr: int | None = None) -> Iterator[tuple[int, str]]:
    """The process behind a shell's redirection, and its address; it answers."""
    port = free_port()
    command = f'exec "$@" {redirection}'
    arguments = [str(TINGQING), "serve", "--port", str(port), "--no-mos", "--log-level", "debug"]
    process = subprocess.Popen(
        ["sh", "-c", command, "sh", *arguments], stdout=stdout, stderr=stderr, env=environment(), close_fds=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        answered = False
        until = time.monotonic() + START_S
        while not answered and time.monotonic() < until and process.poll() is None:
            with suppress(httpx.TransportError):
                answered = httpx.get(f"{address}/healthz", timeout=START_S).status_code == 200
                continue
            with suppress(subprocess.TimeoutExpired):  # who asks all the time takes the time in which it would start
                process.wait(0.1)
        assert answered, f"the server did not start: {process.poll()}"
        yield process.pid, address
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_closed_or_full_streams_change_nothing(redirection: str) -> None:
    with serving(redirection) as (_, address):
        assert httpx.get(f"{address}/readyz", timeout=30).status_code == 200


def test_pipes_whose_readers_have_gone_change_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with serving("", stdout=writing, stderr=writing) as (_, address):
            assert httpx.get(f"{address}/readyz", timeout=30).status_code == 200
    finally:
        os.close(writing)


def test_pipes_that_nobody_reads_hang_nothing() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4_096))
    os.set_blocking(writing, True)
    try:
        with serving("", stdout=writing, stderr=writing) as (_, address), httpx.Client(timeout=60) as client:
            for _ in range(1_000):  # each is a line: far more than a pipe holds
                assert client.get(f"{address}/healthz").status_code == 200
    finally:
        os.close(writing)
        os.close(reading)
