"""Who may begin a session, claim an announced one, or come back to one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from server.access.gate import TOKEN_EXPIRED
from server.access.principal import Principal
from server.access.tokens import Claim
from server.assessment.engine import Engine
from server.errors import (
    ForeignTokenError,
    SessionExpiredError,
    SnapshotError,
    TingqingError,
    TokenExpiredError,
    TokenUsedError,
)
from server.judge.labels import LabelSet
from server.live import endings
from server.live.announcements import Announcements, AnnouncementStore
from server.live.checkpoint import SessionCheckpoint
from server.live.checkpointing import away_s, restore_session
from server.live.clock import Clock, deadline
from server.live.elsewhere import Elsewhere, Nowhere
from server.live.entries import Attached, Entry, Waiting
from server.live.handshake import capacity_error, check_format, not_here, once
from server.live.known_voices import bring_voice
from server.live.limits import LiveLimits
from server.live.load_meter import LoadMeter
from server.live.messages import format_of
from server.live.outcome import Farewell, Remembered
from server.live.pending import Moving, SessionTerms, new_session_id
from server.live.registry import Registry
from server.live.room import Room
from server.live.session import Session
from server.stream.core import StreamCore
from server.values.audio import AudioFormat
from server.wire.client import ResumeConfig, SessionStart, requested

REPLAY_SLACK_S = 1.0
"""Added to the time in which a returning client can have captured audio: its clock and ours differ."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A session and its core. ``replay_until``: up to this sample the client sends again; 0 for a new one.
    ``redeemed``: the announced session that it begins."""

    session: Session
    core: StreamCore
    replay_until: int = 0
    redeemed: Moving | None = None


@dataclass(frozen=True, slots=True)
class Uncollected:
    """The session has ended, and its patient may not have got the result."""

    session_id: str
    farewell: Farewell


class Admission:
    """Decides on each ``session.start``. An accepted session is in the registry only once a socket is attached."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        limits: LiveLimits,
        clock: Clock,
        load: LoadMeter | None = None,
        elsewhere: Elsewhere | None = None,
        announced: AnnouncementStore | None = None,
    ) -> None:
        """``load``, ``elsewhere``: see Room. ``announced``: outlives this process."""
        elsewhere = elsewhere or Nowhere()
        self._room = Room(engine, registry, limits, load, elsewhere)
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._clock = clock
        self.announced = self._pending = Announcements(clock, limits, announced, elsewhere.announced)

    @property
    def full(self) -> bool:
        """True while a new session with the default labels would be refused."""
        return self._room.full

    @property
    def pending(self) -> int:
        """Announced sessions without a socket."""
        return len(self._pending)

    async def announce(self, principal: Principal, terms: SessionTerms) -> str:
        """The id of a session that waits ``claim_s`` seconds for its first socket.

        Raises LabelQueryError, and CapacityError if as many are announced as there may be sessions and no other site
        has more of them.
        """
        self._need_room(principal.site)
        # Two hundred labels of one's own take a tenth of a second, which the sessions would wait.
        await asyncio.to_thread(self._engine.dictionaries.resolve, requested(terms.labels))
        self._need_room(principal.site)  # others may have announced meanwhile
        terms = replace(terms, since=self._clock.wall_time())
        return await self._pending.keep(self._pending.announce(principal.site, terms), principal.site, terms)

    def _need_room(self, site: str) -> None:
        if self._room.crowded or self._pending.full_for(site):
            raise self._room.refused()

    def withdraw(self, session_id: str) -> None:
        """Forget an announced session that nobody can come for."""
        self._pending.withdraw(session_id)

    async def awaits(self, session_id: str, site: str) -> bool:
        """Whether it was announced and its patient has not come yet. Raises StoreError, CapacityError."""
        here = self._registry.running(session_id, site) is not None  # then no store need answer
        return not here and await self._pending.awaited(session_id, site)

    def announced_of(self, site: str) -> list[tuple[str, SessionTerms]]:
        """The announced sessions of ``site`` whose patient has not come yet."""
        return self._pending.of_site(site)

    async def admit(
        self,
        start: SessionStart,
        principal: Principal,
        claim: Claim | None,
        noted: Callable[[str], Awaitable[None]],
    ) -> Accepted | Uncollected:
        """``claim``: the announced session for which this socket was admitted; it can begin or resume no other.
        ``noted``: awaited with the session's id, once nothing is known that would refuse the socket.

        Raises what ``noted`` does, CapacityError, ConfigError, LabelQueryError, UnsupportedRateError,
        UnknownSessionError, SessionExpiredError, ForeignTokenError, TokenExpiredError, TokenUsedError.
        """
        if start.resume is not None:
            if claim is not None and claim.session_id != start.resume.session_id:
                raise ForeignTokenError("This token is for another session.", param="token")
            await noted(start.resume.session_id)
            resumed = await self._resume(start.resume, format_of(start), principal.site)
            if isinstance(resumed, Accepted):
                resumed.session.unheard = False
                resumed.session.came_back = True
            return resumed
        noted_once = once(noted)
        try:
            return await self._begin(start, principal, claim, noted_once)
        except TokenUsedError as used:
            again = None if claim is None else self._registry.running(claim.session_id, principal.site)
            if again is None or not again.session.unheard:
                raise
            await noted_once(again.session.id)
            return await self._begin_again(start, again.session, used)

    async def _begin(
        self,
        start: SessionStart,
        principal: Principal,
        claim: Claim | None,
        noted: Callable[[str], Awaitable[None]],
    ) -> Accepted:
        if claim is not None:
            await self._pending.recall(claim.session_id)
        terms = self._settled(principal, claim)
        session_id = new_session_id() if claim is None else claim.session_id
        await noted(session_id)
        start = terms.applied(start)
        labels = await self._resolved(start)
        self._settled(principal, claim)  # another socket may have come meanwhile
        accepted = self._new(start, session_id, principal.site, labels, terms)
        if claim is None:
            return accepted
        # Only now: a start that cannot work must not use up the announced session.
        redeemed = await self._pending.redeem(session_id, principal.site)
        if self._room.full_for(principal.site):  # others may have taken the last place meanwhile
            await self._pending.give_back(session_id, redeemed)
            raise self._room.refused()
        return replace(accepted, redeemed=redeemed)

    async def _resolved(self, start: SessionStart) -> LabelSet:
        return await asyncio.to_thread(self._engine.dictionaries.resolve, requested(start.labels))

    def _new(self, start: SessionStart, session_id: str, site: str, labels: LabelSet, terms: SessionTerms) -> Accepted:
        session = Session(
            self._engine, self._limits, self._clock, start, session_id=session_id, site=site, labels=labels, terms=terms
        )
        bring_voice(session)
        return Accepted(session, self._engine.make_core(session.audio))

    def _settled(self, principal: Principal, claim: Claim | None) -> SessionTerms:
        """The terms of the announced session, if this socket may begin one now."""
        if claim is not None and not claim.live:
            raise TokenExpiredError(TOKEN_EXPIRED, param="token")
        terms = SessionTerms() if claim is None else self._pending.terms(claim.session_id, principal.site)
        if self._room.full_for(principal.site):
            raise self._room.refused()
        return terms

    async def _resume(self, resume: ResumeConfig, audio: AudioFormat, site: str) -> Accepted | Uncollected:
        """The session without its former socket, which is told and closed, unless the format does not fit."""
        while True:
            try:
                found = await self._registry.find_own(resume.session_id, resume.resume_token, site)
            except SnapshotError:
                raise not_here() from None
            match found:
                case Remembered(collected=False, farewell=Farewell() as farewell):
                    return Uncollected(resume.session_id, farewell)
                case Remembered():
                    raise SessionExpiredError("This session has ended.")
                case SessionCheckpoint():
                    if (accepted := await self._adopt(resume, found, audio, site)) is not None:
                        return accepted
                case Entry():
                    check_format(audio, found.session.audio)
                    if isinstance(found.state, Waiting):
                        return self._go_on(found.session, self._clock.now() - found.state.since)
                    await self._take_over(found)

    async def _begin_again(self, start: SessionStart, former: Session, used: TokenUsedError) -> Accepted:
        """An announced session whose patient said nothing yet: its line may have broken before ``session.started`` and
        the resume token came. It ends unheard, and the holder of its token begins it anew, on the same terms."""
        start = former.terms.applied(start)
        labels = await self._resolved(start)
        stopped: Session | None = None
        while (entry := self._registry.running(former.id, former.site)) is not None:
            # What it says while it is stopped must not leave the session to nobody.
            if entry.session is not stopped and not entry.session.unheard:
                break
            if entry.session.came_back:
                break  # with the resume token, while the former socket was closed: that one is the patient
            if isinstance(entry.state, Waiting):
                accepted = self._new(start, former.id, former.site, labels, former.terms)
                self._registry.replace(accepted.session)
                return accepted
            stopped = entry.session
            await self._take_over(entry)
        raise used

    async def _take_over(self, entry: Entry) -> None:
        """Wait until the session has no socket any more, or has ended."""
        if isinstance(entry.state, Attached):
            entry.state.connection.stop(endings.superseded())
        try:
            async with deadline(self._clock, self._limits.send_s):
                await entry.changes()
        except TimeoutError:
            raise capacity_error(self._limits) from None

    async def _adopt(
        self, resume: ResumeConfig, found: SessionCheckpoint, audio: AudioFormat, site: str
    ) -> Accepted | None:
        """A session of another process whose patient may still come back. ``None``: it is in this process by now, or
        has ended."""
        if not self._registry.lasting and away_s(found, self._clock) > self._longest_away_s:
            raise SessionExpiredError("This session waited too long for its patient.")
        try:
            taken = await self._registry.take(resume.session_id)
            if taken is None or self._registry.running(resume.session_id, site) is not None:
                return None
            return self._taken_up(taken, resume.resume_token, audio)
        except SnapshotError:
            raise not_here() from None

    def _taken_up(self, taken: SessionCheckpoint, resume_token: str, audio: AudioFormat) -> Accepted:
        try:
            session = restore_session(taken, self._engine, self._limits, self._clock, resume_token)
            check_format(audio, session.audio)
            return self._go_on(session, min(away_s(taken, self._clock), self._longest_away_s))
        except TingqingError:  # the patient comes back with another format, or to a process that can go on
            self._registry.give_up(str(taken.state["id"]))
            raise

    @property
    def _longest_away_s(self) -> float:
        """The age of a checkpoint whose patient may still come back: none is made during a pause."""
        return self._limits.pause_s + self._limits.resume_ttl_s

    async def refuse_again(self, accepted: Accepted) -> None:
        """An accepted session gets no socket after all; one of another process is left to the next."""
        if accepted.redeemed is not None:
            await self._pending.give_back(accepted.session.id, accepted.redeemed)
        if accepted.session.came_back and self._registry.running(accepted.session.id, accepted.session.site) is None:
            self._registry.give_up(accepted.session.id)

    def _go_on(self, session: Session, gone_s: float) -> Accepted:
        known, engine = session.core, self._engine
        core = engine.make_core(session.audio) if known is None else engine.restore_core(bytes(known))
        session.idle.came_back(self._clock.now(), min(gone_s, self._limits.resume_ttl_s))
        ahead = round((gone_s + REPLAY_SLACK_S) * session.audio.sample_rate)
        return Accepted(session, core, session.furthest_sample + ahead)

    def close(self) -> None:
        """Refuse newcomers from now on and forget announced sessions."""
        self._pending.close()
