"""Takes what was said from services beside the session: over a socket, or by single requests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from server.access.principal import Principal
from server.errors import (
    CapacityError,
    FrameTooLargeError,
    SessionExpiredError,
    SessionNotBegunError,
    TingqingError,
    TooManyChangesError,
    UnexpectedMessageError,
)
from server.live import endings
from server.live.admission import Admission
from server.live.clock import Clock, deadline
from server.live.entries import Entry
from server.live.guards import FaultGuard
from server.live.handshake import draining_error, part, refuse
from server.live.limits import LiveLimits
from server.live.messages import error_message
from server.live.registry import Registry
from server.live.session import Phase
from server.live.transport import Disconnected, Transport, size_of
from server.logs import about_session
from server.wire.transcriber import parse_transcriber_message
from server.wire.transcript import Segment, Transcript, TranscriptBody

NOT_BEGUN_S = 2.0
MOST = 4
"""Sockets at one session: a recogniser for each of two channels, and each once more after a broken line."""


class Transcribing:
    """Of the sessions of one process. ``draining``: whether newcomers are refused for good."""

    def __init__(
        self,
        registry: Registry,
        admission: Admission,
        clock: Clock,
        limits: LiveLimits,
        draining: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._clock = clock
        self._limits = limits
        self._draining = draining
        self._at: dict[str, int] = {}

    async def hear(self, session_id: str, site: str, body: str) -> None:
        """Take what was said in a running session, a TranscriptBody as JSON, and return once it is in the checkpoint.

        Raises SessionNotBegunError, UnknownSessionError, SessionExpiredError of one that ended, SessionElsewhereError,
        TooManyChangesError, StoreError.
        """
        segments = TranscriptBody.model_validate_json(body).segments
        await self._hear(await self._find(session_id, site), segments)

    async def _hear(self, entry: Entry, segments: Sequence[Segment]) -> None:
        session = entry.session
        await session.transcript.hear(segments, partial(self._registry.save, session))

    async def _find(self, session_id: str, site: str) -> Entry:
        if await self._admission.awaits(session_id, site):
            raise SessionNotBegunError("The patient has not connected yet.", retry_after_s=NOT_BEGUN_S)
        found = await self._registry.find_to_watch(session_id, site)
        if not isinstance(found, Entry):
            raise SessionExpiredError("This session has ended.")
        return found

    async def run(
        self,
        transport: Transport,
        principal: Principal,
        session_id: str,
        *,
        noted: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """A socket, until its peer leaves or the session ends. ``noted``: awaited with the id before it is let in."""
        about_session(session_id)
        try:
            if self._draining():
                raise draining_error()
            entry = await self._find(session_id, principal.site)
            if self._at.get(session_id, 0) >= MOST:
                raise CapacityError(
                    "Enough services transcribe this session.", retry_after_s=self._limits.retry_after_s
                )
            if noted is not None:
                await noted(session_id)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self._limits)
            return
        self._at[session_id] = self._at.get(session_id, 0) + 1
        try:
            await self._serve(transport, entry)
        finally:
            self._at[session_id] -= 1
            if not self._at[session_id]:
                del self._at[session_id]

    async def _serve(self, transport: Transport, entry: Entry) -> None:
        taking = asyncio.create_task(self._take_all(transport, entry))
        ending = asyncio.create_task(_end_of(entry))
        try:
            await asyncio.wait({taking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                fatal = taking.result()
                if fatal is not None:
                    await part(transport, self._clock, self._limits, fatal.close_code, fatal.code)
                return
        finally:
            for task in (taking, ending):
                task.cancel()
            await asyncio.wait({taking, ending})
        code = endings.RESTART if entry.session.moved else endings.ENDED
        await part(transport, self._clock, self._limits, code, "ended")

    async def _take_all(self, transport: Transport, entry: Entry) -> TingqingError | None:
        """Until the peer leaves (``None``), or one of its faults is fatal."""
        faults = FaultGuard()
        try:
            while True:
                message = await transport.receive()
                try:
                    await self._take(message, entry)
                except TooManyChangesError as error:  # well formed: only too soon
                    await self._say(transport, error)
                except TingqingError as error:
                    await self._say(transport, error)
                    if error.fatal and error.close_code == FrameTooLargeError.close_code:
                        return error
                    try:
                        faults.note(self._clock.now())
                    except TingqingError as fatal:
                        await self._say(transport, fatal)
                        return fatal
        except (Disconnected, TimeoutError):
            return None

    async def _say(self, transport: Transport, error: TingqingError) -> None:
        async with deadline(self._clock, self._limits.send_s):
            await transport.send_text(error_message(error).model_dump_json())

    async def _take(self, message: str | bytes, entry: Entry) -> None:
        if size_of(message) > self._limits.max_frame_bytes:
            raise FrameTooLargeError(f"A message may have {self._limits.max_frame_bytes} bytes at most.")
        if isinstance(message, bytes):
            raise UnexpectedMessageError("This socket takes no audio.", param="type")
        parsed = parse_transcriber_message(message)
        if isinstance(parsed, Transcript):
            await self._hear(entry, parsed.segments)


async def _end_of(entry: Entry) -> None:
    while entry.session.phase is not Phase.ENDED:
        await entry.changes()
