"""uvicorn, configured for long-lived sockets and stopped in stages."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from server.access.crowd import Crowd
from server.api.heads import PromptHeadProtocol
from server.api.socket_protocol import SocketProtocol
from server.errors import TingqingError
from server.wire.base import MAX_MESSAGE_BYTES

logger = logging.getLogger(__name__)
Opened = TypeVar("Opened")

GRACE_S = 5
"""Seconds that uvicorn gives requests after the sessions were drained."""

BACKLOG = 2048
SHARED_BACKLOG = 1
"""asyncio accepts one connection more than this at a time; ``DrainingServer`` lets ``BACKLOG`` wait all the same."""

HURRIED_GRACE_S = 1
"""The same after a second signal."""

HURRIED_DRAIN_S = 3.0
"""Seconds for sessions to be left or ended, with their last messages, after a second signal."""


def uvicorn_config(
    app: FastAPI, host: str, port: int, crowd: Crowd, tls: ssl.SSLContext | None = None, *, shared: bool = False
) -> uvicorn.Config:
    """The configuration of uvicorn. ``crowd`` counts connections. ``tls``: ``None`` for plain HTTP. ``shared``: other
    processes accept from the same socket, and each takes few at a time: who has least to do takes most.

    Of uvicorn's WebSocket implementations, the sans-IO one pauses reading and writing with its transport.
    permessage-deflate is off: it costs memory per socket, and PCM does not compress. Logging is left to
    ``server.logs``; forwarded headers are the matter of ``server.api.forwarded``. Pings keep proxies from closing a
    socket, but no pong is waited for: it comes behind audio that the server has not read yet. A dead patient is noticed
    by its audio, a dead observer by what it does not take.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=partial(PromptHeadProtocol, crowd=crowd),  # type: ignore[arg-type]  # called alone, as a class is
        h11_max_incomplete_event_size=64 * 1024,
        ws=SocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_timeout=None,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
        backlog=SHARED_BACKLOG if shared else BACKLOG,
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """A second application on a bound socket of its own, plain HTTP, closed with the server that it stands beside."""

    app: Any
    listener: socket.socket

    async def listen(self, state: ServerState) -> asyncio.Server:
        """``state``: of the server, which closes these connections with its own."""
        config = uvicorn.Config(self.app, http=PromptHeadProtocol, ws="none", log_config=None, server_header=False)
        config.load()
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: PromptHeadProtocol(config=config, server_state=state, app_state={}), sock=self.listener
        )


class DrainingServer(uvicorn.Server):
    """Stops in stages: sessions are asked to end while the port still answers, then uvicorn closes the rest.

    uvicorn alone would close every socket with 1012 before the application learns of the shutdown. ``drain`` must end
    within its own deadline. A second SIGTERM or SIGINT calls ``hurry``: the drain waits for nobody from then on, and
    the process ends within seconds, everything saved. A third abandons what is left. ``on_started`` is called once
    requests are answered. ``beside`` answers on a socket of its own.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        on_started: Callable[[], None] | None = None,
        beside: Beside | None = None,
        *,
        hurry: Callable[[], None] = lambda: None,
        leaves_port: Callable[[], bool] = lambda: False,
    ) -> None:
        """``leaves_port``: whether others go on to serve this port, so that who comes now must come to them."""
        super().__init__(config)
        self._leaves_port = leaves_port
        self._beside = beside
        self._drain = drain
        self._hurry = hurry
        self._hurried = False
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As in uvicorn; then the sockets are open, and ``on_started`` is called."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)
        if self._beside is not None and self.started:
            self.servers.append(await self._beside.listen(self.server_state))
        if self.started:
            names = ["{0[0]}:{0[1]}".format(one.getsockname()) for one in sockets or ()]
            logger.info("serving on %s", ", ".join(names) or f"{self.config.host}:{self.config.port}")
        if self._on_started is not None:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops the server, the second hurries it, the third abandons what is left."""
        self._captured_signals.append(sig)
        self.force_exit = self._hurried
        self._hurried = self.should_exit
        self.should_exit = True

    def stop(self, stage: int) -> None:
        """As after so many signals, 1 to 3, told otherwise. Never goes back."""
        self.should_exit = True
        self._hurried = self._hurried or stage > 1
        self.force_exit = self.force_exit or stage > 2

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop sessions first, with their results, and then the sockets."""
        loop = asyncio.get_running_loop()
        if self._leaves_port():
            for server in self.servers:
                server.close()
        began = loop.time()
        logger.info("stopping: nobody is let in any more, and what runs may end until its deadline")
        draining = asyncio.create_task(self._drained())
        until: float | None = None
        while not draining.done() and not self.force_exit and (until is None or loop.time() < until):
            await asyncio.wait({draining}, timeout=0.1)
            if self._hurried and until is None:  # not in the handler, which may interrupt any line
                until = loop.time() + HURRIED_DRAIN_S
                self.config.timeout_graceful_shutdown = HURRIED_GRACE_S
                logger.warning("told again to stop: sessions are left or ended at once")
                self._hurry()
        draining.cancel()
        await asyncio.wait({draining})
        logger.info("no session is left after %.1f s; open connections are closed", loop.time() - began)
        await super().shutdown(sockets)

    async def _drained(self) -> None:
        try:
            await self._drain()
        except Exception:
            # Whatever went wrong, the process must stop as requested.
            logger.exception("draining failed")


@asynccontextmanager
async def told(
    opening: AbstractAsyncContextManager[Opened], on_refused: Callable[[TingqingError], None] | None
) -> AsyncIterator[Opened]:
    """``opening``; if it raises a TingqingError, ``on_refused`` is called with it first."""
    async with AsyncExitStack() as stack:
        try:
            opened = await stack.enter_async_context(opening)
        except TingqingError as error:
            if on_refused is not None:
                on_refused(error)
            raise
        yield opened
