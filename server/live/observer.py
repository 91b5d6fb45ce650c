"""A doctor's socket: it receives what it can, and may send only keepalive."""

import asyncio

from server.errors import FrameTooLargeError, TingqingError, UnexpectedMessageError
from server.live import endings
from server.live.clock import Clock
from server.live.guards import FaultGuard
from server.live.handshake import part
from server.live.limits import LiveLimits
from server.live.messages import error_message
from server.live.newcomers import snapshot_message
from server.live.outbox import Outbox, OutboxSender
from server.live.session import Session
from server.live.transport import Disconnected, Transport, size_of
from server.wire.client import KeepAlive, parse_client_message


class Observer:
    """One socket that watches one session. Use once: ``follow`` or ``show``."""

    def __init__(self, transport: Transport, clock: Clock, limits: LiveLimits) -> None:
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._faults = FaultGuard()
        self.close_code = endings.ENDED
        self._reason = ""

    async def show(self, snapshot: str) -> None:
        """Send the snapshot of an ended session as JSON, and close."""
        await part(self._transport, self._clock, self._limits, endings.ENDED, "ended", snapshot)

    async def follow(self, session: Session) -> None:
        """Until the session ends, the observer leaves, or it takes nothing for ``send_s`` seconds."""
        outbox = session.hub.join(snapshot_message(session).model_dump_json())
        sender = OutboxSender(self._transport, outbox, self._clock, self._limits)
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(outbox))
                await sender.run(lambda: None)
                reading.cancel()
        finally:
            session.hub.leave(outbox)
        await part(self._transport, self._clock, self._limits, self.close_code, self._reason)

    async def _read(self, outbox: Outbox) -> None:
        while True:
            try:
                await asyncio.sleep(0)  # give others a turn, however many messages are waiting
                self._check(await self._transport.receive())
            except Disconnected:
                outbox.discard()
                return
            except TingqingError as error:
                outbox.put(error_message(error).model_dump_json(), "error")
                fatal = error if error.fatal else self._one_too_many(outbox)
                if fatal is not None:
                    self._reason, self.close_code = fatal.code, fatal.close_code
                    outbox.close()
                    return

    def _one_too_many(self, outbox: Outbox) -> TingqingError | None:
        try:
            self._faults.note(self._clock.now())
        except TingqingError as fatal:
            outbox.put(error_message(fatal).model_dump_json(), "fatal")
            return fatal
        return None

    def _check(self, message: str | bytes) -> None:
        if size_of(message) > self._limits.max_frame_bytes:
            raise FrameTooLargeError(f"A message may have {self._limits.max_frame_bytes} bytes at most.")
        if isinstance(message, bytes):
            raise UnexpectedMessageError("An observer sends no audio.", param="type")
        if not isinstance(parse_client_message(message), KeepAlive):
            raise UnexpectedMessageError("An observer sends nothing but keepalive.", param="type")
