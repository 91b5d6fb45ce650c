"""How many of something each name has open, counted by this process alone or by all of one machine."""

from collections import Counter
from typing import Protocol


class Tally(Protocol):
    """Counts by name. ``server.workers.board`` has the one that several processes share."""

    def of(self, name: str) -> int:
        """How many ``name`` has open, in all processes that count together."""
        ...

    def add(self, name: str) -> None:
        """One more, here."""
        ...

    def remove(self, name: str) -> None:
        """One less, of those that were added here."""
        ...

    @property
    def here(self) -> int:
        """All that this process has open."""
        ...


class OwnTally:
    """A ``Tally`` of this process; names with nothing open take no memory."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def of(self, name: str) -> int:
        """See Tally."""
        return self._of.get(name, 0)

    def add(self, name: str) -> None:
        """See Tally."""
        self._of[name] += 1

    def remove(self, name: str) -> None:
        """See Tally."""
        self._of[name] -= 1
        if self._of[name] <= 0:
            del self._of[name]

    @property
    def here(self) -> int:
        """See Tally."""
        return self._of.total()
