"""Every running session of the process by its id: with its socket, waiting for its patient, or being ended."""

import asyncio
import hmac
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, assert_never

from server.assessment.engine import HeardAudio
from server.errors import SessionExpiredError, UnknownSessionError
from server.live.checkpoint import CheckpointStore, SessionCheckpoint
from server.live.checkpointing import checkpoint_of
from server.live.clock import Clock, Timer
from server.live.concluding import conclude, without_result
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

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attached:
    """A socket serves the session."""

    connection: "Connection"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Its patient has been gone since clock time ``since`` and may come back until ``timer`` fires."""

    since: float
    timer: Timer


@dataclass(frozen=True, slots=True)
class EndingAlone:
    """The patient did not come back; the outcome is being built."""


EntryState = Attached | Waiting | EndingAlone


class Entry:
    """One running session, and who has it."""

    def __init__(self, session: Session, state: EntryState) -> None:
        self.session = session
        self._state = state
        self._changed = asyncio.Event()

    @property
    def state(self) -> EntryState:
        """Changed only by ``move``."""
        return self._state

    def move(self, to: EntryState) -> None:
        """An impossible transition is a bug."""
        expected: tuple[type[EntryState], ...]
        match to:
            case Attached():
                expected = (Waiting,)
            case Waiting():
                expected = (Attached,)
            case EndingAlone():
                expected = (Waiting,)
            case _:
                assert_never(to)
        assert isinstance(self._state, expected), f"{to} comes after {expected[0].__name__}, not after {self._state}"
        if isinstance(self._state, Waiting):
            self._state.timer.cancel()
        self._state = to
        self._changed.set()

    def gone(self) -> None:
        """The session ended: tasks that wait for a change of this entry must check it again."""
        self._changed.set()

    async def changes(self) -> None:
        """Wait for the next transition."""
        self._changed.clear()
        await self._changed.wait()


class Registry:
    """Bounded: the manager limits patients; of more than ``max_sessions`` waiting sessions, of the site with most of
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

    async def find_own(self, session_id: str, resume_token: str, site: str) -> Entry | Remembered | SessionCheckpoint:
        """The same for a holder of the resume token; without it a session is reported as unknown.

        May return the checkpoint of a session that another process began and that has not ended. Also raises
        SnapshotError.
        """
        found: Entry | Remembered | SessionCheckpoint
        try:
            found = await self.find(session_id, site)
        except UnknownSessionError:
            checkpoint = await self._calls.ask(self._checkpoints.get(session_id))
            if (entry := self.running(session_id, site)) is not None:  # another socket took the session meanwhile
                found = entry
            elif checkpoint is not None and checkpoint.state.get("site") == site:
                found = checkpoint
            else:
                raise
        if not hmac.compare_digest(_token_of(found).encode(), resume_token.encode(errors="replace")):
            raise UnknownSessionError("There is no such session.")
        return found

    def running(self, session_id: str, site: str) -> Entry | None:
        """A running session of ``site``."""
        entry = self._entries.get(session_id)
        return entry if entry is not None and entry.session.site == site else None

    # -- its sockets

    def replace(self, new: Session) -> None:
        """``new`` has the id of a session that waits for its patient, and takes its place and its observers."""
        entry = self._entries[new.id]
        assert isinstance(entry.state, Waiting), f"a session with {entry.state} is not replaced"
        new.inherit(entry.session)
        new.hub.publish(snapshot_message(new).model_dump_json(), "snapshot")
        entry.session = new

    def attach(self, session: Session, connection: "Connection") -> None:
        """This connection serves the session from now on, whether it is new or its patient came back."""
        entry = self._entries.get(session.id)
        if entry is None:
            self._entries[session.id] = Entry(session, Attached(connection))
        else:
            entry.move(Attached(connection))

    def detach(self, session: Session, heard: HeardAudio, why: str) -> None:
        """The patient is gone and has ``resume_ttl_s`` to come back."""
        entry = self._entries[session.id] = self._entries.pop(session.id)  # the last of those that wait
        timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self._expire, session.id, "expired"))
        entry.move(Waiting(self._clock.now(), timer))
        session.detach(heard, why)
        waiting = self.waiting
        if len(waiting) > self._limits.max_sessions:
            # Sessions that are opened and dropped must not end a visit in which something was said.
            least = gives_way(waiting, lambda each: each.session.site, lambda each: each.session.furthest_sample)
            self._expire(least.session.id, "expired")

    async def save(self, session: Session) -> None:
        """Keep the checkpoint of a running session. If the store fails, only a resume in another process is lost."""
        await self._calls.tell(self._put(session), "a checkpoint could not be kept")

    async def _put(self, session: Session) -> None:
        await self._checkpoints.put(session.id, checkpoint_of(session))

    # -- its end

    async def end(self, session: Session, outcome: Outcome) -> None:
        """Hand over ``outcome``, then release the session. It can be found at any time, here or in the sink.

        If the sink fails, patient and observers still have the result, and the session cannot be continued.
        """
        await self._calls.tell(self._sink.ended(outcome), "a result could not be handed over")
        await self._calls.tell(self._checkpoints.delete(session.id), "a checkpoint could not be deleted")
        entry = self._entries.pop(session.id)
        if outcome.result is not None:
            result = outcome.result
            session.engine.metrics.judged("session", result.overall.verdict, result.duration_s)
        session.end(outcome.reason, None if outcome.farewell is None else outcome.farewell.ended)
        entry.gone()

    def _expire(self, session_id: str, reason: EndReason) -> None:
        entry = self._entries[session_id]
        entry.move(EndingAlone())
        self._group.create_task(self._end_alone(entry.session, reason))

    async def _end_alone(self, session: Session, reason: EndReason) -> None:
        """The patient did not come back: observers get the result so far."""
        about_session(session.id)
        assert session.heard is not None, "only a session without a socket ends alone"
        try:
            outcome = await conclude(session, reason, session.heard)
        except Exception:  # nobody waits for this result; the session must be released anyway
            log.exception("a result could not be put together")
            outcome = without_result(session, reason)
        await self.end(session, outcome)
        await self.collected(session.id)  # a patient who stayed away too long is told so

    async def collected(self, session_id: str) -> None:
        """The patient has the result of a session that ended."""
        await self._calls.tell(self._sink.collected(session_id), "a sink could not be told that a result arrived")

    async def close(self) -> None:
        """End the sessions that wait for their patient."""
        for entry in self.waiting:
            self._expire(entry.session.id, "drain")
        for entry in list(self._entries.values()):
            while self._entries.get(entry.session.id) is entry and isinstance(entry.state, EndingAlone):
                await entry.changes()

    async def let_go(self) -> None:
        """No call for any session follows."""
        await self._calls.tell(self._sink.close(), "a sink could not be closed")


def _token_of(found: Entry | Remembered | SessionCheckpoint) -> str:
    match found:
        case Entry():
            return found.session.resume_token
        case Remembered(farewell=farewell):
            assert farewell is not None, "find gives what is still there"
            return farewell.resume_token
        case SessionCheckpoint():
            return str(found.state["resume_token"])
        case _:
            assert_never(found)
