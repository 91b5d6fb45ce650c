"""A doctor's socket: it receives what it can, and may send and mute prompts if it was admitted for that."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import assert_never

from server.access.audit import Act
from server.errors import FrameTooLargeError, TingqingError, TooManyPromptsError, UnexpectedMessageError
from server.live import endings
from server.live.clock import Clock
from server.live.entries import Entry
from server.live.guards import FaultGuard
from server.live.handshake import part
from server.live.limits import LiveLimits
from server.live.messages import error_message
from server.live.newcomers import snapshot_message
from server.live.nudges import prompt_of
from server.live.outbox import Outbox, OutboxSender
from server.live.session import Phase
from server.live.transport import Disconnected, Transport, size_of
from server.wire.client import KeepAlive
from server.wire.observer import PromptMute, PromptSend, parse_observer_message

Nudging = Callable[[Act], Awaitable[None]]
"""Awaited before a doctor's prompt reaches the patient; what it raises stops it."""


class Observer:
    """One socket that watches one session. Use once: ``follow`` or ``show``."""

    def __init__(self, transport: Transport, clock: Clock, limits: LiveLimits, nudging: Nudging | None = None) -> None:
        """``nudging``: awaited before each act of the doctor; ``None`` for who only watches."""
        self._nudging = nudging
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._faults = FaultGuard()
        self.close_code = endings.ENDED
        self._reason = ""

    async def show(self, snapshot: str) -> None:
        """Send the snapshot of an ended session as JSON, and close."""
        await part(self._transport, self._clock, self._limits, endings.ENDED, "ended", snapshot)

    async def follow(self, entry: Entry) -> None:
        """Until the session ends, the observer leaves, or it takes nothing for ``send_s`` seconds."""
        hub = entry.session.hub
        outbox = hub.join(snapshot_message(entry.session, nudge=self._nudging is not None).model_dump_json())
        sender = OutboxSender(self._transport, outbox, self._clock, self._limits)
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(entry, outbox))
                await sender.run(lambda: None)
                reading.cancel()
        finally:
            hub.leave(outbox)
        if entry.session.moved:
            self.close_code = endings.RESTART
        await part(self._transport, self._clock, self._limits, self.close_code, self._reason)

    async def _read(self, entry: Entry, outbox: Outbox) -> None:
        while True:
            try:
                await asyncio.sleep(0)  # give others a turn, however many messages are waiting
                await self._take(entry, await self._transport.receive())
            except Disconnected:
                outbox.discard()
                return
            except TooManyPromptsError as error:  # well formed: only too soon
                outbox.put(error_message(error).model_dump_json(), "error")
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

    async def _take(self, entry: Entry, received: str | bytes) -> None:
        if size_of(received) > self._limits.max_frame_bytes:
            raise FrameTooLargeError(f"A message may have {self._limits.max_frame_bytes} bytes at most.")
        if isinstance(received, bytes):
            raise UnexpectedMessageError("An observer sends no audio.", param="type")
        message = parse_observer_message(received)
        if isinstance(message, KeepAlive):
            return
        if self._nudging is None:
            raise UnexpectedMessageError("This link is for watching alone; it needs the scope nudge.", param="type")
        match message:
            case PromptSend():
                raised = entry.session.prompts.asked(message.id, entry.session.assessment.labels_asked_for)
                await self._nudging(Act.PROMPT_SENT)
                if entry.session.phase is not Phase.ENDED:
                    entry.session.prompts.send(raised)
            case PromptMute():
                prompt_of(message.id, entry.session.assessment.labels_asked_for)
                if message.id in entry.session.prompts.muted:
                    return
                await self._nudging(Act.PROMPT_MUTED)
                if entry.session.phase is not Phase.ENDED:
                    entry.session.snooze(message.id)
                    entry.session.prompts.mute(message.id)
            case _:
                assert_never(message)
