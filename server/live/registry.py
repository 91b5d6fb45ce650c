"""Every session of the process that goes on, by its id: with its socket, waiting for its patient, or being ended."""

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
from server.live.limits import LiveLimits
from server.live.outcome import Outcome, Remembered, ResultSink
from server.live.port_calls import PortCalls
from server.live.session import Session
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
    """Its patient is gone since clock time ``since``, and may come back until ``timer``."""

    since: float
    timer: Timer


@dataclass(frozen=True, slots=True)
class EndingAlone:
    """Nobody came back; its outcome is being put together."""


EntryState = Attached | Waiting | EndingAlone


class Entry:
    """One session that goes on, and who has it."""

    def __init__(self, session: Session, state: EntryState) -> None:
        self.session = session
        self._state = state
        self._changed = asyncio.Event()

    @property
    def state(self) -> EntryState:
        """Changed by ``move`` alone."""
        return self._state

    def move(self, to: EntryState) -> None:
        """A transition that does not exist is a bug."""
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
        """Until the next transition."""
        self._changed.clear()
        await self._changed.wait()


class Registry:
    """Bounded: patients by the manager, waiting sessions by ``max_sessions`` (the longest waiting is ended early).

    What ended goes to ``sink``, what goes on is kept in ``checkpoints``. ``group`` owns the ends for which no socket
    waits.
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
        """Those of sessions with a patient on the line."""
        return [entry.state.connection for entry in self._entries.values() if isinstance(entry.state, Attached)]

    @property
    def waiting(self) -> list[Entry]:
        """Sessions whose patient may come back."""
        return [entry for entry in self._entries.values() if isinstance(entry.state, Waiting)]

    # -- to find a session

    async def find(self, session_id: str, site: str) -> Entry | Remembered:
        """One that goes on, or one whose farewell is still there. One that goes on is found without a pause.

        Raises UnknownSessionError, also for another site's, SessionExpiredError, and CapacityError where nobody can
        tell in time.
        """
        entry = self._going_on(session_id, site)
        if entry is not None:
            return entry
        remembered = await self._calls.ask(self._sink.find(session_id, site))
        if remembered is None:
            raise UnknownSessionError("There is no such session.")
        if remembered.farewell is None:
            raise SessionExpiredError("This session ended, or waited too long for its patient.")
        return remembered

    async def find_own(self, session_id: str, resume_token: str, site: str) -> Entry | Remembered | SessionCheckpoint:
        """The same for whoever holds the resume token; without it a session is as good as unknown.

        A checkpoint is that of a session that another process began, and nobody ended. Raises SnapshotError, too.
        """
        found: Entry | Remembered | SessionCheckpoint
        try:
            found = await self.find(session_id, site)
        except UnknownSessionError:
            checkpoint = await self._calls.ask(self._checkpoints.get(session_id))
            entry = self._going_on(session_id, site)
            if entry is not None:  # another socket took it up meanwhile
                found = entry
            elif checkpoint is not None and checkpoint.state.get("site") == site:
                found = checkpoint
            else:
                raise
        if not hmac.compare_digest(_token_of(found).encode(), resume_token.encode(errors="replace")):
            raise UnknownSessionError("There is no such session.")
        return found

    def _going_on(self, session_id: str, site: str) -> Entry | None:
        entry = self._entries.get(session_id)
        return entry if entry is not None and entry.session.site == site else None

    # -- its sockets

    def attach(self, session: Session, connection: "Connection") -> None:
        """A new session, or one that its patient comes back to, is served by this connection from now on."""
        entry = self._entries.get(session.id)
        if entry is None:
            self._entries[session.id] = Entry(session, Attached(connection))
        else:
            entry.move(Attached(connection))

    def detach(self, session: Session, heard: HeardAudio, why: str) -> None:
        """The patient is gone; they have ``resume_ttl_s`` to come back."""
        entry = self._entries[session.id]
        timer = self._clock.call_later(self._limits.resume_ttl_s, partial(self._expire, session.id, "expired"))
        entry.move(Waiting(self._clock.now(), timer))
        session.detach(heard, why)
        waiting = self.waiting
        if len(waiting) > self._limits.max_sessions:
            self._expire(min(waiting, key=_waits_since).session.id, "expired")

    async def save(self, session: Session) -> None:
        """Keep the checkpoint of a session that goes on. A store that fails costs a resume elsewhere, not this one."""
        await self._calls.tell(self._put(session), "a checkpoint could not be kept")

    async def _put(self, session: Session) -> None:
        await self._checkpoints.put(session.id, checkpoint_of(session))

    # -- its end

    async def end(self, session: Session, outcome: Outcome) -> None:
        """Hand ``outcome`` over, then let go of the session. It can be found all the time, here or there.

        Where that fails its patient and observers have the result all the same, and it goes on nowhere.
        """
        await self._calls.tell(self._sink.ended(outcome), "a result could not be handed over")
        await self._calls.tell(self._checkpoints.delete(session.id), "a checkpoint could not be deleted")
        entry = self._entries.pop(session.id)
        session.end(outcome.reason, None if outcome.farewell is None else outcome.farewell.ended)
        entry.gone()

    def _expire(self, session_id: str, reason: EndReason) -> None:
        entry = self._entries[session_id]
        entry.move(EndingAlone())
        self._group.create_task(self._end_alone(entry.session, reason))

    async def _end_alone(self, session: Session, reason: EndReason) -> None:
        """Nobody came back: observers get the result so far."""
        assert session.heard is not None, "only a session without a socket ends alone"
        try:
            outcome = await conclude(session, reason, session.heard)
        except Exception:  # nobody waits for this result; the session must go all the same
            log.exception("a result could not be put together")
            outcome = without_result(session, reason)
        await self.end(session, outcome)
        await self.collected(session.id)  # a patient who stayed away too long is told so

    async def collected(self, session_id: str) -> None:
        """The patient has the result of a session that ended."""
        await self._calls.tell(self._sink.collected(session_id), "a sink could not be told that a result arrived")

    async def close(self) -> None:
        """End those who wait."""
        for entry in self.waiting:
            self._expire(entry.session.id, "drain")
        for entry in list(self._entries.values()):
            while self._entries.get(entry.session.id) is entry and isinstance(entry.state, EndingAlone):
                await entry.changes()

    async def let_go(self) -> None:
        """Nothing of any session comes after."""
        await self._calls.tell(self._sink.close(), "a sink could not be closed")


def _waits_since(entry: Entry) -> float:
    assert isinstance(entry.state, Waiting)
    return entry.state.since


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
