"""What a transcript says about a content label; the judgement sees nothing else of what was said."""

from dataclasses import dataclass
from enum import StrEnum


class SaidState(StrEnum):
    """What was said of a topic. ``not_heard`` does not mean that it is absent: nobody spoke of it."""

    STATED = "stated"
    DENIED = "denied"
    NOT_HEARD = "not_heard"


@dataclass(frozen=True, slots=True)
class Said:
    """The state of a topic in the transcript so far. ``heard_at_s``: start of the line that decided it, if lines have
    times.
    """

    state: SaidState
    strength: float
    heard_at_s: float | None = None
