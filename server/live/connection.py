"""One socket serving one session: receive, score, send and watch, each a loop, all owned by one TaskGroup."""

import asyncio
import logging
from typing import Protocol

from server.assessment.engine import HeardAudio
from server.assessment.updates import Assessed
from server.errors import IdleTimeoutError, TingqingError
from server.live import endings
from server.live.clock import Clock, deadline, pause
from server.live.concluding import conclude
from server.live.connection_state import Closed, Closing, ConnectionLife, Draining, Receiving, Stopping
from server.live.endings import Ending
from server.live.handshake import part
from server.live.intake import Intake
from server.live.limits import LiveLimits
from server.live.load_meter import LoadMeter
from server.live.loop_watch import LoopWatch
from server.live.mailbox import Mail, Mailbox
from server.live.messages import error_message
from server.live.newcomers import started_message
from server.live.outbox import Outbox, OutboxSender
from server.live.outcome import Outcome
from server.live.session import Phase, Session
from server.live.transport import Disconnected, Transport
from server.logs import about_session
from server.stream.core import StreamCore
from server.wire.server import GoAway

log = logging.getLogger(__name__)

KEPT_BEHIND_S = 4
"""Seconds of audio after which a stream that comes faster than it is spoken waits until its checkpoint is kept: its
client keeps 20 s, of which a resume replays 10 s, and is up to 4 s ahead.
"""

AT_A_TURN = 8
"""Messages that are only taken, after which others get a turn; they get one after each block that is heard."""

GONE = 1011
"""Close code for a peer that stopped reading: it may come back and resume."""


class SessionHome(Protocol):
    """Where a session is kept between its sockets and after the last."""

    async def save(self, session: Session, *, at_once: bool = False) -> None:
        """Keep what another process needs to continue. ``at_once``: before it returns."""
        ...

    async def end(self, session: Session, outcome: Outcome) -> None:
        """The session is over."""
        ...

    def detach(self, session: Session, heard: HeardAudio, why: str) -> None:
        """The session waits for its patient."""
        ...


