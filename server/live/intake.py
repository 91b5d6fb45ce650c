"""Handles a patient's messages: audio into the core, windows into the mailbox, control."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import assert_never

from server.assessment.engine import HeardAudio
from server.errors import (
    AudioError,
    FrameTooLargeError,
    NonFiniteSamplesError,
    OddLengthError,
    TingqingError,
    TooManyChangesError,
    UnexpectedMessageError,
)
from server.live import endings
from server.live.acks import Acks
from server.live.clock import Clock
from server.live.endings import Ending
from server.live.flow import CatchingUp, Current, Finished, Flow, moved
from server.live.gathering import Gathering
from server.live.guards import FaultGuard, PaceGuard
from server.live.limits import LiveLimits
from server.live.loop_watch import LoopWatch
from server.live.mailbox import Mail, Mailbox
from server.live.messages import error_message, level_message, speech_message
from server.live.session import Phase, Session
from server.live.session_clock import SessionClock
from server.live.transport import size_of
from server.stream.core import StreamCore
from server.stream.events import Level, SpeechStarted, SpeechStopped, StreamEvent, WindowReady
from server.wire.client import (
    AudioGap,
    AudioPause,
    AudioResume,
    FarEnd,
    KeepAlive,
    LabelsUpdate,
    PromptSnooze,
    SessionEnd,
    SessionStart,
    parse_client_message,
)
from server.wire.transcript import Transcript


class Intake:
    """Owns the core of one socket. Call ``take`` for each message, one at a time; ``finish`` after ``session.end``.

    ``replay_until``: 0, or the sample up to which it is CatchingUp. ``save`` is awaited when a control message changed
    something that a resume needs.
    """

    def __init__(
        self,
        session: Session,
        core: StreamCore,
        mailbox: Mailbox,
        clock: Clock,
        limits: LiveLimits,
        replay_until: int,
        save: Callable[[], Awaitable[None]],
        watch: LoopWatch,
    ) -> None:
        self.busy = False
        self._session = session
        self._core = core
        self._gathering = Gathering(core, lambda: watch.busy)
        self._mailbox = mailbox
        self._clock = clock
        self._limits = limits
        self._rate = session.audio.sample_rate
        self._flow: Flow = CatchingUp(replay_until) if replay_until else Current()
        self._save = save
        session.declaration.begin_again()
        self._faults = FaultGuard()
        self._pace = PaceGuard(clock.now())
        self._watch = watch
        self._due = SessionClock(self._rate)
        self._idle_s = 0.0
        self._acks = Acks(session, clock, lambda: self.received, paced=not self._lossless())

    @property
    def received(self) -> int:
        """Samples taken so far, heard or not; during a replay, the position reached."""
        return self._gathering.received

    @property
    def heard(self) -> HeardAudio:
        """During a replay the core has heard less than was judged before it; the session says how much."""
        heard = HeardAudio.of(self._core)
        samples = max(self.received, self._session.furthest_sample)
        return HeardAudio(samples, heard.sample_rate, heard.speech_s, heard.totals)

    async def take(self, message: str | bytes, idle_s: float = 0.0) -> Ending | None:
        """Handle one message; returns the ending it causes, if any. Raises fatal errors.

        ``idle_s``: for how long nothing had waited to be taken.
        """
        self.busy = True
        self._idle_s += idle_s
        self._session.unheard = False
        try:
            size = size_of(message)
            if size > self._limits.max_frame_bytes:
                raise FrameTooLargeError(
                    f"A message of {size} bytes is too large; send {self._limits.max_frame_bytes} at most, "
                    "20 to 100 ms of audio each."
                )
            if message == b"":
                return None  # empty: it neither ends a pause nor keeps a session alive
            if isinstance(message, bytes):
                await self._audio(message)
            elif await self._control(message):
                return endings.CLIENT
            over = self.received >= self._limits.max_session_s * self._rate
            return endings.EXPIRED if over else None
        finally:
            self.busy = False

    async def finish(self) -> None:
        """No more audio: flush the core; its last window is queued like the others."""
        await self._hear(self._clock.now())
        self._flow = moved(self._flow, Finished())
        try:
            events = self._core.finish()
        except OddLengthError as error:
            self.tell_error(error)
            events = self._core.finish()
        await self._spread(events, self._clock.now())
        self._acks.tell()
        self._mailbox.close()

    def release(self) -> None:
        """Release the core now: its rings must not wait for the garbage collector. Nothing comes after."""
        self._acks.close()
        del self._core, self._gathering

    # -- audio

    async def _audio(self, data: bytes) -> None:
        arrived = self._clock.now()
        if self._session.phase is Phase.PAUSED:
            self._session.pause(False)
            self._session.idle.turned(arrived)
        idle_s, self._idle_s = self._idle_s, 0.0
        if not self._lossless():
            samples = len(data) // self._session.audio.encoding.sample_bytes
            self._pace.take(samples / self._rate, arrived, self._watch.late(arrived))
            self._due.chunk(self.received + samples, arrived, idle_s)
        guess = self._session.declaration.take(data)
        if guess is not None:
            self._session.engine.metrics.undecoded("session", "not_what_was_declared")
            self._session.misdeclared(guess)
        if self._gathering.add(data):
            await self._hear(arrived)
        self._after_audio(len(data) / self._session.audio.encoding.sample_bytes)

    async def _hear(self, arrived: float) -> None:
        """Give the core what was taken and waits; a chunk that holds no samples is mended, those beside it are not."""
        chunks = self._gathering.take()
        try:
            pieces = self._core.take_pcm(b"".join(chunks))
        except NonFiniteSamplesError:
            for chunk in chunks:
                await self._hear_chunk(chunk, arrived)
        else:
            await self._spread_all(pieces, arrived)

    async def _hear_chunk(self, chunk: bytes, arrived: float) -> None:
        try:
            pieces = self._core.take_pcm(chunk)
        except NonFiniteSamplesError as error:
            await self._spread_all(self._core.mend_pcm(chunk), arrived)
            self.tell_error(error)
            self._session.warn(self._session.warnings.gap(arrived))
        else:
            await self._spread_all(pieces, arrived)

    async def _gap(self, samples: int) -> None:
        arrived = self._clock.now()
        await self._hear(arrived)
        if self._core.half_open:
            self.tell_error(OddLengthError("A gap cut a sample; its bytes were left out."))
        self._session.warn(self._session.warnings.gap(arrived))
        # A gap does not arrive in real time: its windows wait for one another, and its levels are not sent.
        await self._spread_all(self._core.take_gap(samples), arrived, gap=True)
        self._after_audio(0)
        self._acks.tell()

    def _after_audio(self, samples: float) -> None:
        self._session.idle.audio(samples / self._rate, self._clock.now())
        if isinstance(self._flow, CatchingUp) and self._core.samples_received >= self._flow.until:
            self._flow = moved(self._flow, Current())
            self._acks.paced = not self._lossless()
        self._acks.due()

    def _lossless(self, *, gap: bool = False) -> bool:
        return gap or self._session.fast or isinstance(self._flow, CatchingUp)

    async def _spread_all(self, pieces: Iterable[list[StreamEvent]], arrived: float, *, gap: bool = False) -> None:
        """A long message must not block the other sessions: they get a turn after each piece."""
        for events in self._watch.timed(pieces):
            await self._spread(events, arrived, gap=gap)
            await asyncio.sleep(0)

    async def _spread(self, events: list[StreamEvent], arrived: float, *, gap: bool = False) -> None:
        """Route each event. Of several windows, only after the last does the core's state belong to a window."""
        windows = [event for event in events if isinstance(event, WindowReady)]
        last_level = next((event for event in reversed(events) if isinstance(event, Level)), None)
        for event in events:
            match event:
                case WindowReady():
                    await self._post(event, arrived, last=event is windows[-1], gap=gap)
                case Level():
                    if not gap:
                        if event is last_level:  # the latest wins
                            self._session.tell(level_message(event), key="level")
                        self._session.warn(self._session.warnings.level(event, arrived))
                case SpeechStarted() | SpeechStopped():
                    self._session.tell(speech_message(event, self._rate))
                case _:
                    assert_never(event)

    async def _post(self, event: WindowReady, arrived: float, *, last: bool, gap: bool) -> None:
        finished = isinstance(self._flow, Finished)
        core = self._core.frozen() if last and not finished else None
        lossless = self._lossless(gap=gap)
        due = None if lossless else self._due.due(event.window.end_sample)
        mail = Mail(event.window, arrived if due is None else due, core, lossless)
        self._session.assessment.expect(event.window)
        if mail.lossless or finished or self._mailbox.holds_lossless:
            await self._mailbox.put(mail)
        elif self._mailbox.put_newest(mail):
            self._session.assessment.windows_replaced += 1
            self._session.engine.metrics.window_replaced()
            self._session.warn(self._session.warnings.replaced(arrived))
        self._acks.tell()

    # -- control

    async def _control(self, text: str) -> bool:
        """True after ``session.end``. Raises TooManyFaultsError at the fifth fault in 10 s."""
        try:
            return await self._obey(text)
        except TooManyChangesError as error:  # well formed: only too soon
            self.tell_error(error)
            return False
        except TingqingError as error:
            self.tell_error(error)
            self._faults.note(self._clock.now())
            return False

    async def _obey(self, text: str) -> bool:
        session = self._session
        message = parse_client_message(text)
        match message:
            case AudioPause() | AudioResume():
                await self._hear(self._clock.now())
                session.pause(isinstance(message, AudioPause))
                self._due.restart()
                session.idle.turned(self._clock.now())
            case AudioGap():
                await self._gap(message.samples)
            case FarEnd():
                await self._hear(self._clock.now())
                self._core.far_end(message.speaking)
            case Transcript():
                session.transcript.offer(message.segments)
            case LabelsUpdate():
                session.changes.note(self._clock.now())
                await session.change_labels(message.labels)
                await self._save()
            case PromptSnooze():
                session.snooze(message.id)
                session.prompts.decline(message.id, session.assessment.labels_asked_for)
                await self._save()
            case KeepAlive():
                pass
            case SessionStart():
                raise UnexpectedMessageError("The session has started already; session.start comes once.", param="type")
            case SessionEnd():
                return True
            case _:
                assert_never(message)
        return False

    def tell_error(self, error: TingqingError) -> None:
        """To the patient's client."""
        if isinstance(error, AudioError):
            self._session.engine.metrics.undecoded("session", error.code)
        self._session.tell(error_message(error), to="patient")
