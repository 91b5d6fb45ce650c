"""Whose speech it was that was heard between two moments, where voices are told apart. Sans-IO."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.values.voices import Role, Voice, spoken
from server.values.windows import RECENT_S

LEAST_TOLD_S = 2.0
"""Seconds of turns under which nothing is said about whose they were."""
MOSTLY = 0.6
"""Share of the turns, in seconds, that makes them the others'."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The voices so far, known up to second ``until_s``; ``None`` where voices are not told apart. A turn that is too
    short to be known is nobody's."""

    voices: Sequence[Voice] = ()
    until_s: float | None = None

    @property
    def others(self) -> bool:
        """Whether another voice than the patient's was heard."""
        return any(one.role is not Role.PATIENT for one in self.voices)

    def are_others(self, start_s: float, end_s: float) -> bool:
        """Whether it was mostly not the patient who spoke between ``start_s`` and ``end_s``; false while unknown."""
        others = sum(spoken(start_s, end_s, one) for one in self.voices if one.role is not Role.PATIENT)
        told = self._told_s(start_s, end_s)
        return told >= LEAST_TOLD_S and others >= MOSTLY * told

    def tell(self, start_s: float, end_s: float) -> bool:
        """Whether it is known of enough turns between ``start_s`` and ``end_s`` whose they were."""
        return self._told_s(start_s, end_s) >= LEAST_TOLD_S

    def _told_s(self, start_s: float, end_s: float) -> float:
        return sum(spoken(start_s, end_s, one) for one in self.voices)


NOBODY_KNOWN = Turns()


@dataclass(frozen=True, slots=True)
class Heard:
    """A window that follows another: ``speech_s`` seconds of speech that are new, up to second ``end_s`` of the stream.
    ``turns``: whose they are, as far as that is known."""

    speech_s: float
    end_s: float
    turns: Turns

    @property
    def start_s(self) -> float:
        """From where on its ``recent`` scores may tell something new."""
        return max(0.0, self.end_s - RECENT_S)

    def others_since(self, start_s: float) -> bool:
        """Whether it was mostly not the patient who spoke since then."""
        return self.turns.are_others(start_s, self.end_s)
