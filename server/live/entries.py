"""A running session as its process has it: with its socket, waiting for its patient, or being ended."""

import asyncio
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from server.live.checkpoint import SessionCheckpoint
from server.live.clock import Timer
from server.live.outcome import Remembered
from server.live.session import Session
from server.live.starting import Begun

if TYPE_CHECKING:
    from server.live.connection import Connection


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
    """One running session, and who has it. ``leaving``: not here any more once its socket is closed; ``lost``: another
    process has it already; ``over``: it is being ended, and no checkpoint of it may follow."""

    def __init__(self, session: Session, state: EntryState) -> None:
        self.session = session
        self.leaving = False
        self.lost = False
        self.over = False
        self._state = state
        self._changed = asyncio.Event()
        self._others_know = ExitStack()
        self._begun: Begun | None = None

    def others_know(self, telling: AbstractContextManager[None]) -> None:
        """Other processes know of it by ``telling`` until it is ``gone``, also while it waits for its patient."""
        self._others_know.close()
        self._others_know.enter_context(telling)

    def counts_as(self, begun: Begun) -> None:
        """It counts where it began, until it is ``gone``; later sockets do not count."""
        if self._begun is None:
            self._begun = begun
            begun.keep()

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
        """The session ended or left: tasks that wait for a change of this entry must check it again."""
        self._others_know.close()
        if self._begun is not None:
            self._begun.release()
        self._changed.set()

    async def changes(self) -> None:
        """Wait for the next transition."""
        self._changed.clear()
        await self._changed.wait()


def resume_digest_of(found: Entry | Remembered | SessionCheckpoint) -> str:
    """The digest of the token with which its patient comes back."""
    match found:
        case Entry():
            return found.session.resume_digest
        case Remembered(farewell=farewell):
            assert farewell is not None, "only one that is still kept is found"
            return farewell.resume_digest
        case SessionCheckpoint():
            return found.resume_digest
        case _:
            assert_never(found)
