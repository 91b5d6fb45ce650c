"""Every running session of the process by its id: with its socket, waiting for its patient, or being ended."""

import asyncio
import hmac
from functools import partial
from typing import TYPE_CHECKING

from server.access.keys import digest_of
from server.assessment.engine import HeardAudio
from server.errors import SessionElsewhereError, SessionExpiredError, UnknownSessionError
from server.live import endings
from server.live.checkpoint import CheckpointStore, SessionCheckpoint
from server.live.checkpointing import checkpoint_of
from server.live.clock import Clock
from server.live.concluding import conclude_anyway
from server.live.entries import Attached, EndingAlone, Entry, Waiting, resume_digest_of
from server.live.fairness import gives_way
from server.live.limits import LiveLimits
from server.live.newcomers import snapshot_message
from server.live.outcome import Outcome, Remembered, ResultSink
from server.live.port_calls import PortCalls
from server.live.session import Session
from server.logs import about_session
from server.wire.server import EndReason

if TYPE_CHECKING:
    from server.live.connection import Connection

ELSEWHERE_S = 1.0
"""How soon a doctor asks again for a session that moves from one process to another."""


class Registry:
    """Bounded: the manager limits patients; of more than ``sessions_here`` waiting sessions, of the site with most of
    them, the one in which least was heard is ended early.

    Ended sessions go to ``sink``, running ones are kept in ``checkpoints``. ``group`` owns the ends of sessions without
    a socket.
    """

    def __init__(
        self,
        clock: Clock,
        limits: LiveLimits,
        sink: ResultSink,
        checkpoints: CheckpointStore,
        group: asyncio.TaskGroup,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._sink = sink
        self._checkpoints = checkpoints
        self._group = group
        self._calls = PortCalls(clock, limits)
        self._entries: dict[str, Entry] = {}
        self._closed = False

    @property
    def connections(self) -> list["Connection"]:
        """The connections of sessions with a connected patient."""
        return [entry.state.connection for entry in self._entries.values() if isinstance(entry.state, Attached)]

    @property
    def waiting(self) -> list[Entry]:
        """Sessions whose patient may come back, the longest waiting first."""
        return [entry for entry in self._entries.values() if isinstance(entry.state, Waiting)]

    # -- finding a session

    async def find(self, session_id: str, site: str) -> Entry | Remembered:
        """A running session, or one whose farewell is still kept. A running one is found without awaiting.

        Raises UnknownSessionError (also for another site's), SessionExpiredError, and CapacityError if the sink does
        not answer in time.
        """
        if (entry := self.running(session_id, site)) is not None:
            return entry
        remembered = await self._calls.ask(self._sink.find(session_id, site))
        if remembered is None:
            raise UnknownSessionError("There is no such session.")
        if remembered.farewell is None:
            raise SessionExpiredError("This session ended, or waited too long for its patient.")
        return remembered

    async def find_to_watch(self, session_id: str, site: str) -> Entry | Remembered:
        """As ``find``. Also raises SessionElsewhereError and StoreError."""
        await self.check_here(session_id, site)
        return await self.find(session_id, site)

    async def check_here(self, session_id: str, site: str) -> None:
        """Raises SessionElsewhereError if this session of ``site`` runs, but not in this process; StoreError."""
        if self.running(session_id, site) is not None:  # another site's costs what one that is not there costs
            return
        if await self._calls.ask(self._checkpoints.site_of(session_id)) == site and not self.running(session_id, site):
            raise SessionElsewhereError("This session is not here now; connect again.", retry_after_s=ELSEWHERE_S)

    async def find_own(self, session_id: str, resume_token: str, site: str) -> Entry | Remembered | SessionCheckpoint:
        """The same for a holder of the resume token; without it a session is reported as unknown.

        May return the checkpoint of a session that another process began and that has not ended. Also raises
        SnapshotError.
        """
        found: Entry | Remembered | SessionCheckpoint
        await self._check_holding(session_id, site)
        try:
            found = await self.find(session_id, site)
        except UnknownSessionError:
            checkpoint = await self._calls.ask(self._checkpoints.get(session_id, site))
            if (entry := self.running(session_id, site)) is not None:  # another socket took the session meanwhile
                found = entry
            elif checkpoint is not None and checkpoint.state.get("site") == site:
                found = checkpoint
            else:
                raise
        given = digest_of(resume_token.encode(errors="replace").decode())
        if not hmac.compare_digest(resume_digest_of(found), given):
            raise UnknownSessionError("There is no such session.")
        return found

    async def _check_holding(self, session_id: str, site: str) -> None:
        """A process that stood still may not know yet that another one took the session."""
        if self.running(session_id, site) is None:
            return
        if not await self._calls.unless_denied(self._checkpoints.holds(session_id)):
            self.give_up(session_id, lost=True)
            await self._calls.ask(self._gone(session_id))

    async def _gone(self, session_id: str) -> None:
        while (entry := self._entries.get(session_id)) is not None and entry.leaving:
            await entry.changes()

    async def take(self, session_id: str) -> SessionCheckpoint | None:
        """The session of another process, which is this one's from now on; its patient has come back here.

        Raises SnapshotError, StoreError, CapacityError.
        """
        return await self._calls.ask(self._checkpoints.take(session_id))

    def running(self, session_id: str, site: str) -> Entry | None:
        """A running session of ``site``."""
        entry = self._entries.get(session_id)
        return entry if entry is not None and entry.session.site == site else None

    def of_site(self, site: str) -> list[Session]:
        """The running sessions of ``site`` in this process."""
        return [entry.session for entry in self._of(site)]

    def full_for(self, site: str, elsewhere: int) -> bool:
        """Whether ``site`` has as many as it may, waiting ones too. ``elsewhere``: those of other processes."""
        most, here = self._limits.max_sessions_per_site, self._of(site)
        return most is not None and elsewhere + sum(not isinstance(one.state, EndingAlone) for one in here) >= most

    def _of(self, site: str) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.session.site == site]

    # -- its sockets

    def replace(self, new: Session) -> None:
        """``new`` has the id of a session that waits for its patient, and takes its place and its observers."""
        entry = self._entries[new.id]
        assert isinstance(entry.state, Waiting), f"a session with {entry.state} is not replaced"
        new.inherit(entry.session, self._clock.now() - entry.state.since)
        new.hub.publish(snapshot_message(new).model_dump_json(), "snapshot")
        entry.session = new

    def attach(self, session: Session, connection: "Connection") -> Entry:
        """This connection serves the session from now on, whether it is new or its patient came back."""
        entry = self._entries.get(session.id)
        if entry is None:
            entry = self._entries[session.id] = Entry(session, Attached(connection))
        else:
            entry.move(Attached(connection))
        return entry

    def detach(self, session: Session, heard: HeardAudio, why: str) -> None:
        """The patient is gone and has ``resume_ttl_s`` to come back, unless the session goes on in another process."""
        entry = self._entries[session.id] = self._entries.pop(session.id)  # the last of those that wait
        timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self._expire, session.id, "expired"))
        entry.move(Waiting(self._clock.now(), timer))
        session.detach(heard, why)
        if entry.leaving:
            self._part_with(entry)
            return
        waiting = self.waiting
        if len(waiting) > self._limits.sessions_here:
            # Sessions that are opened and dropped must not end a visit in which something was said.
            least = gives_way(waiting, lambda each: each.session.site, lambda each: each.session.furthest_sample)
            self._expire(least.session.id, "expired")

    async def save(self, session: Session, *, at_once: bool = False) -> None:
        """Keep the checkpoint of a session that still runs. If the store fails, only a resume in another process is
        lost."""
        entry = self._entries.get(session.id)
        if entry is not None and entry.session is session and not entry.over:
            await self._calls.tell(self._put(session, at_once=at_once), "a checkpoint could not be kept")

    async def _put(self, session: Session, *, at_once: bool) -> None:
        session.rules.look(session.assessment.labels_asked_for, session.update, session.transcript.said)
        await self._checkpoints.put(session.id, checkpoint_of(session), at_once=at_once)

    # -- other processes

    @property
    def lasting(self) -> bool:
        """Whether another process can go on with the sessions of this one."""
        return self._checkpoints.lasting

    def give_up(self, session_id: str, *, lost: bool = False) -> None:
        """Its patient goes on in another process, or may: close its socket, and let go. ``lost``: that one has it."""
        entry = self._entries.get(session_id)
        if entry is None:
            if not (lost or self._closed):
                self._group.create_task(self._let_others(session_id))
            return
        entry.lost = entry.lost or lost
        if isinstance(entry.state, Attached):
            entry.leaving = True
            entry.state.connection.stop(endings.superseded())
        elif isinstance(entry.state, Waiting):
            self._part_with(entry)

    def _part_with(self, entry: Entry) -> None:
        """Forget a session without a socket; it is not over."""
        assert isinstance(entry.state, Waiting), entry.state
        entry.state.timer.cancel()
        entry.leaving = False
        if not (entry.lost or self._closed):
            self._group.create_task(self._let_others(entry.session.id, checkpoint_of(entry.session)))
        self._gone_elsewhere(entry)

    def _gone_elsewhere(self, entry: Entry) -> None:
        del self._entries[entry.session.id]
        entry.session.leave()
        entry.gone()

    async def _let_others(self, session_id: str, last: SessionCheckpoint | None = None) -> None:
        """Any process may take this session. ``last``: its last state."""
        if last is not None:
            await self._calls.tell(self._checkpoints.put(session_id, last), "a checkpoint could not be kept")
        await self._calls.tell(self._checkpoints.leave(session_id), "a session could not be left to others")

    def take_in(self, session: Session, heard: HeardAudio) -> None:
        """A session whose patient stayed away while no process had it: it ends here."""
        timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self._expire, session.id, "expired"))
        session.heard = heard
        self._entries[session.id] = Entry(session, Waiting(self._clock.now(), timer))
        self._expire(session.id, "expired")

    # -- its end

    async def end(self, session: Session, outcome: Outcome) -> None:
        """Hand over ``outcome``, then release the session. It can be found at any time, here or in the sink.

        If the sink fails, patient and observers still have the result, and the session cannot be continued.
        """
        self._entries[session.id].over = True
        await self.bury(outcome)
        entry = self._entries.pop(session.id)
        if outcome.result is not None:
            result = outcome.result
            session.engine.metrics.judged("session", result.overall.verdict, result.duration_s)
        session.end(outcome.reason, None if outcome.farewell is None else outcome.farewell.ended)
        entry.gone()

    async def bury(self, outcome: Outcome) -> None:
        """Hand over ``outcome`` of a session that need not be in this process, and forget its checkpoint."""
        await self._calls.tell(self._sink.ended(outcome), "a result could not be handed over")
        await self._calls.tell(self._checkpoints.delete(outcome.session_id), "a checkpoint could not be deleted")

    def _expire(self, session_id: str, reason: EndReason) -> None:
        entry = self._entries[session_id]
        entry.move(EndingAlone())
        self._group.create_task(self._end_alone(entry, reason))

    async def _end_alone(self, entry: Entry, reason: EndReason) -> None:
        """The patient did not come back: observers get the result so far, unless another process has the session."""
        session = entry.session
        about_session(session.id)
        if not await self._calls.unless_denied(self._checkpoints.holds(session.id)):
            self._gone_elsewhere(entry)
            return
        assert session.heard is not None, "only a session without a socket ends alone"
        await self.end(session, await conclude_anyway(session, reason, session.heard))
        await self._calls.tell(self._sink.collected(session.id), "a sink could not be told that a patient is too late")

    async def close(self) -> None:
        """Leave the sessions that wait for their patient to other processes, or end them where there can be none."""
        for entry in self.waiting:
            if self.lasting:
                self._part_with(entry)
            else:
                self._expire(entry.session.id, "drain")
        for entry in list(self._entries.values()):
            while self._entries.get(entry.session.id) is entry and isinstance(entry.state, EndingAlone):
                await entry.changes()
        self._closed = True

    async def let_go(self) -> None:
        """No call for any session follows."""
        await self._calls.tell(self._sink.close(), "a sink could not be closed")
