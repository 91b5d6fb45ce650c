"""What a session costs, learned from how much all of them together use. Sans-IO."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LEARN = 0.25
"""Share of a surprise that is believed after one second."""

FARTHEST = 5.0
"""A learned cost stays within this factor of the first one."""


class Kind(StrEnum):
    """What a session's windows are scored with: acoustic measures alone, or CLAP too."""

    ACOUSTIC = "acoustic"
    CLAP = "clap"


@dataclass(frozen=True, slots=True)
class Cores:
    """``loop``: of the event loop's thread, 1 at most; ``process``: of all threads, but for parts that can be left out
    (``PartCosts``)."""

    loop: float
    process: float


class Costs:
    """Cores that a session of each kind takes.

    ``learn`` moves them by the normalised least-mean-squares rule (Widrow and Hoff 1960): what all together used more
    or less than expected is charged to the kinds by their numbers.
    """

    def __init__(self, first: Cores) -> None:
        self._first = first
        self._of = dict.fromkeys(Kind, first)

    def of(self, kind: Kind) -> Cores:
        """One session's."""
        return self._of[kind]

    def learn(self, sessions: Mapping[Kind, float], used: Cores) -> None:
        """One second in which these sessions ran and nothing else did."""
        power = sum(count**2 for count in sessions.values())
        if not power:
            return
        expected = self.expected(sessions)
        for kind, count in sessions.items():
            step = LEARN * count / power
            now = self._of[kind]
            self._of[kind] = Cores(
                _within(now.loop + step * (used.loop - expected.loop), self._first.loop),
                _within(now.process + step * (used.process - expected.process), self._first.process),
            )

    def expected(self, sessions: Mapping[Kind, float]) -> Cores:
        """What these sessions take together."""
        return Cores(
            sum(count * self._of[kind].loop for kind, count in sessions.items()),
            sum(count * self._of[kind].process for kind, count in sessions.items()),
        )


def _within(value: float, first: float) -> float:
    return min(max(value, first / FARTHEST), first * FARTHEST)
