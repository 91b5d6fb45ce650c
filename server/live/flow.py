"""How the audio of one socket flows."""

from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """Up to sample ``until`` the client sends again, or catches up after a break: no window is replaced, and no rate is
    too fast."""

    until: int


@dataclass(frozen=True, slots=True)
class Current:
    """Audio comes as it is captured."""


@dataclass(frozen=True, slots=True)
class Finished:
    """No more audio comes; the core is flushed."""


Flow = CatchingUp | Current | Finished


def moved(flow: Flow, to: Flow) -> Flow:
    """Move to ``to``; an impossible transition is a bug."""
    expected: tuple[type[Flow], ...]
    match to:
        case CatchingUp():
            expected = ()
        case Current():
            expected = (CatchingUp,)
        case Finished():
            expected = (CatchingUp, Current)
        case _:
            assert_never(to)
    assert isinstance(flow, expected), (
        f"{to} comes after {' or '.join(kind.__name__ for kind in expected)}, not after {flow}"
    )
    return to
