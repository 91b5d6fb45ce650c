"""Every live session of a process: who may begin, who comes back, who watches, and how all of it stops."""

import asyncio
from dataclasses import dataclass

from server.assessment.engine import Core, Engine
from server.errors import (
    ConfigError,
    SessionExpiredError,
    TingqingError,
)
from server.live import endings
from server.live.clock import Clock, LoopClock, deadline
from server.live.connection import Connection
from server.live.handshake import capacity_error, draining_error, first_message, refuse
from server.live.limits import LiveLimits
from server.live.observer import Observer
from server.live.registry import Ended, Entry, Registry
from server.live.session import Session
from server.live.transport import Disconnected, Transport
from server.values.audio import AudioFormat, Encoding
from server.wire.client import ResumeConfig, SessionStart

REPLAY_SLACK_S = 1.0
"""Added to what a returning client can have captured meanwhile: its clock and ours are not the same."""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """``starting``: sockets before ``session.started``. ``waiting``: sessions without a socket."""

    starting: int
    live: int
    waiting: int
    ended: int
    observers: int


@dataclass(slots=True)
class _Accepted:
    session: Session
    core: Core
    replay_until: int = 0


class SessionManager:
    """Owned by the composition root. ``run_stream`` and ``run_observer`` own the tasks of their socket and return when
    it is closed; sessions that wait for their patient hold a timer and no task. ``drain`` comes last."""

    def __init__(self, engine: Engine, limits: LiveLimits | None = None, clock: Clock | None = None) -> None:
        self._engine = engine
        self._limits = limits or LiveLimits()
        self._clock = clock or LoopClock()
        self._registry = Registry(self._clock, self._limits)
        self._observers: set[Observer] = set()
        self._starting = 0
        self._draining = False
        self._emptied = asyncio.Event()

    def counts(self) -> SessionCounts:
        return SessionCounts(
            starting=self._starting,
            live=len(self._registry.connections),
            waiting=len(self._registry.waiting),
            ended=self._registry.ended_count,
            observers=len(self._observers),
        )

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def full(self) -> bool:
        """True while a new session would be refused."""
        return len(self._registry.connections) >= self._limits.max_sessions

    # -- patients

    async def run_stream(self, transport: Transport) -> None:
        """A patient's socket, from ``session.start`` to its close."""
        self._starting += 1
        try:
            connection = await self._start(transport)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self._limits)
            return
        except Disconnected:
            return
        finally:
            self._starting -= 1
        if connection is None:
            return
        try:
            await connection.run()
            if connection.delivered:
                self._registry.delivered(connection.session.id)
        finally:
            self._one_less()

    async def _start(self, transport: Transport) -> Connection | None:
        """``None``: the session had ended, and its patient has been given the result."""
        if self._draining:
            raise draining_error()
        if self._starting > 2 * self._limits.max_sessions:
            raise capacity_error(self._limits)
        start = await first_message(transport, self._clock, self._limits)
        if self._draining:
            raise draining_error()
        if start.resume is None:
            accepted = self._begin(start)
        else:
            found = await self._take_over(start.resume, _format_of(start))
            if isinstance(found, Ended):
                await self._deliver(transport, found, start.resume.session_id)
                return None
            accepted = self._resume(found)
        connection = Connection(
            accepted.session,
            accepted.core,
            transport,
            self._clock,
            self._limits,
            self._on_over,
            replay_until=accepted.replay_until,
        )
        self._registry.attach(accepted.session, connection)
        return connection

    def _begin(self, start: SessionStart) -> _Accepted:
        if self.full:
            raise capacity_error(self._limits)
        labels = self._engine.dictionaries.resolve(start.labels)
        core = self._engine.make_core(_format_of(start))
        return _Accepted(Session(self._engine, self._limits, self._clock, start, labels), core)

    async def _take_over(self, resume: ResumeConfig, audio: AudioFormat) -> Entry | Ended:
        """The session without its former socket, which is told and closed, but not for a format that cannot go on."""
        while True:
            found = self._registry.find_own(resume.session_id, resume.resume_token)
            if isinstance(found, Ended):
                if found.undelivered:
                    return found
                raise SessionExpiredError("This session has ended.")
            if audio != found.session.audio:
                raise ConfigError("A resumed session keeps its audio format; begin one for another.", param="audio")
            if found.connection is None:
                return found
            older = found.connection
            older.stop(endings.superseded())
            try:
                async with deadline(self._clock, self._limits.send_s):
                    await older.over.wait()
            except TimeoutError:
                raise capacity_error(self._limits) from None

    def _resume(self, entry: Entry) -> _Accepted:
        session = entry.session
        core = (
            self._engine.make_core(session.audio)
            if session.checkpoint is None
            else self._engine.restore_core(session.checkpoint)
        )
        away_s = self._clock.now() - entry.detached_at + REPLAY_SLACK_S
        return _Accepted(session, core, session.furthest_sample + round(away_s * session.audio.sample_rate))

    async def _deliver(self, transport: Transport, ended: Ended, session_id: str) -> None:
        """The result that its patient never got, because the line broke while the last window was scored."""
        try:
            async with deadline(self._clock, self._limits.send_s):
                await transport.send_text(ended.text)
                self._registry.delivered(session_id)
                await transport.close(endings.ENDED, "client")
        except TimeoutError:
            return

    def _on_over(self, connection: Connection, ended: str | None) -> None:
        if ended is None:
            self._registry.detach(connection.session, connection.intake.heard)
        else:
            self._registry.end(connection.session, ended, undelivered=True)

    # -- observers

    async def run_observer(self, transport: Transport, session_id: str) -> None:
        """A doctor's socket: the snapshot, then the latest, until the session ends."""
        try:
            if self._draining:
                raise draining_error()
            found = self._registry.find(session_id)
            if isinstance(found, Entry) and len(found.session.hub) >= self._limits.max_observers:
                raise capacity_error(self._limits)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self._limits)
            return
        observer = Observer(transport, self._clock, self._limits)
        self._observers.add(observer)
        try:
            if isinstance(found, Ended):
                await observer.show(found.for_observers())
            else:
                await observer.follow(found.session)
        finally:
            self._observers.discard(observer)
            self._one_less()

    # -- the end

    async def drain(self, within_s: float) -> None:
        """Refuse who comes, tell who is there to go, and after ``within_s`` seconds end every session that is left."""
        self._draining = True
        for connection in self._registry.connections:
            connection.warn_away(within_s)
        if within_s > 0:
            await self._until_empty(within_s)
        for connection in self._registry.connections:
            connection.stop(endings.DRAIN)
        for observer in self._observers:
            observer.close_code = endings.RESTART
        await self._until_empty(self._limits.tail_s)
        self._registry.close()
        await self._until_empty(self._limits.tail_s, observers=True)

    async def _until_empty(self, within_s: float, *, observers: bool = False) -> None:
        """Until no patient (and, if asked, no observer) is left, or ``within_s`` seconds have passed."""
        try:
            async with deadline(self._clock, within_s):
                while self._registry.connections or (observers and self._observers):
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            return

    def _one_less(self) -> None:
        self._emptied.set()


def _format_of(start: SessionStart) -> AudioFormat:
    return AudioFormat(Encoding(start.audio.encoding), start.audio.sample_rate)
