"""One socket serving one session: receive, score, send and watch, each a loop, all owned by one TaskGroup."""

import asyncio
import logging
from collections.abc import Callable

from server.assessment.engine import Core
from server.errors import IdleTimeoutError, TingqingError
from server.live import endings
from server.live.clock import Clock, deadline, pause
from server.live.endings import Ending
from server.live.intake import Intake
from server.live.limits import LiveLimits
from server.live.mailbox import Mailbox
from server.live.messages import error_message
from server.live.outbox import Outbox, OutboxSender
from server.live.session import Phase, Session
from server.live.transport import Disconnected, Transport
from server.wire.server import GoAway

log = logging.getLogger(__name__)

GONE = 1011
"""Close code for a peer that stopped reading: it may come back and resume."""

OnOver = Callable[["Connection", str | None], None]


class _Over(Exception):  # noqa: N818 - how a loop ends the others
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Connection:
    """Serve ``session`` over ``transport`` until one of them ends: call ``run`` once.

    ``on_over`` is called exactly once, when no loop touches the session any more and before the last messages are
    sent: with ``session.ended`` as JSON it ends the session, with ``None`` it detaches it. ``over`` is set right after.
    """

    def __init__(
        self,
        session: Session,
        core: Core,
        transport: Transport,
        clock: Clock,
        limits: LiveLimits,
        on_over: OnOver,
        *,
        replay_until: int = 0,
    ) -> None:
        self.session = session
        self.over = asyncio.Event()
        self.delivered = False
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._on_over = on_over
        self._outbox = Outbox(limits.outbox)
        self._mailbox = Mailbox()
        self._scored = asyncio.Event()
        self._scoring = False
        self._draining = False
        self._stop: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._intake = Intake(session, core, self._mailbox, clock, limits, replay_until)
        self._next_sample = core.next_sample

    @property
    def intake(self) -> Intake:
        return self._intake

    def stop(self, ending: Ending) -> None:
        """Ask the loops to end. While the last windows are being scored a lost line no longer matters."""
        if not self._stop.done() and not (self._draining and ending.lost):
            self._stop.set_result(ending)

    def warn_away(self, time_left_s: float) -> None:
        self.session.tell(GoAway(time_left_s=time_left_s), to="patient")

    async def run(self) -> None:
        sender = OutboxSender(
            self._transport,
            self._outbox,
            self._clock,
            send_s=self._limits.send_s,
            heartbeat_s=self._limits.heartbeat_s,
        )
        settled = False
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(sender.run(lambda: self.stop(endings.LOST)))
                self.session.attach(self._outbox)
                self.session.tell(self.session.started(self._next_sample), to="patient")
                self.session.recall_prompts()
                self.session.warn(self.session.warnings.start(self._clock.now()))
                ending, ended = await self._compose(await self._work())
                settled = True
                self._on_over(self, ended)
                self._intake.release()
                self._say_goodbye(ending, ended)
                await self._send_rest(sending)
        finally:
            if not settled:
                self._on_over(self, None)
            self.over.set()
        await self._close(ending)

    async def _compose(self, ending: Ending) -> tuple[Ending, str | None]:
        """``session.ended``, if the session ends; a long one on a thread, so that the others are not kept waiting."""
        if ending.reason is None:
            return ending, None
        heard = self._intake.heard
        try:
            if self.session.long:
                return ending, await asyncio.to_thread(self.session.ended, ending.reason, heard)
            return ending, self.session.ended(ending.reason, heard)
        except Exception:  # the session must be closed in order also where its result cannot be made
            log.exception("a result could not be put together")
            return endings.internal(), None

    def _say_goodbye(self, ending: Ending, ended: str | None) -> None:
        if ending.error is not None:
            self._outbox.put(error_message(ending.error).model_dump_json())
        if ended is not None:
            self._outbox.put(ended)
        self._outbox.close()
        self.over.set()

    async def _send_rest(self, sending: "asyncio.Task[bool]") -> None:
        try:
            async with deadline(self._clock, self._limits.send_s):
                await asyncio.wait([sending])
            self.delivered = sending.result()
        except TimeoutError:
            sending.cancel()

    async def _close(self, ending: Ending) -> None:
        code = GONE if ending.lost else ending.close_code
        reason = ending.error.code if ending.error is not None else ending.reason or ""
        try:
            async with deadline(self._clock, self._limits.send_s):
                await self._transport.close(code, reason)
        except (TimeoutError, Disconnected):
            log.info("a peer did not answer the close; its socket is dropped")

    # -- the loops

    async def _work(self) -> Ending:
        try:
            async with asyncio.TaskGroup() as group:
                for loop in (self._receive, self._score, self._watch, self._await_stop):
                    group.create_task(loop())
        except ExceptionGroup as raised:
            return _ending_of(raised)
        raise AssertionError("the loops end by raising")

    async def _await_stop(self) -> None:
        raise _Over(await self._stop)

    async def _receive(self) -> None:
        while True:
            try:
                ending = await self._intake.take(await self._transport.receive())
            except Disconnected:
                raise _Over(endings.LOST) from None
            except TingqingError as error:
                raise _Over(endings.fault(error)) from None
            if ending is endings.CLIENT:
                await self._score_the_rest()
            if ending is not None:
                raise _Over(ending)
            await asyncio.sleep(0)  # messages that are there already would be taken without a turn for the others

    async def _score(self) -> None:
        """One window at a time. A failing scorer makes null labels, never an exception."""
        assessment = self.session.assessment
        while (mail := await self._mailbox.take()) is not None:
            self._scoring = True
            if mail.lossless:
                await self._outbox.room()
            # From judgement to checkpoint without a pause: a line lost in between would have the window judged twice.
            assessed = await assessment.assess(mail.window, wait_for_mos=mail.lossless)
            self.session.judged(assessed, arrived=mail.arrived, checkpoint=mail.checkpoint, keep=mail.lossless)
            self._scoring = False
        self._scored.set()
        await asyncio.Event().wait()  # the group ends the loops together

    async def _score_the_rest(self) -> None:
        """After ``session.end``: the last windows, for as long as was promised."""
        self._draining = True
        within_s = self._limits.fast_tail_s if self.session.fast else self._limits.tail_s
        ends_at = self._clock.now() + within_s
        try:
            async with deadline(self._clock, within_s):
                await self._intake.finish()
                await self._scored.wait()
                await self.session.assessment.conclude(max(0.0, ends_at - self._clock.now()))
        except TimeoutError:
            self.session.assessment.shed += len(self._mailbox) + self._scoring

    async def _watch(self) -> None:
        """Idle patients, and sessions that have lasted too long."""
        limits = self._limits
        while True:
            now = self._clock.now()
            allowed_s = limits.pause_s if self.session.phase is Phase.PAUSED else limits.idle_s
            idle_at = now + limits.idle_s if self._intake.busy else self._intake.last_audio + allowed_s
            expires_at = self.session.started_at + limits.max_session_s
            if now >= expires_at:
                raise _Over(endings.EXPIRED)
            if now >= idle_at:
                raise _Over(endings.fault(IdleTimeoutError(f"No audio came for {allowed_s:g} s; silence is audio.")))
            warn_at = expires_at - limits.expiring_s
            if now >= warn_at:
                self.session.warn(self.session.warnings.expiring(now))
            dues = [due for due in (idle_at, expires_at, warn_at) if due > now]
            await pause(self._clock, min(min(dues) - now, limits.idle_s))


def _ending_of(raised: ExceptionGroup[Exception]) -> Ending:
    """The first loop that ended the others, unless one failed by a fault of ours."""
    faults = raised.subgroup(lambda error: not isinstance(error, _Over | ExceptionGroup))
    if faults is not None:
        log.error("a session's loop failed", exc_info=faults)
        return endings.internal()
    for error in raised.exceptions:
        if isinstance(error, _Over):
            return error.ending
    raise AssertionError("a group without an exception")
