"""A real server on a real socket, in a thread of its own, with everything real behind it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvloop
from fastapi import FastAPI

from server.api.services import Services
from server.api.serving import DrainingServer
from server.app import make_server, open_tls
from server.model.clap.opening import open_clap
from server.settings import Settings
from tests.api.client import http

START_S = 60.0


@dataclass
class Served:
    """``port`` on 127.0.0.1. ``ask`` runs a coroutine function's result on the server's own loop."""

    port: int
    server: DrainingServer
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread

    @property
    def url(self) -> str:
        return f"http{self._s}://127.0.0.1:{self.port}"

    @property
    def _s(self) -> str:
        return "s" if self.server.config.is_ssl else ""

    @property
    def ws(self) -> str:
        return f"ws{self._s}://127.0.0.1:{self.port}"

    @property
    def services(self) -> Services:
        app = self.server.config.app
        assert isinstance(app, FastAPI)
        services: Services = app.state.services
        return services

    def task_names(self) -> list[str]:
        """The tasks that live on the server's loop now, without the one that asks."""

        async def names() -> list[str]:
            return sorted(task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task())

        return asyncio.run_coroutine_threadsafe(names(), self.loop).result(30)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)
        assert not self.thread.is_alive()


def start(
    trust: ssl.SSLContext | None = None,
    *,
    open_clap: Callable[..., Any] = open_clap,
    send_buffer: int | None = None,
    **settings: Any,
) -> Served:
    """Serve with ``settings`` on a free port; returns once it answers. ``trust``: of a client, where it serves TLS.
    ``open_clap``: another source of CLAP than the settings'. ``send_buffer``: bytes that the kernel takes for a peer
    that does not read, instead of megabytes."""
    listener = socket.socket()
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    port: int = listener.getsockname()[1]
    # However busy the machine of the tests is, it must refuse nobody.
    settings = {"admission": "fixed"} | settings
    given = Settings(host="127.0.0.1", port=port, **settings)
    server = make_server(given, tls=open_tls(given), open_clap=open_clap)
    loop = uvloop.new_event_loop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(server.serve(sockets=[listener]))
            finally:
                # A start that failed must fail the test now, not leave its client waiting at an open port.
                listener.close()

    thread = threading.Thread(target=run, name="served", daemon=True)
    thread.start()
    # The port listens already, so this waits in the kernel until the server has started.
    running = Served(port, server, loop, thread)
    if trust is None:
        http.get(f"{running.url}/healthz", timeout=START_S).raise_for_status()
    else:
        httpx.get(f"{running.url}/healthz", timeout=START_S, verify=trust).raise_for_status()
    return running


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    running = start(drain_s=1.0)
    yield running
    running.stop()
