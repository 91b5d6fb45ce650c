"""The line between a worker and its supervisor: one JSON object a line, over a pair of sockets."""

import asyncio
import itertools
import json
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any

from server.access.throttle import Throttle
from server.errors import TooManyRequestsError

log = logging.getLogger(__name__)

ANSWER_S = 1.0
MAX_LINE = 1024 * 1024
MAX_UNREAD = 64 * 1024
"""Bytes that may wait for a supervisor that does not read, beside what the kernel holds."""


class Command(StrEnum):
    """What the supervisor tells a worker. ``ANNOUNCE``: all workers serve; say so to whoever started them."""

    ANNOUNCE = "announce"
    DRAIN = "drain"
    HURRY = "hurry"
    ABANDON = "abandon"


STAGES = (Command.DRAIN, Command.HURRY, Command.ABANDON)
"""As after the first, second and third signal."""


class Control:
    """A worker's end. ``run`` inside its loop. ``on_stop`` is called with the stage of stopping, 1 to 3, also when the
    supervisor is lost; ``on_announce`` once all workers serve.

    Also a ``server.access.throttle.Throttling``: the supervisor counts for all workers. While it does not answer within
    ``ANSWER_S``, this worker counts alone.
    """

    def __init__(self, line: socket.socket) -> None:
        self._socket = line
        self._writer: asyncio.StreamWriter | None = None
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._alone: Throttle | None = None
        self.on_stop: Callable[[int], None] = lambda _: None
        self.on_announce: Callable[[], None] = lambda: None

    def count_alone(self, throttle: Throttle) -> None:
        """``throttle``: counts while the supervisor does not answer."""
        self._alone = throttle

    async def run(self) -> None:
        """Until cancelled, or the supervisor is gone."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=MAX_LINE)
        while line := await reader.readline():
            told = json.loads(line)
            if "command" in told:
                self._obey(Command(told["command"]))
            elif (waiting := self._waiting.pop(told["number"], None)) is not None and not waiting.done():
                waiting.set_result(told)
        log.error("the supervisor is gone; this worker stops")
        self._obey(Command.DRAIN)

    def _obey(self, command: Command) -> None:
        if command is Command.ANNOUNCE:
            self.on_announce()
        else:
            self.on_stop(STAGES.index(command) + 1)

    def ready(self) -> None:
        """This worker serves."""
        self._send({"ready": True})

    def _send(self, message: dict[str, Any]) -> bool:
        """False: a supervisor that stands still reads nothing, and what waits for it must not grow."""
        if self._writer is None:
            return True  # it is still to come
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            return False
        self._writer.write(json.dumps(message).encode() + b"\n")
        return True

    # -- Throttling

    async def wrong(self, address: str, now: float) -> bool:
        """See Throttling."""
        return await self._counted("wrong", address, now)

    async def key(self, key_id: str, now: float) -> None:
        """See Throttling."""
        await self._counted("key", key_id, now)

    async def token(self, scope: str, session_id: str, now: float) -> None:
        """See Throttling."""
        await self._counted("token", scope, session_id, now)

    async def _counted(self, what: str, *given: Any) -> bool:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            if not self._send({"number": number, "count": what, "given": given}):
                return bool(getattr(self._alone, what)(*given))
            async with asyncio.timeout(ANSWER_S):
                told = await answer
        except TimeoutError:
            log.warning("the supervisor did not count a request; this worker counts it alone")
            return bool(getattr(self._alone, what)(*given))
        finally:
            self._waiting.pop(number, None)
        if "refusal" in told:
            raise TooManyRequestsError(told["refusal"], retry_after_s=told["retry_after_s"])
        return bool(told["value"])


def counted(throttle: Throttle, asked: dict[str, Any]) -> dict[str, Any]:
    """The supervisor's answer to ``Control``."""
    count = {"wrong": throttle.wrong, "key": throttle.key, "token": throttle.token}[asked["count"]]
    try:
        value = count(*asked["given"])  # type: ignore[operator]  # each has its own arguments
    except TooManyRequestsError as error:
        return {"number": asked["number"], "refusal": error.message, "retry_after_s": error.retry_after_s}
    return {"number": asked["number"], "value": bool(value)}


async def stopped(task: asyncio.Task[Any]) -> None:
    """Cancel it and wait."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
