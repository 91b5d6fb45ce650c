"""The state of one connection, from its first message to its close."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar, assert_never

from server.live.endings import Ending


@dataclass(frozen=True, slots=True)
class Receiving:
    """Audio comes in, windows are scored."""


@dataclass(frozen=True, slots=True)
class Draining:
    """``session.end`` came: the last windows are scored until clock time ``until``. A lost connection is ignored."""

    until: float


@dataclass(frozen=True, slots=True)
class Stopping:
    """The connection is ending; its loops are being stopped."""

    ending: Ending


@dataclass(frozen=True, slots=True)
class Closing:
    """No loop touches the session any more; the last messages are sent."""

    ending: Ending


@dataclass(frozen=True, slots=True)
class Closed:
    """``delivered``: the session ended with this connection, and its peer received every message."""

    delivered: bool


ConnectionState = Receiving | Draining | Stopping | Closing | Closed
Kind = TypeVar("Kind", Receiving, Draining, Stopping, Closing, Closed)


class ConnectionLife:
    """Holds the state; ``move`` is the only way to another one."""

    def __init__(self) -> None:
        self._state: ConnectionState = Receiving()
        self._changed = asyncio.Event()

    @property
    def state(self) -> ConnectionState:
        """Changed only by the methods of this class."""
        return self._state

    def move(self, to: ConnectionState) -> None:
        """An impossible transition is a bug."""
        expected = _before(to)
        assert isinstance(self._state, expected), (
            f"{to} comes after {' or '.join(kind.__name__ for kind in expected)}, not after {self._state}"
        )
        self._state = to
        self._changed.set()

    async def until(self, kind: type[Kind]) -> Kind:
        """Wait for a state of ``kind``, and return it."""
        while not isinstance(self._state, kind):
            self._changed.clear()
            await self._changed.wait()
        return self._state


def _before(to: ConnectionState) -> tuple[type[ConnectionState], ...]:
    """The allowed previous states. A fault of ours, or a cancelled handler, skips those in between."""
    match to:
        case Receiving():
            return ()
        case Draining():
            return (Receiving,)
        case Stopping():
            return (Receiving, Draining)
        case Closing():
            return (Receiving, Draining, Stopping)
        case Closed():
            return (Receiving, Draining, Stopping, Closing)
        case _:
            assert_never(to)
