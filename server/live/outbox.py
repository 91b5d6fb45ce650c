"""The messages that wait to be sent to one socket, bounded, and the loop that sends them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from server.live.clock import Clock, deadline
from server.live.limits import LiveLimits
from server.live.transport import Disconnected, Transport
from server.wire.server import Heartbeat

Audience = Literal["everyone", "patient", "observers"]
"""Whose outboxes a message of a session is for."""

HEARTBEAT = Heartbeat().model_dump_json()


class Outbox:
    """Messages in order. Those with a ``key`` are latest-wins: a newer one replaces one that still waits.

    If it is full of control messages the peer reads nothing: it is ``overflowed``, drops everything, and the sender
    ends. An ``observer``'s outbox never overflows; it drops its oldest message instead.
    """

    def __init__(self, room: int, *, observer: bool = False) -> None:
        self.overflowed = False
        self.dropped = 0
        self._room = room
        self._observer = observer
        self._waiting: OrderedDict[object, str] = OrderedDict()
        self._closed = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, text: str, key: str | None = None) -> None:
        """Never waits. After ``close`` nothing is added."""
        if self._closed:
            return
        if key is not None and self._waiting.pop(key, None) is not None:
            self.dropped += 1
        self._waiting[key if key is not None else object()] = text
        if len(self._waiting) > self._room:
            if self._observer:
                self._waiting.popitem(last=False)
                self.dropped += 1
            else:
                self.overflowed = True
                self._waiting.clear()
                self._closed = True
        self._changed.set()

    async def room(self) -> None:
        """Wait until less than half of the room is used, or the outbox is closed."""
        while len(self._waiting) > self._room // 2 and not self._closed:
            self._changed.clear()
            await self._changed.wait()

    def close(self) -> None:
        """Send what still waits, then end the sender."""
        self._closed = True
        self._changed.set()

    def discard(self) -> None:
        """Close and drop what waits: nobody is there to read it."""
        self._waiting.clear()
        self.close()

    async def take(self) -> str | None:
        """The next message; ``None`` once closed and empty."""
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        _, text = self._waiting.popitem(last=False)
        self._changed.set()
        return text


class OutboxSender:
    """Sends an outbox to a transport, a heartbeat when there is nothing to send, each within ``send_s``."""

    def __init__(self, transport: Transport, outbox: Outbox, clock: Clock, limits: LiveLimits) -> None:
        self._transport = transport
        self._outbox = outbox
        self._clock = clock
        self._limits = limits

    async def run(self, on_lost: Callable[[], None]) -> bool:
        """Runs until the outbox is closed and empty; True if everything was sent. ``on_lost``: the peer is gone or
        stopped reading."""
        try:
            while (text := await self._next()) is not None:
                async with deadline(self._clock, self._limits.send_s):
                    await self._transport.send_text(text)
        except (Disconnected, TimeoutError):
            self._outbox.discard()
            on_lost()
            return False
        if self._outbox.overflowed:
            on_lost()
        return not self._outbox.overflowed

    async def _next(self) -> str | None:
        if len(self._outbox):
            return await self._outbox.take()
        try:
            async with deadline(self._clock, self._limits.heartbeat_s):
                return await self._outbox.take()
        except TimeoutError:
            return HEARTBEAT
