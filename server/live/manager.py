"""Every live session of a process: who may begin, return or observe, and how all sessions stop."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from server.access.principal import Principal
from server.access.tally import Tally
from server.access.tokens import Claim
from server.assessment.engine import Engine
from server.errors import SessionNotBegunError, TingqingError
from server.live import endings
from server.live.admission import Admission, Uncollected
from server.live.announcements import AnnouncementStore
from server.live.census import SessionCounts, census_of
from server.live.checkpoint import CheckpointStore, MemoryCheckpoints
from server.live.clock import Clock, LoopClock
from server.live.connection import Connection
from server.live.elsewhere import Elsewhere, Nowhere
from server.live.emptying import Emptying
from server.live.entries import Entry
from server.live.handover import Handover
from server.live.handshake import capacity_error, draining_error, first_message, part, refuse
from server.live.limits import LiveLimits
from server.live.listing import Listing
from server.live.load_meter import LoadMeter
from server.live.load_state import Census
from server.live.observer import Nudging, Observer
from server.live.outcome import RecentResults, Remembered, ResultSink
from server.live.pending import SessionTerms
from server.live.registry import Registry
from server.live.starting import Begun, StartingSockets
from server.live.transcribing import Transcribing
from server.live.transport import Disconnected, Transport
from server.live.whereabouts import Known
from server.logs import about_session
from server.wire.client import SessionStart

NOT_BEGUN_S = 2.0
"""How soon a doctor who came before the patient asks again."""


class SessionManager:
    """Built by the composition root, which enters it with ``async with``. ``run_stream`` and ``run_observer`` own the
    tasks of their socket and return when it is closed; a session that waits for its patient holds a timer, but no task.
    Call ``drain`` last; leaving the block drains what is left at once.
    """

    def __init__(
        self,
        engine: Engine,
        limits: LiveLimits | None = None,
        clock: Clock | None = None,
        *,
        sink: ResultSink | None = None,
        checkpoints: CheckpointStore | None = None,
        announced: AnnouncementStore | None = None,
        load: LoadMeter | None = None,
        files_run: Callable[[], bool] = lambda: False,
        elsewhere: Elsewhere | None = None,
        tally: Tally | None = None,
    ) -> None:
        """``sink``, ``checkpoints``, ``announced``: those of this process unless given. ``load``: started here; without
        one only the number of sessions is limited. ``files_run``: whether recordings are assessed beside the sessions.
        ``elsewhere``, ``tally``: what other processes have that serve the same port; by default there are none."""
        self.load = load
        self._files_run = files_run
        self.limits = self._limits = limits or LiveLimits()
        self._clock = clock or LoopClock()
        self._group = asyncio.TaskGroup()
        if sink is None:
            sink = RecentResults(self._clock, self._limits.resume_ttl_s, self._limits.max_ended_bytes)
        if checkpoints is None:
            checkpoints = MemoryCheckpoints()
        self._registry = Registry(self._clock, self._limits, sink, checkpoints, self._group)
        self._elsewhere = elsewhere or Nowhere()
        self._admission = Admission(engine, self._registry, self._limits, self._clock, load, self._elsewhere, announced)
        self.listing = Listing(self._registry, self._admission)
        self.transcribing = Transcribing(
            self._registry, self._admission, self._clock, self._limits, lambda: self._draining
        )
        self._handover = Handover(engine, self._registry, self._limits, self._clock, self._group)
        checkpoints.serve(self._handover)
        self._observers: set[Observer] = set()
        self.starting = StartingSockets(self._limits, tally)
        self.known = Known(self._registry, self._admission.announced, sink)
        self._draining = False
        self._emptying = Emptying(self._clock)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        if self.load is not None:
            self.load.start(self._census)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.drain(0.0)
        finally:
            if self.load is not None:
                self.load.stop()
            await self._group.__aexit__(kind, error, trace)
            await self._registry.let_go()

    def _census(self) -> Census:
        here = [(connection.session, connection.waits_since) for connection in self._registry.connections]
        away = [entry.session for entry in self._registry.waiting]
        return census_of(here, away, self._clock.now(), files_run=self._files_run())

    def counts(self) -> SessionCounts:
        """Sessions and observers of this process, now."""
        return SessionCounts(
            starting=len(self.starting),
            pending=self._admission.pending,
            live=len(self._registry.connections),
            waiting=len(self._registry.waiting),
            observers=len(self._observers),
            lasting=self._registry.lasting,
        )

    @property
    def draining(self) -> bool:
        """Whether newcomers are refused for good."""
        return self._draining

    @property
    def full(self) -> bool:
        """True while a new session would be refused."""
        return self._admission.full

    # -- patients

    async def announce(self, principal: Principal, terms: SessionTerms) -> str:
        """The id of a session that has no socket yet; ``run_stream`` claims it within ``claim_s`` seconds.

        Raises DrainingError, CapacityError, LabelQueryError.
        """
        if self._draining:
            raise draining_error()
        session_id = await self._admission.announce(principal, terms)
        if self.draining:
            self.withdraw(session_id)
            raise draining_error()
        return session_id

    def withdraw(self, session_id: str) -> None:
        """Nobody got to know of this announced session: it must not hold its place."""
        self._admission.withdraw(session_id)

    async def run_stream(
        self,
        transport: Transport,
        principal: Principal,
        *,
        claim: Claim | None = None,
        noted: Callable[[str], Awaitable[None]] | None = None,
        address: str = "",
    ) -> None:
        """A patient's socket, from ``session.start`` to its close. ``claim``: of the session that was announced.

        ``noted`` is awaited with the session's id before the socket is let into it; what it raises refuses the socket.
        ``address``: under which the socket counts until the session has begun, and then the session; empty: under none.
        """
        try:
            with self.starting.place(principal, claim, address), self.starting.begins(address) as begun:
                connection = await self._start(transport, principal, claim, noted or _nobody_asks, begun)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self._limits)
            return
        except Disconnected:
            return
        if connection is None:
            return
        try:
            await connection.run()
        finally:
            self._emptying.changed()

    async def _start(
        self,
        transport: Transport,
        principal: Principal,
        claim: Claim | None,
        noted: Callable[[str], Awaitable[None]],
        begun: Begun,
    ) -> Connection | None:
        """``None``: the session had ended, and its patient has been given the result."""
        if self._draining and self._registry.lasting:
            raise draining_error()
        start = await first_message(transport, self._clock, self._limits)
        begun.check(again=start.resume is not None or self.known.runs(claim, principal.site))
        if self._refuses(start):
            raise draining_error()
        accepted = await self._admission.admit(start, principal, claim, noted)
        if isinstance(accepted, Uncollected):
            await self._deliver(transport, accepted)
            return None
        if self._refuses(start):
            await self._admission.refuse_again(accepted)
            raise draining_error()
        connection = Connection(
            accepted.session,
            accepted.core,
            transport,
            self._clock,
            self._limits,
            self._registry,
            replay_until=accepted.replay_until,
            load=self.load,
        )
        entry = self._registry.attach(accepted.session, connection)
        entry.others_know(self._elsewhere.tells(accepted.session.site))
        entry.counts_as(begun)
        return connection

    def _refuses(self, start: SessionStart) -> bool:
        """While the server stops. Where no other process can go on with a session, its patient may come back here."""
        return self._draining and (start.resume is None or self._registry.lasting)

    async def _deliver(self, transport: Transport, ended: Uncollected) -> None:
        """The result again, as long as it is kept: that it was sent does not tell that it arrived."""
        await part(transport, self._clock, self._limits, endings.ENDED, "client", ended.farewell.ended)

    # -- observers

    async def run_observer(
        self,
        transport: Transport,
        principal: Principal,
        session_id: str,
        *,
        noted: Callable[[str], Awaitable[None]] | None = None,
        nudging: Nudging | None = None,
    ) -> None:
        """A doctor's socket: the snapshot, then the latest, until the session ends. ``noted``: as of a patient; not
        awaited while the session has not begun, since who waits for it asks every other second. ``nudging``: of who may
        send and mute prompts."""
        about_session(session_id)
        try:
            if self._draining:
                raise draining_error()
            if await self._admission.awaits(session_id, principal.site):
                raise SessionNotBegunError("The patient has not connected yet.", retry_after_s=NOT_BEGUN_S)
            await self._registry.check_here(session_id, principal.site)
            await (noted or _nobody_asks)(session_id)
            found = await self._registry.find_to_watch(session_id, principal.site)
            if isinstance(found, Entry) and len(found.session.hub) >= self._limits.max_observers:
                raise capacity_error(self._limits)
        except TingqingError as error:
            await refuse(transport, error, self._clock, self._limits)
            return
        observer = Observer(transport, self._clock, self._limits, nudging)
        self._observers.add(observer)
        try:
            if isinstance(found, Entry):
                await observer.follow(found)
            else:
                await observer.show(_last_snapshot(found))
        finally:
            self._observers.discard(observer)
            self._emptying.changed()

    # -- the end

    async def drain(self, within_s: float) -> None:
        """Refuse newcomers, send ``go_away`` to patients, and end the remaining sessions after ``within_s`` seconds, or
        when ``hurry`` is called."""
        self._draining = True
        self._handover.close()
        for connection in self._registry.connections:
            connection.warn_away(within_s, resumable=self._registry.lasting)
        if within_s > 0:
            await self._emptying.patience(within_s, self._has_patients)
        for connection in self._registry.connections:
            connection.stop(endings.LEFT if self._registry.lasting else endings.DRAIN)
        for observer in self._observers:
            observer.close_code = endings.RESTART
        await self._emptying.closed(self._limits.tail_s, self._has_patients)
        self._admission.close()
        await self._registry.close()
        await self._emptying.closed(self._limits.tail_s, lambda: self._has_patients() or bool(self._observers))

    def hurry(self) -> None:
        """The drain, now or later, waits for no patient: sessions are left or ended at once."""
        self._emptying.hurry()

    def _has_patients(self) -> bool:
        return bool(self._registry.connections)


async def _nobody_asks(_session_id: str) -> None:
    """Where no audit is kept."""


def _last_snapshot(ended: Remembered) -> str:
    assert ended.farewell is not None, "find gives what is still there"
    return ended.farewell.for_observers()