class Connection:
    """Serve ``session`` over ``transport`` until one of them ends: call ``run`` once.

    ``home`` is told exactly once that the session ended or is detached: when no loop touches the session any more, and
    before the last messages are sent.
    """

    def __init__(
        self,
        session: Session,
        core: StreamCore,
        transport: Transport,
        clock: Clock,
        limits: LiveLimits,
        home: SessionHome,
        *,
        replay_until: int = 0,
        load: LoadMeter | None = None,
    ) -> None:
        """``load``: is told how late updates are; without one the loop counts as never late."""
        self.session = session
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._home = home
        self._life = ConnectionLife()
        self._outbox = Outbox(limits.outbox)
        self._mailbox = Mailbox()
        self._load = load
        self._watch = LoopWatch(clock) if load is None else load.watch
        self._intake = Intake(session, core, self._mailbox, clock, limits, replay_until, self._save, self._watch)
        self._next_sample = core.next_sample
        self._kept = core.next_sample

    @property
    def waits_since(self) -> float | None:
        """Clock time from which the oldest window that was not judged yet is late; ``None`` if none waits."""
        return self._mailbox.oldest_due

    def stop(self, ending: Ending) -> None:
        """Ask the loops to end; the first ending counts. While the last windows are scored, a lost line is ignored."""
        match self._life.state:
            case Receiving():
                self._life.move(Stopping(ending))
            case Draining() if not ending.lost:
                self._life.move(Stopping(ending))

    def warn_away(self, time_left_s: float, *, resumable: bool) -> None:
        """Tell the patient that the server stops in ``time_left_s``; nothing else changes yet. ``resumable``: another
        process can go on at once."""
        self.session.tell(GoAway(time_left_s=time_left_s, resumable=resumable), to="patient")

    async def run(self) -> Closed:
        """Serve until the socket or its session ends; returns how. Raises nothing that the peer caused."""
        about_session(self.session.id)
        sender = OutboxSender(self._transport, self._outbox, self._clock, self._limits)
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(sender.run(lambda: self.stop(endings.LOST)))
                await self._home.save(self.session, at_once=True)  # whoever knows the session can come back to it
                self._welcome()
                ending = await self._settle(await self._work())
                self._outbox.close()
                delivered = await self._send_rest(sending)
        finally:
            if not isinstance(self._life.state, Closing):
                self._home.detach(self.session, self._intake.heard, "its handler was cancelled")
                self._life.move(Closed(delivered=False))
        await self._close(ending)
        if ending.reason is not None:
            self.session.engine.metrics.result_delivered(delivered)
        # A socket whose session continues elsewhere gets no result, even if the session has ended by now.
        closed = Closed(delivered and ending.reason is not None)
        self._life.move(closed)
        return closed

    def _welcome(self) -> None:
        self.session.attach(self._outbox)
        self.session.tell(started_message(self.session, self._next_sample), to="patient")
        self.session.prompts.recall()
        self.session.warn(self.session.warnings.start(self._clock.now()))

    async def _settle(self, ending: Ending) -> Ending:
        """End the session or leave it to be resumed, queue the last messages, and return the final ending."""
        ending, outcome = await self._conclude(ending)
        heard = self._intake.heard
        if outcome is None:
            self.session.left = ending.left_page
            self._home.detach(self.session, heard, ending.why)
        else:
            await self._home.end(self.session, outcome)
        self._life.move(Closing(ending))
        self._intake.release()
        if ending.error is not None:
            self._outbox.put(error_message(ending.error).model_dump_json())
        if outcome is not None and outcome.farewell is not None:
            self._outbox.put(outcome.farewell.ended)
        return ending

    async def _conclude(self, ending: Ending) -> tuple[Ending, Outcome | None]:
        if ending.reason is None:
            return ending, None
        try:
            return ending, await conclude(self.session, ending.reason, self._intake.heard)
        except Exception:  # the session must be closed properly even if its result cannot be built
            log.exception("a result could not be put together")
            return endings.internal(), None

    async def _send_rest(self, sending: "asyncio.Task[bool]") -> bool:
        """True if the peer received every message."""
        try:
            async with deadline(self._clock, self._limits.send_s):
                await asyncio.wait([sending])
            return sending.result()
        except TimeoutError:
            sending.cancel()
            return False

    async def _close(self, ending: Ending) -> None:
        code = GONE if ending.lost else ending.close_code
        reason = ending.error.code if ending.error is not None else ending.reason or ""
        await part(self._transport, self._clock, self._limits, code, reason)

    # -- the loops

    async def _work(self) -> Ending:
        """Run until something stops the connection; a loop that fails is our fault, whatever else stopped it."""
        try:
            async with asyncio.TaskGroup() as group:
                loops = [group.create_task(loop()) for loop in (self._receive, self._score, self._look_after)]
                loops.append(group.create_task(self.session.transcript.run(self._save, self._intake.tell_error)))
                stopping = await self._life.until(Stopping)
                for loop in loops:
                    loop.cancel()
        except ExceptionGroup as faults:
            log.error("a session's loop failed", exc_info=faults)
            return endings.internal()
        return stopping.ending

    async def _receive(self) -> None:
        ending: Ending | None = None
        taken = 0
        while ending is None:
            try:
                message, idle_s = await self._next()
                ending = await self._intake.take(message, idle_s)
            except Disconnected as gone:
                ending = endings.left(gone.code)
            except TingqingError as error:
                ending = endings.fault(error)
            taken += 1
            if ending is None and taken % AT_A_TURN == 0:
                await asyncio.sleep(0)  # messages already received would be taken without giving others a turn
        if ending is endings.CLIENT and isinstance(self._life.state, Receiving):
            await self._score_the_rest()
        self.stop(ending)

    async def _next(self) -> tuple[str | bytes, float]:
        """The next message, and for how long a server that was free to take it waited for it."""
        since = self._clock.now()
        late_s = self._watch.late(since)
        message = await self._transport.receive()
        now = self._clock.now()
        return message, max(0.0, now - since - (self._watch.late(now) - late_s))

    async def _score(self) -> None:
        """One window at a time. A failing scorer makes null labels, never an exception."""
        assessment = self.session.assessment
        while (mail := await self._mailbox.take()) is not None:
            if mail.lossless:
                await self._outbox.room()
            shed_before = assessment.shed
            # No await between judgement and checkpoint: a line lost in between would have the window judged twice.
            with self.session.engine.tracer.start_as_current_span("judge window", record_exception=False) as span:
                assessed = await assessment.assess(
                    mail.window, wait_for_mos=mail.lossless, observed=lambda: len(self.session.hub) > 0
                )
                span.set_attributes({"queue_s": assessed.queue_s, "inference_s": assessed.inference_s})
            self.session.engine.metrics.windows_shed(assessment.shed - shed_before)
            self.session.judged(
                assessed, due=mail.due, core=mail.core, received=self._intake.received, keep=mail.lossless
            )
            self._tell_load(mail, assessed)
            if mail.core is not None:
                await self._keep(mail)
            del mail  # its 10 s of PCM, 0.7 MB, must not wait with us for the next window

    def _tell_load(self, mail: Mail, assessed: Assessed) -> None:
        if self._load is None or self.session.fast:
            return
        self._load.judged(assessed.without)
        if not mail.lossless:
            self._load.lag(1000 * (self._clock.now() - mail.due), 1000 * assessed.inference_s)

    async def _keep(self, mail: Mail) -> None:
        """Audio that comes faster than it is spoken waits for its checkpoint now and then."""
        end = mail.window.end_sample
        at_once = mail.lossless and end - self._kept >= KEPT_BEHIND_S * self.session.audio.sample_rate
        if at_once:
            self._kept = end
        await self._home.save(self.session, at_once=at_once)

    async def _save(self) -> None:
        await self._home.save(self.session)

    async def _score_the_rest(self) -> None:
        """After ``session.end``: score the last windows, within the promised time."""
        within_s = self._limits.fast_tail_s if self.session.fast else self._limits.tail_s
        until = self._clock.now() + within_s
        self._life.move(Draining(until))
        try:
            async with deadline(self._clock, within_s):
                await self._intake.finish()
                await self.session.transcript.all_heard()
                await self._mailbox.all_judged()
                await self.session.assessment.conclude(max(0.0, until - self._clock.now()))
        except TimeoutError:
            self.session.assessment.unjudged = self._mailbox.unjudged
            self.session.assessment.shed += self._mailbox.unjudged
            self.session.engine.metrics.windows_shed(self._mailbox.unjudged)

    async def _look_after(self) -> None:
        """Watch for idle patients and for sessions that last too long."""
        limits = self._limits
        while True:
            now = self._clock.now()
            paused = self.session.phase is Phase.PAUSED
            idle_at = now + limits.idle_s if self._intake.busy else self.session.idle.ends_at(paused=paused)
            expires_at = self.session.started_at + limits.max_session_s
            if now >= expires_at:
                return self.stop(endings.EXPIRED)
            if now >= idle_at:
                allowed_s = limits.pause_s if paused else limits.idle_s
                error = IdleTimeoutError(f"No audio, or hardly any, came for {allowed_s:g} s; silence is audio.")
                return self.stop(endings.fault(error))
            warn_at = expires_at - limits.expiring_s
            if now >= warn_at:
                self.session.warn(self.session.warnings.expiring(now))
            dues = [due for due in (idle_at, expires_at, warn_at) if due > now]
            await pause(self._clock, min(min(dues) - now, limits.idle_s))
